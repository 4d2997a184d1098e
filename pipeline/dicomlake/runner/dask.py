"""The runner on Dask: a cluster of this machine, or one that is there already. The one home of dask and distributed.

Few, long tasks (a unit is thousands of files), a bounded number of them in flight, and results that are small: the scheduler and the driver
cost the same for a thousand files as for a hundred million.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import dask
from distributed import CancelledError, Client, Future, KilledWorker, LocalCluster, Nanny, wait
from distributed.comm.core import CommClosedError

from dicomlake.config import AUTOMATIC, RunningSettings
from dicomlake.errors import AccessDenied, ConfigurationError, RefusedError
from dicomlake.runner.protocol import Outcome

T = TypeVar("T")
R = TypeVar("R")

CONNECT_SECONDS = 30
_ANY_PORT = "127.0.0.1:0"
_LOST = "the Dask cluster is gone or was restarted; start it again, then the run: what is done stays done"

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


class DaskRunner:
    """Runs tasks on the workers of a Dask client.

    Args:
        client: a ``distributed.Client``; it stays open when the runner closes, unless ``owned`` has it.
        running: how many tasks are in flight for each worker.
        owned: what is to be closed with the runner, in this order.

    Raises:
        ConfigurationError: the client is asynchronous.
    """

    def __init__(self, client: Client, running: RunningSettings, owned: tuple[Any, ...] = ()) -> None:
        if client.asynchronous:
            raise ConfigurationError("client is asynchronous; give one that was made with asynchronous=False")
        self._client = client
        self._running = running
        self._owned = owned

    def workers(self) -> int:
        """How many threads the workers have now; at least 1, so that a cluster still growing gets work."""
        with _losing_the_cluster():
            threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def dashboard(self) -> str | None:
        """The address of the cluster's dashboard, where it has one."""
        link = self._client.dashboard_link if "dashboard" in self._client.scheduler_info()["services"] else None
        return str(link) if link else None

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """Call ``function`` on every task, on the workers; answers in the order in which tasks end.

        Raises:
            RefusedError: the cluster is gone.
        """
        waiting = iter(tasks)
        in_flight: dict[Future[Any], T] = {}
        exhausted = False
        try:
            while True:
                while not exhausted and len(in_flight) < self._room():
                    try:
                        task = next(waiting)
                    except StopIteration:
                        exhausted = True
                        break
                    with _losing_the_cluster():
                        in_flight[self._client.submit(function, task, pure=False, retries=0)] = task
                if not in_flight:
                    return
                with _losing_the_cluster(), self._client.as_current():
                    done = wait(list(in_flight), return_when="FIRST_COMPLETED").done
                for future in done:
                    task = in_flight.pop(future)
                    yield _outcome(task, future)
        finally:
            if in_flight:
                with contextlib.suppress(Exception):  # the cluster may be what is gone
                    self._client.cancel(list(in_flight), force=True)

    def close(self) -> None:
        """Close what this runner started; a client that was given stays as it was."""
        for thing in self._owned:
            thing.close()

    def _room(self) -> int:
        return self.workers() * self._running.units_in_flight_per_worker


def _outcome(task: T, future: Future[Any]) -> Outcome[T, Any]:
    try:
        return Outcome(task, future.result())
    except KilledWorker:
        return Outcome(task, None, killed=True)
    except (CancelledError, CommClosedError) as error:
        raise RefusedError(_LOST) from error


@contextlib.contextmanager
def _losing_the_cluster() -> Iterator[None]:
    """Say in one line that the scheduler is gone, or was restarted."""
    try:
        yield
    except (CancelledError, CommClosedError) as error:
        raise RefusedError(_LOST) from error


def local_runner(running: RunningSettings) -> DaskRunner:
    """Start workers on this machine: processes of one thread each, as many as ``workers`` says, else one for each core."""
    quiet = _QuietLog()
    address = _dashboard_address(running)
    # Workers that end at once don't tidy up after themselves.
    folder = tempfile.TemporaryDirectory(prefix="dicomlake-workers-", ignore_cleanup_errors=True)
    with dask.config.set({**_QUIET, "distributed.scheduler.allowed-failures": running.worker_deaths_limit - 1}):
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
    return DaskRunner(client, running, owned=(_WorkersOf(cluster), client, cluster, quiet, _Folder(folder)))


def _dashboard_address(running: RunningSettings) -> str | None:
    if running.dashboard_address != AUTOMATIC:
        return running.dashboard_address
    return _ANY_PORT if sys.stderr.isatty() else None


class _QuietLog:
    """What workers and scheduler log of deaths is dealt with, and told, by the run; until it closes they are silent."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("distributed")
        self._level = self._logger.level
        self._logger.setLevel(logging.CRITICAL)

    def close(self) -> None:
        self._logger.setLevel(self._level)


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


def scheduler_runner(address: str, running: RunningSettings) -> DaskRunner:
    """Use the cluster whose scheduler is at an address.

    Raises:
        AccessDenied: no scheduler answers there.
    """
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        raise AccessDenied(f"no Dask scheduler answers at {address}: {error}; check the address and that the cluster runs") from None
    return DaskRunner(client, running, owned=(client,))
