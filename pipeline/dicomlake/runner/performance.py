"""Dask's performance report: one page of HTML about the work of scheduler and workers during a run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from dicomlake.errors import AccessDenied, DicomlakeError
from dicomlake.runner.cluster import Cluster, losing_the_cluster

if TYPE_CHECKING:
    from distributed import Scheduler


class PerformanceReport:
    """Collects data from now on, and writes the page at the end of the run. The page needs no network to be shown.

    Args:
        cluster: the cluster to report on. Its scheduler needs bokeh.
        path: the file. It is made now, so that a path that can't be written is known before a run of hours. Only its owner may read it,
            since it names hosts.

    Raises:
        AccessDenied: the file can't be written.
        RefusedError: the cluster is gone.
    """

    def __init__(self, cluster: Cluster, path: Path) -> None:
        self._cluster = cluster
        self._path = path
        self._write("")
        self._started, self._count = cluster.ask_scheduler(_now)
        with losing_the_cluster():
            cluster.client.get_task_stream(start=0, stop=0)  # the first request makes the scheduler keep a task stream

    def write(self) -> str | None:
        """Write the page. A failure is no reason to fail the run, so it is answered as a message."""
        try:
            page = self._cluster.ask(
                self._cluster.scheduler.performance_report,
                start=self._started,
                last_count=self._count,
                code="dicomlake index",
                mode="inline",
            )
            self._write(page)
        except DicomlakeError as error:
            return f"the performance report could not be written: {error}"
        except Exception as error:  # noqa: BLE001 - an error of the scheduler while it drew; it may lack bokeh
            return f"the performance report could not be written: the scheduler raised {type(error).__name__}: {error}"
        return None

    def _write(self, page: str) -> None:
        try:
            self._path.touch(mode=0o600)
            self._path.write_text(page, "utf-8")
        except OSError as error:
            raise AccessDenied(
                f"performance report {self._path} can't be written: {error.strerror}; check that its folder exists, and its permissions"
            ) from None


def _now(dask_scheduler: Scheduler) -> tuple[float, int]:
    """The time on the scheduler's clock, and the count of its monitor."""
    return time.time(), dask_scheduler.monitor.count
