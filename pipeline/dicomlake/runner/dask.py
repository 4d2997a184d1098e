"""The runner on Dask: on a cluster that runs already, or on one of this machine (`local_cluster`). Only this folder imports Dask.

Tasks are few and long (a unit is thousands of files), a bounded number of them is in flight, and results are small. So scheduler and
driver cost the same for a thousand files as for a hundred million.
"""

from __future__ import annotations

import contextlib
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from distributed import Client, Future, KilledWorker, wait

from dicomlake.config import RunningSettings
from dicomlake.errors import AccessDenied, RefusedError
from dicomlake.runner.cluster import Cluster, losing_the_cluster
from dicomlake.runner.dask_log import SilentDaskLog
from dicomlake.runner.performance import PerformanceReport
from dicomlake.runner.protocol import Outcome
from dicomlake.runner.readiness import check_workers, no_workers, wait_for_workers
from dicomlake.runner.requirements import Requirements

T = TypeVar("T")
R = TypeVar("R")

CONNECT_SECONDS = 30
LOOK_SECONDS = 2.0
"""How often the runner looks for new and lost workers, and for units that take too long."""

RESULT_SECONDS = 60.0
"""How long the small result of a task that has ended may take to arrive."""

CLOSE_SECONDS = 10


@dataclass(frozen=True)
class DaskOptions:
    """The demands of a run on a cluster, beside its settings.

    Attributes:
        requirements: the conditions that workers must meet; None for workers that this process started.
        performance_report: the file for Dask's page about the run.
        tell: takes messages for the user, a line each.
    """

    requirements: Requirements | None = None
    performance_report: Path | None = None
    tell: Callable[[str], None] = lambda _: None


@dataclass
class _Attempt:
    """A task on the cluster: how often it was given to a worker, and when last."""

    task: Any
    count: int = 1
    since: float = field(default_factory=time.monotonic)


