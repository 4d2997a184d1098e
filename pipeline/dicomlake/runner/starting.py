"""Starting a runner in time, and so that an interrupt finds everything in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType
from typing import TYPE_CHECKING

import polars as pl

from dicomlake.config import AUTOMATIC, RunningSettings
from dicomlake.errors import RefusedError
from dicomlake.runner.protocol import Runner
from dicomlake.runner.serial import SerialRunner
from dicomlake.runner.threads import ThreadRunner

if TYPE_CHECKING:
    from distributed import Client


def runner_starter(running: RunningSettings, client: Client | None = None, *, in_threads: bool = False) -> Callable[[], Runner]:
    """What starts the runner, once there is something to read.

    With ``in_threads`` workers of this machine are threads, for engines that may run so, unless a dashboard is asked for, which Dask has.
    Otherwise they are processes, and interrupts need care:

    A terminal sends SIGINT to every process of a run. The driver alone is to answer it: workers that died of it would print what they
    were doing, and a cluster that is interrupted while it starts can't be closed any more.
    """
    if client is None and running.scheduler is None and running.workers == 0:
        return SerialRunner
    if client is None and running.scheduler is None and in_threads and running.dashboard_address in (AUTOMATIC, None):
        # Polars counts the cores that this process may use, of its affinity and its control group.
        return lambda: ThreadRunner(running.workers or pl.thread_pool_size(), running.units_in_flight_per_worker)

    def start() -> Runner:
        from dicomlake.runner import dask  # noqa: PLC0415 - a run with nothing to read does without it

        if client is not None:
            return dask.DaskRunner(client, running)
        if running.scheduler is not None:
            return dask.scheduler_runner(running.scheduler, running)
        try:
            with _later() as interrupts, _deaf_children():
                runner = dask.local_runner(running)
        except RuntimeError as error:
            raise RefusedError(
                f"worker processes can't be started: {error}; a script that starts them calls dicomlake below "
                "\"if __name__ == '__main__':\", and workers=0 does without them"
            ) from error
        if interrupts:
            runner.close()
            raise KeyboardInterrupt
        return runner

    return start


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Keep SIGINT from processes started in this block, and by threads started in it: a signal mask is inherited by both."""
    resource_tracker.ensure_running()  # it would unblock SIGINT when it starts
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


@contextmanager
def _later() -> Iterator[list[int]]:
    """Note the first SIGINT or SIGTERM of this block instead of acting upon it; a second one acts."""
    noted: list[int] = []
    handlers: dict[int, Callable[[int, FrameType | None], object]] = {}

    def take_note(number: int, frame: FrameType | None) -> None:
        if noted:
            handlers[number](number, frame)
        noted.append(number)

    try:
        number: int
        for number in (signal.SIGINT, signal.SIGTERM):
            former = signal.getsignal(number)
            if callable(former) and not isinstance(former, signal.Handlers):
                signal.signal(number, take_note)
                handlers[number] = former
    except ValueError:  # not the main thread, which alone gets signals
        handlers.clear()
    try:
        yield noted
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
