"""The runner for engines that let go of the interpreter while they work: threads of this process.

Threads start at once and share what is imported, where a worker process takes a second of CPU before its first unit. They are no choice
for an engine that runs in Python itself, or that a file may kill: it would take the run with it.

Dask could run threads too. Importing it and waking its event loop for every task came to 0.3 s of CPU, a tenth of a run over 100,000 files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from dicomlake.runner.protocol import Outcome

T = TypeVar("T")
R = TypeVar("R")

CLOSE_SECONDS = 5

LISTEN_SECONDS = 0.25
"""How long a signal may wait to be heard: Python's handlers run between waits."""


class ThreadRunner:
    """Runs tasks in threads of this process.

    A thread that hangs keeps the interpreter from ending; the command leaves without asking it.

    Args:
        threads: how many.
        in_flight_per_thread: how many tasks run or wait for each.
    """

    def __init__(self, threads: int, in_flight_per_thread: int) -> None:
        self._threads = threads
        self._room = threads * in_flight_per_thread
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="dicomlake-worker")
        self._in_flight: set[Future[Any]] = set()

    def workers(self) -> int:
        """The threads."""
        return self._threads

    def dashboard(self) -> str | None:
        """None: there is nothing to look at."""
        return None

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """Call ``function`` on every task; answers in the order in which tasks end."""
        waiting = iter(tasks)
        in_flight: dict[Future[R], T] = {}
        exhausted = False
        try:
            while True:
                while not exhausted and len(in_flight) < self._room:
                    try:
                        task = next(waiting)
                    except StopIteration:
                        exhausted = True
                        break
                    in_flight[self._pool.submit(function, task)] = task
                if not in_flight:
                    return
                for future in wait(in_flight, timeout=LISTEN_SECONDS, return_when=FIRST_COMPLETED).done:
                    yield Outcome(in_flight.pop(future), future.result())
        finally:
            self._in_flight = {future for future in in_flight if not future.cancel()}

    def close(self) -> None:
        """End the threads; a unit that is being read is waited for, but not one that hangs."""
        wait(self._in_flight, timeout=CLOSE_SECONDS)
        self._pool.shutdown(wait=False, cancel_futures=True)