class DaskRunner:
    """Runs tasks on the workers of a Dask client.

    Args:
        client: a ``distributed.Client``; it stays open when the runner closes, unless it is in ``owned``.
        running: how many tasks are in flight for each worker, and how long one may take.
        owned: objects to close with the runner, in this order.
        options: further demands.
        dashboard: the address of the cluster's dashboard.

    Raises:
        ConfigurationError: the client is closed.
        AccessDenied: the performance report can't be written.
        RefusedError: the cluster has no workers, or they do not meet the requirements.
    """

    def __init__(
        self,
        client: Client,
        running: RunningSettings,
        owned: tuple[Any, ...] = (),
        options: DaskOptions | None = None,
        dashboard: str | None = None,
    ) -> None:
        self._client = client
        self._dashboard = dashboard
        self._running = running
        self._owned = owned
        self._options = options or DaskOptions()
        self._tell = self._options.tell
        self._checked: set[str] = set()
        self._report: PerformanceReport | None = None
        try:
            self._cluster = Cluster(client)
            wait_for_workers(self._cluster, running.worker_wait_seconds, self._tell)
            self._threads = self._cluster.threads()
            self._check_newcomers(at_start=True)
            if self._options.performance_report is not None:
                self._report = PerformanceReport(self._cluster, self._options.performance_report)
        except BaseException:
            self.close()
            raise
        self._looked = self._seen = time.monotonic()

    def workers(self) -> int:
        """How many threads the workers have now; at least 1, so that a cluster that still grows gets work."""
        return max(1, sum(self._cluster.threads().values()))

    def dashboard(self) -> str | None:
        """The address of the cluster's dashboard, where it has one."""
        return self._dashboard

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """Call ``function`` on every task, on the workers; outcomes come in the order in which tasks end.

        A task that takes longer than ``unit_seconds_limit`` is given to another worker, and the answer of the first one is ignored.

        Raises:
            RefusedError: the cluster is gone or has no workers any more, or a task takes too long on every worker.
        """
        self._seen = time.monotonic()
        waiting = iter(tasks)
        in_flight: dict[Future[Any], _Attempt] = {}
        exhausted = False
        try:
            while True:
                self._look_around(function, in_flight)
                while not exhausted and len(in_flight) < self._room():
                    try:
                        task = next(waiting)
                    except StopIteration:
                        exhausted = True
                        break
                    in_flight[self._submit(function, task)] = _Attempt(task)
                if not in_flight:
                    return
                for future in self._ended(list(in_flight)):
                    attempt = in_flight.pop(future)
                    outcome = _outcome(attempt.task, future)
                    if outcome is None:  # its worker was lost together with the result
                        self._give_to_another(function, future, attempt, in_flight)
                    else:
                        yield outcome
        finally:
            for future in in_flight:
                with contextlib.suppress(Exception):  # the cluster may be gone
                    future.release()  # the scheduler drops it then; a request to cancel would wait for an answer

    def close(self) -> None:
        """Write the performance report, and close the objects that this runner owns."""
        if self._report is not None:
            problem = self._report.write()
            self._report = None
            if problem:
                self._tell(problem)
        for thing in self._owned:
            thing.close()

    def _room(self) -> int:
        return max(1, sum(self._threads.values())) * self._running.units_in_flight_per_worker

    def _submit(self, function: Callable[[T], R], task: T, elsewhere: list[str] | None = None) -> Future[Any]:
        # Two runs on one scheduler must never share a key.
        key = f"{getattr(function, '__name__', type(function).__name__)}-{uuid.uuid4().hex}"
        if self._options.requirements is not None:
            function = self._options.requirements.checked(function)
        with losing_the_cluster():
            return self._client.submit(
                function, task, key=key, pure=False, retries=0, workers=elsewhere, allow_other_workers=bool(elsewhere)
            )

    def _ended(self, futures: list[Future[Any]]) -> Iterable[Future[Any]]:
        """The futures that have ended; waits for the first one, at most until the next look around."""
        with losing_the_cluster(), self._client.as_current():
            try:
                return set(wait(futures, timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED").done)
            except TimeoutError:
                return ()

    def _look_around(self, function: Callable[[Any], Any], in_flight: dict[Future[Any], _Attempt]) -> None:
        """Find new and lost workers, and tasks that take too long."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        self._cluster.replace_lost_workers()
        self._threads = self._cluster.threads()
        if self._threads:
            self._seen = now
            self._check_newcomers()
        elif now - self._seen > self._running.worker_wait_seconds:
            raise no_workers(self._cluster, self._running.worker_wait_seconds)
        for future, attempt in list(in_flight.items()):
            if now - attempt.since > self._running.unit_seconds_limit and not future.done():
                self._give_to_another(function, future, in_flight.pop(future), in_flight)

    def _check_newcomers(self, *, at_start: bool = False) -> None:
        """Check the workers that joined since the last check."""
        requirements = self._options.requirements
        newcomers = [worker for worker in self._threads if worker not in self._checked]
        if requirements is None or not newcomers:
            return
        ready, silent = check_workers(self._cluster, newcomers, requirements)
        if at_start and not ready:
            raise RefusedError(f"no worker of the Dask scheduler at {self._cluster.address} answers; restart them and run again")
        self._checked.update(newcomers)
        for worker in silent:
            self._tell(f"worker {worker} did not answer in time, and was not checked")

    def _give_to_another(
        self, function: Callable[[Any], Any], future: Future[Any], attempt: _Attempt, in_flight: dict[Future[Any], _Attempt]
    ) -> None:
        """Give a task to another worker, where there is one, and ignore the answer of the first."""
        holder = self._cluster.holder(str(future.key))
        seconds = time.monotonic() - attempt.since
        where = f"worker {holder}" if holder else "no worker"
        if attempt.count >= self._running.worker_deaths_limit:
            raise RefusedError(
                f"a unit of work did not end within {seconds:.0f} s, {attempt.count} times, lastly on {where}; check the workers and "
                "the stores that they read, or raise running.unit_seconds_limit, and run again: what was committed stays"
            )
        self._tell(f"a unit of work did not end within {seconds:.0f} s on {where}: it is given to another")
        future.release()
        others = [worker for worker in self._threads if worker != holder]
        in_flight[self._submit(function, attempt.task, others)] = _Attempt(attempt.task, attempt.count + 1)


def _outcome(task: T, future: Future[Any]) -> Outcome[T, Any] | None:
    """The outcome of a task; None where its result does not arrive."""
    with losing_the_cluster():
        try:
            return Outcome(task, future.result(timeout=RESULT_SECONDS))
        except KilledWorker:
            return Outcome(task, None, killed=True)
        except TimeoutError:
            if future.status == "error":
                raise  # the task raised it
            return None


def scheduler_runner(address: str, running: RunningSettings, options: DaskOptions | None = None) -> DaskRunner:
    """Use the cluster whose scheduler is at an address.

    Raises:
        AccessDenied: no scheduler answers there.
        RefusedError: it has no workers, or they do not meet the requirements.
    """
    silent_log = SilentDaskLog()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about versions that differ: our own check reports them in one line
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        silent_log.close()
        raise AccessDenied(f"no Dask scheduler answers at {address}: {error}; check the address and that the cluster runs") from None
    return DaskRunner(client, running, owned=(_Closing(client), silent_log), options=options, dashboard=dashboard_of(client))


def dashboard_of(client: Client) -> str | None:
    """The address of the dashboard of a client's cluster, where it has one."""
    link = client.dashboard_link if "dashboard" in client.scheduler_info().get("services", ()) else None
    return str(link) if link else None


class _Closing:
    """Closes a client without waiting for a cluster that is gone."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._client.close(timeout=CLOSE_SECONDS)
