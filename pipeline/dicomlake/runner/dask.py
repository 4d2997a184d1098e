"""The runner on Dask: a cluster that is there already, or one of this machine (`local_cluster`). Dask's home is this room.

Few, long tasks (a unit is thousands of files), a bounded number of them in flight, and results that are small: the scheduler and the driver
cost the same for a thousand files as for a hundred million.
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
from dicomlake.runner.performance import PerformanceReport
from dicomlake.runner.protocol import Outcome
from dicomlake.runner.quiet import QuietLog
from dicomlake.runner.readiness import check_workers, no_workers, wait_for_workers
from dicomlake.runner.requirements import Requirements

T = TypeVar("T")
R = TypeVar("R")

CONNECT_SECONDS = 30
LOOK_SECONDS = 2.0
"""How often workers that came and went are looked for, and units that take too long."""

RESULT_SECONDS = 60.0
"""How long the result of a task that has ended may take from its worker: it is small."""

CLOSE_SECONDS = 10


@dataclass(frozen=True)
class DaskOptions:
    """What a run asks of a cluster beside its settings.

    Attributes:
        requirements: what workers are held to; nothing, where they are of this process's making.
        performance_report: where Dask's page about the run goes.
        tell: takes what the user should know, a line each.
    """

    requirements: Requirements | None = None
    performance_report: Path | None = None
    tell: Callable[[str], None] = lambda _: None


@dataclass
class _Attempt:
    """A task on the cluster: since when, and for how many times."""

    task: Any
    count: int = 1
    since: float = field(default_factory=time.monotonic)


class DaskRunner:
    """Runs tasks on the workers of a Dask client.

    Args:
        client: a ``distributed.Client``; it stays open when the runner closes, unless ``owned`` has it.
        running: how many tasks are in flight for each worker, how long one may take.
        owned: what is to be closed with the runner, in this order.
        options: what else is asked.
        dashboard: the address of the cluster's dashboard.

    Raises:
        ConfigurationError: the client is closed.
        AccessDenied: the performance report can't be written.
        RefusedError: the cluster has no workers, or they can't do what will be asked of them.
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
        """How many threads the workers have now; at least 1, so that a cluster still growing gets work."""
        return max(1, sum(self._cluster.threads().values()))

    def dashboard(self) -> str | None:
        """The address of the cluster's dashboard, where it has one."""
        return self._dashboard

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """Call ``function`` on every task, on the workers; answers in the order in which tasks end.

        A task that takes longer than ``unit_seconds_limit`` is given to another worker, and the first one's answer is no longer taken.

        Raises:
            RefusedError: the cluster is gone or has no workers any more, or a task takes too long wherever it runs.
        """
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
                    if outcome is None:  # its worker went silent with the result
                        self._again(function, future, attempt, in_flight)
                    else:
                        yield outcome
        finally:
            for future in in_flight:
                with contextlib.suppress(Exception):  # the cluster may be what is gone
                    future.release()  # nobody else wants it, so the scheduler drops it; asking it to cancel would wait for an answer

    def close(self) -> None:
        """Write the performance report, and close what this runner started; a client that was given stays as it was."""
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
            function = self._options.requirements.held(function)
        with losing_the_cluster():
            return self._client.submit(
                function, task, key=key, pure=False, retries=0, workers=elsewhere, allow_other_workers=bool(elsewhere)
            )

    def _ended(self, futures: list[Future[Any]]) -> Iterable[Future[Any]]:
        """Those that have ended; waits for the first one, but not past the next look around."""
        with losing_the_cluster(), self._client.as_current():
            try:
                return set(wait(futures, timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED").done)
            except TimeoutError:
                return ()

    def _look_around(self, function: Callable[[Any], Any], in_flight: dict[Future[Any], _Attempt]) -> None:
        """See which workers there are, and which tasks take too long."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        self._threads = self._cluster.threads()
        if self._threads:
            self._seen = now
            self._check_newcomers()
        elif now - self._seen > self._running.worker_wait_seconds:
            raise no_workers(self._cluster, self._running.worker_wait_seconds)
        for future, attempt in list(in_flight.items()):
            if now - attempt.since > self._running.unit_seconds_limit and not future.done():
                self._again(function, future, in_flight.pop(future), in_flight)

    def _check_newcomers(self, *, at_start: bool = False) -> None:
        """Hold workers that came to what is asked of each."""
        requirements = self._options.requirements
        newcomers = [worker for worker in self._threads if worker not in self._checked]
        if requirements is None or not newcomers:
            return
        ready, notes = check_workers(self._cluster, newcomers, requirements)
        if at_start and not ready:
            raise RefusedError(f"no worker of the Dask scheduler at {self._cluster.address} answers; restart them and run again")
        self._checked.update(newcomers)
        for note in notes:
            self._tell(note)

    def _again(
        self, function: Callable[[Any], Any], future: Future[Any], attempt: _Attempt, in_flight: dict[Future[Any], _Attempt]
    ) -> None:
        """Give a task to another worker, where there is one. What the first one still does is nobody's any more."""
        holder = self._cluster.holder(str(future.key))
        seconds = time.monotonic() - attempt.since
        where = f"worker {holder}" if holder else "no worker"
        if attempt.count >= self._running.worker_deaths_limit:
            raise RefusedError(
                f"a unit of work did not end within {seconds:.0f} s, {attempt.count} times, lastly on {where}; look after the workers and "
                "what they read from, or raise running.unit_seconds_limit, and run again: what was committed stays"
            )
        self._tell(f"a unit of work did not end within {seconds:.0f} s on {where}: it is given to another")
        future.release()
        others = [worker for worker in self._threads if worker != holder]
        in_flight[self._submit(function, attempt.task, others)] = _Attempt(attempt.task, attempt.count + 1)


def _outcome(task: T, future: Future[Any]) -> Outcome[T, Any] | None:
    """What became of a task; None where its result doesn't come."""
    with losing_the_cluster():
        try:
            return Outcome(task, future.result(timeout=RESULT_SECONDS))
        except KilledWorker:
            return Outcome(task, None, killed=True)
        except TimeoutError:
            if future.status == "error":
                raise  # the task's own
            return None


def scheduler_runner(address: str, running: RunningSettings, options: DaskOptions | None = None) -> DaskRunner:
    """Use the cluster whose scheduler is at an address.

    Raises:
        AccessDenied: no scheduler answers there.
        RefusedError: it has no workers, or they can't do what will be asked of them.
    """
    quiet = QuietLog()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # versions that differ: we look ourselves, and say so in one line
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        quiet.close()
        raise AccessDenied(f"no Dask scheduler answers at {address}: {error}; check the address and that the cluster runs") from None
    return DaskRunner(client, running, owned=(_Closing(client), quiet), options=options, dashboard=dashboard_of(client))


def dashboard_of(client: Client) -> str | None:
    """The address of the dashboard of a client's cluster, where it has one."""
    link = client.dashboard_link if "dashboard" in client.scheduler_info().get("services", ()) else None
    return str(link) if link else None


class _Closing:
    """A client that is closed without waiting for a cluster that is gone."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._client.close(timeout=CLOSE_SECONDS)
