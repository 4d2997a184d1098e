"""A Dask cluster of this machine, for one run: threads of this process, or worker processes of one thread each.

Threads start at once and share the imported modules, but only an engine that releases the interpreter gains from them. An engine in Python
needs processes, and so does an engine that a file may kill.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
import threading
from importlib.util import find_spec
from typing import Any

import dask
from distributed import Client, LocalCluster, Nanny

from dicomlake.config import AUTOMATIC, RunningSettings
from dicomlake.runner.dask import DaskOptions, DaskRunner
from dicomlake.runner.dask_log import SilentDaskLog

CLOSE_SECONDS = 5
"""How long a unit that is being read may delay the end of a run."""

DASHBOARD_SECONDS = 2.0
"""The dashboard's pages are loaded after so many seconds: the import of bokeh would double the time of a short run."""

_ANY_PORT = "127.0.0.1:0"

_QUIET: dict[str, Any] = {
    # Tasks take seconds, so a look every few milliseconds is useless. Profiles, ticks and monitors of idle processes cost more CPU than
    # planning and committing together.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "2s",
    "distributed.admin.tick.limit": "60s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "5s",
}
_ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Each worker process has one core, so pools of threads inside it would only compete."""


def local_runner(running: RunningSettings, options: DaskOptions, *, in_threads: bool) -> DaskRunner:
    """Start ``workers`` workers on this machine, or one for each core."""
    silent_log = SilentDaskLog()
    address = _dashboard_address(running)
    count = running.workers or dask.system.CPU_COUNT
    # Workers that are killed leave their files behind.
    folder = tempfile.TemporaryDirectory(prefix="dicomlake-workers-", ignore_cleanup_errors=True)
    of_workers: dict[str, Any] = (
        {"processes": False, "n_workers": 1, "threads_per_worker": count}
        if in_threads
        else {"processes": True, "n_workers": count, "threads_per_worker": 1, "host": "127.0.0.1", "env": _ONE_THREAD}
    )
    # A performance report needs the samples of the profiler.
    profile = {"distributed.worker.profile.enabled": options.performance_report is not None}
    with dask.config.set({**_QUIET, **profile, "distributed.scheduler.allowed-failures": running.worker_deaths_limit - 1}):
        cluster = LocalCluster(
            **of_workers,
            # A worker holds one unit at a time, so Dask must not kill it for its memory.
            memory_limit=0,
            # The scheduler listens for HTTP even without a dashboard, by default on port 8787.
            dashboard_address=address or _ANY_PORT,
            scheduler_kwargs={"dashboard": False},
            local_directory=folder.name,
            silence_logs=logging.CRITICAL,
        )
        client = Client(cluster, set_as_default=False)
    workers = _Threads(cluster) if in_threads else _Processes(cluster)
    dashboard = None if address is None else _Dashboard(cluster, address)
    owned = (workers, *([dashboard] if dashboard else []), client, cluster, silent_log, _Folder(folder))
    return DaskRunner(client, running, owned=owned, options=options, dashboard=dashboard.link if dashboard else None)


def _dashboard_address(running: RunningSettings) -> str | None:
    if running.dashboard_address != AUTOMATIC:
        return running.dashboard_address
    return _ANY_PORT if sys.stderr.isatty() and find_spec("bokeh") else None


class _Dashboard:
    """The pages of the scheduler. They are loaded later, but the link is known at once."""

    def __init__(self, cluster: Any, address: str) -> None:  # noqa: ANN401 - mypy does not see the scheduler of a LocalCluster
        self._cluster = cluster
        host = address.rsplit(":", 1)[0] or "127.0.0.1"
        self.link = f"http://{host}:{self._cluster.scheduler.http_server.port}/status"
        self._timer = threading.Timer(DASHBOARD_SECONDS, self._load)
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        self._timer.cancel()

    def _load(self) -> None:
        from distributed.dashboard import scheduler as pages  # noqa: PLC0415 - this import is the long one

        scheduler = self._cluster.scheduler
        self._cluster.loop.add_callback(pages.connect, scheduler.http_application, scheduler.http_server, scheduler)


class _Folder:
    """The workers' folder."""

    def __init__(self, folder: tempfile.TemporaryDirectory[str]) -> None:
        self._folder = folder

    def close(self) -> None:
        self._folder.cleanup()


class _Threads:
    """Closes the threads of a worker in this process.

    A unit that is being written ends before the lake is unlocked. A thread that hangs is left behind.
    """

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster = cluster

    def close(self) -> None:
        for worker in self._cluster.workers.values():
            worker.executors["default"].shutdown(wait=True, timeout=CLOSE_SECONDS)
            self._cluster.sync(worker.close, executor_wait=False)


class _Processes:
    """Kills the processes of a cluster of this machine. A worker keeps nothing, and an orderly end costs as much CPU as a start."""

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
