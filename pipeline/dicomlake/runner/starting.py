"""Starting a runner in time, and so that an interrupt finds everything in order."""

from __future__ import annotations

import signal
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
) -> Callable[[], Runner]:
    """Make the function that starts the runner, once there is something to read.

    Args:
        running: where units run.
        client: a Dask client whose workers are to do it.
        in_threads: whether the engine may run in threads of this process; else workers of this machine are processes.
        requirements: the conditions that workers of an existing cluster must meet.
        performance_report: the file for Dask's page about the run.
        tell: takes what the user should know of the cluster, a line each.

    Raises:
        ConfigurationError: the client is asynchronous, or a report is asked for where there is no Dask.
    """
    if getattr(client, "asynchronous", False):
        raise ConfigurationError("client is asynchronous; give one that was made with asynchronous=False")
    is_local = client is None and running.scheduler is None
    if is_local and running.workers == 0:
        if performance_report is not None:
            raise ConfigurationError("a performance report is Dask's, and workers=0 does without Dask; allow at least one worker")
        return SerialRunner
    if is_local and performance_report is not None and find_spec("bokeh") is None:
        raise ConfigurationError("a performance report needs the package bokeh; install it: pip install 'dicomlake[dashboard]'")

    def start() -> Runner:
        from dicomlake.runner import dask, local_cluster  # noqa: PLC0415 - a run with nothing to read does without it

        options = dask.DaskOptions(requirements, performance_report, tell or (lambda _: None))
        if client is not None:
            return dask.DaskRunner(client, running, options=options, dashboard=dask.dashboard_of(client))
        if running.scheduler is not None:
            return dask.scheduler_runner(running.scheduler, running, options)
        try:
            with _later() as interrupts, nullcontext() if in_threads else _deaf_children():
                # Local workers have whatever this process has.
                runner = local_cluster.local_runner(running, replace(options, requirements=None), in_threads=in_threads)
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


def load_ahead(running: RunningSettings) -> None:
    """Begin to import Dask in a thread, for a run that will need it soon: the import takes a fifth of a second."""
    if running.workers == 0 and running.scheduler is None:
        return
    threading.Thread(target=import_module, args=("distributed",), name="dicomlake-import", daemon=True).start()


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Keep SIGINT from processes that are started in this block, and from those that its threads start: both inherit a signal mask.

    A terminal sends SIGINT to every process of a run, and the driver alone is to answer it. Workers that died of it would print what they
    were doing, and a cluster that is interrupted while it starts can't be closed any more.
    """
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
