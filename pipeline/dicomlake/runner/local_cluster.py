"""A Dask cluster of this machine, for one run: worker processes of one thread each."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
from typing import Any

import dask
from distributed import Client, LocalCluster, Nanny

from dicomlake.config import AUTOMATIC, RunningSettings
from dicomlake.runner.dask import DaskOptions, DaskRunner
from dicomlake.runner.quiet import QuietLog

_ANY_PORT = "127.0.0.1:0"

_QUIET: dict[str, Any] = {
    # Tasks of seconds need no watching every few milliseconds: sampled profiles, ticks and monitors of idle processes cost more CPU than
    # the whole of planning and committing.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "2s",
    "distributed.admin.tick.limit": "60s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "5s",
}
_ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Each worker is one process for one core: pools of threads inside it would only wake one another."""


def local_runner(running: RunningSettings, options: DaskOptions | None = None) -> DaskRunner:
    """Start workers on this machine: processes of one thread each, as many as ``workers`` says, else one for each core."""
    quiet = QuietLog()
    address = _dashboard_address(running)
    # Workers that end at once don't tidy up after themselves.
    folder = tempfile.TemporaryDirectory(prefix="dicomlake-workers-", ignore_cleanup_errors=True)
    # The page about a run shows where its time went, which takes samples.
    profile = {"distributed.worker.profile.enabled": options is not None and options.performance_report is not None}
    with dask.config.set({**_QUIET, **profile, "distributed.scheduler.allowed-failures": running.worker_deaths_limit - 1}):
        # A worker's memory holds one unit at a time; its limit is the machine's business, not a reason to kill it.
        cluster = LocalCluster(
            n_workers=running.workers or dask.system.CPU_COUNT,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,
            host="127.0.0.1",
            dashboard_address=address or _ANY_PORT,
            # Without a dashboard the scheduler still answers over HTTP, and would take port 8787 for it.
            scheduler_kwargs={"dashboard": address is not None},
            local_directory=folder.name,
            silence_logs=logging.CRITICAL,
            env=_ONE_THREAD,
        )
        client = Client(cluster, set_as_default=False)
    return DaskRunner(client, running, owned=(_WorkersOf(cluster), client, cluster, quiet, _Folder(folder)), options=options)


def _dashboard_address(running: RunningSettings) -> str | None:
    if running.dashboard_address != AUTOMATIC:
        return running.dashboard_address
    return _ANY_PORT if sys.stderr.isatty() else None


class _Folder:
    """The workers' folder."""

    def __init__(self, folder: tempfile.TemporaryDirectory[str]) -> None:
        self._folder = folder

    def close(self) -> None:
        self._folder.cleanup()


class _WorkersOf:
    """The processes of a cluster of this machine.

    They end at once: a worker keeps nothing, and taking an interpreter down in good order costs as much CPU as starting it.
    """

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster = cluster

    def close(self) -> None:
        nannies = [nanny for nanny in self._cluster.workers.values() if isinstance(nanny, Nanny)]
        for nanny in nannies:
            nanny.close_gracefully()  # so that no new worker takes the place of one that ends
        for nanny in nannies:
            if nanny.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(nanny.pid, signal.SIGKILL)
