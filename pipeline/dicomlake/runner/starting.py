"""The start of a runner: only when there is work, and safe against interrupts."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from dicomlake.config import RunningSettings
from dicomlake.errors import ConfigurationError, RefusedError
from dicomlake.runner.protocol import Runner
from dicomlake.runner.requirements import Requirements
from dicomlake.runner.serial import SerialRunner

if TYPE_CHECKING:
    from distributed import Client


def runner_starter(
    running: RunningSettings,
    client: Client | None = None,
    *,
    in_threads: bool = False,
    requirements: Requirements | None = None,
    performance_report: Path | None = None,
    tell: Callable[[str], None] | None = None,
) -> RunnerStarter:
    """Make what starts the runner. The run calls it once there are files to read.

    Args:
        running: where units run.
        client: a Dask client whose workers do the work.
        in_threads: whether the engine may run in threads of this process; otherwise workers of this machine are processes.
        requirements: the conditions that workers of an existing cluster must meet.
        performance_report: the file for Dask's page about the run.
        tell: takes messages about the cluster for the user, a line each.

    Raises:
        ConfigurationError: the client is asynchronous, or a performance report is wanted without Dask.
    """
    if getattr(client, "asynchronous", False):
        raise ConfigurationError("client is asynchronous; give one that was made with asynchronous=False")
    is_local = client is None and running.scheduler is None
    if is_local and running.workers == 0:
        if performance_report is not None:
            raise ConfigurationError("a performance report needs Dask, and workers=0 runs without Dask; allow at least one worker")
        return RunnerStarter(SerialRunner)
    if is_local and performance_report is not None and find_spec("bokeh") is None:
        raise ConfigurationError("a performance report needs the package bokeh; install it: pip install 'dicomlake[dashboard]'")

    def start() -> Runner:
        from dicomlake.runner import dask, local_cluster  # noqa: PLC0415 - a run with nothing to read does not need it

        options = dask.DaskOptions(requirements, performance_report, tell or (lambda _: None))
        if client is not None:
            return dask.DaskRunner(client, running, options=options, dashboard=dask.dashboard_of(client))
        if running.scheduler is not None:
            return dask.scheduler_runner(running.scheduler, running, options)
        try:
            with _deferred_interrupts() as interrupts, nullcontext() if in_threads else _children_without_interrupts():
                # Local workers have the packages and the access of this process.
                runner = local_cluster.local_runner(running, replace(options, requirements=None), in_threads=in_threads)
        except RuntimeError as error:
            raise RefusedError(
                f"worker processes can't be started: {error}; in a script, call dicomlake below "
                "\"if __name__ == '__main__':\", or set workers=0 to run without them"
            ) from error
        if interrupts:
            runner.close()
            raise KeyboardInterrupt
        return runner

    return RunnerStarter(start, has_threads=is_local and in_threads and performance_report is None)


class RunnerStarter:
    """Starts a runner: call it.

    Args:
        start: starts (or answers) the runner.
        has_threads: whether its workers are threads of this process, so that a task may as well run where it is asked for.
    """

    def __init__(self, start: Callable[[], Runner], *, has_threads: bool = False) -> None:
        self.has_threads = has_threads
        self._start = start
        self._loading: threading.Thread | None = None

    def __call__(self) -> Runner:
        """The runner."""
        return self._start()

    def is_loading(self) -> bool:
        """Whether Dask is being imported, and tasks may run here meanwhile; the first call begins the import, in a thread."""
        if not self.has_threads:
            return False
        if self._loading is None and "distributed" not in sys.modules:
            self._loading = threading.Thread(target=import_module, args=("distributed",), name="dicomlake-import", daemon=True)
            self._loading.start()
        return self._loading is not None and self._loading.is_alive()


@contextmanager
def _children_without_interrupts() -> Iterator[None]:
    """Block SIGINT for processes that are started in this block, also by its threads: they inherit the signal mask.

    A terminal sends SIGINT to every process of a run, but only the driver should react. Workers would print a traceback, and a cluster that
    is interrupted during its start can't be closed.
    """
    resource_tracker.ensure_running()  # its start would unblock SIGINT
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


@contextmanager
def _deferred_interrupts() -> Iterator[list[int]]:
    """Record the first SIGINT or SIGTERM of this block instead of handling it; a second one is handled at once."""
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
    except ValueError:  # only the main thread gets signals
        handlers.clear()
    try:
        yield noted
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
