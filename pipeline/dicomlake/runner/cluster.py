"""Questions to a Dask cluster. Each has a time limit, and a cluster that is gone becomes one clear line."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from distributed import CancelledError, Client, LocalCluster
from distributed.comm.core import CommClosedError

from dicomlake.errors import ConfigurationError, RefusedError

ANSWER_SECONDS = 120.0
"""How long a scheduler may take to answer: it may have to load dicomlake from a slow disk first."""

_ASKED_AT_ONCE = 32

_LOST = "the Dask cluster is gone or was restarted; start it again, then the run: what was committed stays"


class Cluster:
    """The scheduler and the workers that a client is connected to.

    Args:
        client: a synchronous ``distributed.Client``.

    Raises:
        ConfigurationError: the client is closed.
    """

    def __init__(self, client: Client) -> None:
        if client.status in ("closing", "closed"):
            raise ConfigurationError("client is closed; give one that is connected")
        self.client = client

    @property
    def scheduler(self) -> Any:  # noqa: ANN401 - distributed makes its methods on demand
        """The scheduler, for `ask`.

        Raises:
            RefusedError: the client has lost it.
        """
        if self.client.scheduler is None or self.client.status in ("closing", "closed"):
            raise RefusedError(_LOST)
        return self.client.scheduler

    @property
    def address(self) -> str:
        """The address of the scheduler.

        Raises:
            RefusedError: the client has lost it.
        """
        return str(self.scheduler.address)

    def ask(self, question: Callable[..., Any], **arguments: Any) -> Any:  # noqa: ANN401 - as the question has it
        """Put a question to the scheduler.

        Raises:
            RefusedError: it is gone, or does not answer.
        """
        with self._answering():
            return self.client.sync(question, callback_timeout=ANSWER_SECONDS, **arguments)

    def ask_scheduler(self, function: Callable[..., Any]) -> Any:  # noqa: ANN401 - as the function has it
        """Call a function in the scheduler's process.

        Raises:
            RefusedError: it is gone, or does not answer. Errors of the function are raised here too.
        """
        with self._answering():
            return self.client.run_on_scheduler(function, callback_timeout=ANSWER_SECONDS)

    def threads(self) -> dict[str, int]:
        """How many threads each worker has, by its address.

        Raises:
            RefusedError: the cluster is gone.
        """
        return cast("dict[str, int]", self.ask(self.scheduler.ncores, workers=None))

    def replace_lost_workers(self) -> None:
        """Start workers in the place of those that a cluster of this machine has given up.

        Dask starts a killed worker again. It gives the worker up if that takes long, or if the next file kills it at once.
        """
        cluster = self.client.cluster
        if isinstance(cluster, LocalCluster) and len(cluster.workers) < len(cluster.worker_spec):
            cluster.scale(len(cluster.worker_spec))

    def holder(self, key: str) -> str | None:
        """The worker that has a task, running or waiting.

        Raises:
            RefusedError: the cluster is gone.
        """
        processing = self.ask(self.scheduler.processing, workers=None)
        return next((worker for worker, keys in processing.items() if key in keys), None)

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        with losing_the_cluster():
            try:
                yield
            except TimeoutError:
                raise RefusedError(
                    f"the Dask scheduler at {self.address} has not answered for {ANSWER_SECONDS:g} s; check it, then run again: "
                    "what was committed stays"
                ) from None
            except CommClosedError:
                raise
            except OSError as error:
                raise RefusedError(_LOST) from error

    def ask_workers(
        self, workers: Sequence[str], function: Callable[..., Any], *arguments: object, seconds: float
    ) -> dict[str, object | Exception]:
        """Call a function in each of some worker processes, beside its tasks, and answer the result or the exception by worker.

        A worker that does not answer in time has a ``TimeoutError``.
        """

        def ask(worker: str) -> object | Exception:
            try:
                answers = self.client.run(function, *arguments, workers=[worker], on_error="return", callback_timeout=seconds)
            except Exception as error:  # noqa: BLE001 - the caller reports it, whatever it is
                return error
            return cast("object", answers[worker])

        with ThreadPoolExecutor(min(_ASKED_AT_ONCE, max(1, len(workers))), thread_name_prefix="dicomlake-asking") as pool:
            return dict(zip(workers, pool.map(ask, workers), strict=True))


@contextlib.contextmanager
def losing_the_cluster() -> Iterator[None]:
    """Report in one line that the scheduler is gone, or was restarted."""
    try:
        yield
    except (CancelledError, CommClosedError) as error:
        raise RefusedError(_LOST) from error
