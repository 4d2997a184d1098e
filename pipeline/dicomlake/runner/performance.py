"""Dask's performance report: one page of HTML about what scheduler and workers did during a run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from dicomlake.errors import AccessDenied, DicomlakeError
from dicomlake.runner.cluster import Cluster, losing_the_cluster

if TYPE_CHECKING:
    from distributed import Scheduler


class PerformanceReport:
    """Collects from now on, and writes the page when it ends; the page asks nothing of the network when it is shown.

    Args:
        cluster: what is reported on. Its scheduler needs bokeh.
        path: the file, made now so that a run of hours doesn't end without it. It is for its owner alone: it names hosts.

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
            cluster.client.get_task_stream(start=0, stop=0)  # the first question makes the scheduler keep one

    def write(self) -> str | None:
        """Write the page; answers why not, where that fails: a report is no reason to fail a run."""
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
            return f"no performance report: {error}"
        except Exception as error:  # noqa: BLE001 - what the scheduler raised while it drew: it lacks bokeh, perhaps
            return f"no performance report: the scheduler says {type(error).__name__}: {error}"
        return None

    def _write(self, page: str) -> None:
        try:
            self._path.touch(mode=0o600)
            self._path.write_text(page, "utf-8")
        except OSError as error:
            raise AccessDenied(
                f"performance report {self._path} can't be written: {error.strerror}; check that its folder is there, and its permissions"
            ) from None


def _now(dask_scheduler: Scheduler) -> tuple[float, int]:
    """The scheduler's clock, and where its monitor is."""
    return time.time(), dask_scheduler.monitor.count
