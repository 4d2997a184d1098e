"""Starting a runner in time, and so that an interrupt finds everything in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import polars as pl

from dicomlake.config import AUTOMATIC, RunningSettings
from dicomlake.errors import ConfigurationError, RefusedError
from dicomlake.runner.protocol import Runner
from dicomlake.runner.requirements import Requirements
from dicomlake.runner.serial import SerialRunner
from dicomlake.runner.threads import ThreadRunner

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
    """What starts the runner, once there is something to read.

    Args:
        running: where units run.
        client: a Dask client whose workers are to do it.
        in_threads: whether the engine may run in threads of this process.
        requirements: what workers of a cluster that is there already are held to.
        performance_report: where Dask's page about the run goes.
        tell: takes what the user should know of the cluster, a line each.

    Raises:
        ConfigurationError: the client is asynchronous, or a report is asked for where there is no Dask.

    With ``in_threads`` workers of this machine are threads, for engines that may run so, unless a dashboard is asked for, which Dask has.
    Otherwise they are processes, and interrupts need care:

    A terminal sends SIGINT to every process of a run. The driver alone is to answer it: workers that died of it would print what they
    were doing, and a cluster that is interrupted while it starts can't be closed any more.
    """
    if getattr(client, "asynchronous", False):
        raise ConfigurationError("client is asynchronous; give one that was made with asynchronous=False")
    here = client is None and running.scheduler is None
    serial = here and running.workers == 0
    threads = here and in_threads and running.dashboard_address in (AUTOMATIC, None)
    if performance_report is not None and (serial or threads):
        raise ConfigurationError(
            "a performance report is Dask's, and this run does without Dask; give it a scheduler, a dashboard_address or the engine pydicom"
        )
    if serial:
        return SerialRunner
    if threads:
        # Polars counts the cores that this process may use, of its affinity and its control group.
        return lambda: ThreadRunner(running.workers or pl.thread_pool_size(), running.units_in_flight_per_worker)

    def start() -> Runner:
        from dicomlake.runner import dask, local_cluster  # noqa: PLC0415 - a run with nothing to read does without it

        options = dask.DaskOptions(requirements, performance_report, tell or (lambda _: None))
        if client is not None:
            return dask.DaskRunner(client, running, options=options)
        if running.scheduler is not None:
            return dask.scheduler_runner(running.scheduler, running, options)
        try:
            with _later() as interrupts, _deaf_children():
                # Workers of this process's making have what it has.
                runner = local_cluster.local_runner(running, replace(options, requirements=None))
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
