"""The check that the workers of a cluster can do the work of a run, before the first file is read.

A worker of another version writes other rows, and a worker without the archive's disk calls every file unreadable. Both would look like
results.
"""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from dicomlake.errors import DicomlakeError, RefusedError
from dicomlake.runner.cluster import Cluster
from dicomlake.runner.requirements import Requirements, different, own

CHECK_SECONDS = 120.0
"""How long a worker may take for a check: hundreds of them may load dicomlake from one slow disk."""


def wait_for_workers(cluster: Cluster, seconds: float, tell: Callable[[str], None]) -> None:
    """Wait until a cluster has a worker. A task waits meanwhile, since an adaptive cluster grows only for tasks.

    Raises:
        RefusedError: no worker came in time.
    """
    if cluster.threads():
        return
    tell(f"the Dask scheduler at {cluster.address} has no workers yet; waiting for one, up to {seconds:g} s")
    until = time.monotonic() + seconds
    wanted = cluster.client.submit(int, pure=False)
    try:
        while not cluster.threads():
            if time.monotonic() > until:
                raise no_workers(cluster, seconds)
            cluster.replace_lost_workers()
            time.sleep(min(0.2, seconds))
    finally:
        wanted.release()


def no_workers(cluster: Cluster, seconds: float) -> RefusedError:
    """The refusal of a cluster without workers."""
    address = cluster.address
    return RefusedError(
        f"the Dask scheduler at {address} has had no workers for {seconds:g} s; start some (dask worker {address}) and run again: "
        "what was committed stays, and running.worker_wait_seconds says how long to wait"
    )


def check_workers(cluster: Cluster, workers: Sequence[str], requirements: Requirements) -> tuple[list[str], list[str]]:
    """Check the scheduler and some workers. A busy worker answers too; a worker that hangs is given up after `CHECK_SECONDS`.

    Returns:
        The workers that meet the requirements, and those that gave no answer.

    Raises:
        RefusedError: the scheduler or a worker does not meet them.
    """
    packages, silent = _ask(cluster, workers, requirements.packages)
    # The scheduler loads whatever is sent to workers, so it needs the same packages.
    _compare({f"the Dask scheduler at {cluster.address}": _packages_of_scheduler(cluster, requirements)}, requirements)
    _compare({f"worker {worker}": found for worker, found in packages.items()}, requirements)
    with requirements.access() as access:
        checked, silent_now = _ask(cluster, list(packages), _run_check, pickle.dumps(access))
    refused = {f"worker {worker}": error for worker, error in checked.items() if error is not None}
    if refused:
        error = next(iter(refused.values()))
        reason = str(error) if isinstance(error, DicomlakeError) else f"{type(error).__name__}: {error}"
        raise RefusedError(
            f"{_named(refused)} can't reach what it needs: {reason} (workers must see sources and lake under the same paths or urls)"
        )
    return list(checked), [*silent, *silent_now]


def _ask(
    cluster: Cluster, workers: Sequence[str], function: Callable[..., object], *arguments: object
) -> tuple[dict[str, object], list[str]]:
    """The answers of the workers that are still there, and the workers that gave none in time."""
    answers = cluster.ask_workers(workers, function, *arguments, seconds=CHECK_SECONDS)
    silent = [worker for worker, answer in answers.items() if isinstance(answer, TimeoutError)]
    there = cluster.threads() if any(isinstance(answer, Exception) for answer in answers.values()) else workers
    return {worker: answer for worker, answer in answers.items() if worker in there and worker not in silent}, silent


def _packages_of_scheduler(cluster: Cluster, requirements: Requirements) -> object:
    try:
        return cluster.ask_scheduler(requirements.packages)
    except RefusedError:
        raise
    except Exception as error:  # noqa: BLE001 - the scheduler can't load dicomlake
        return error


def _compare(answers: Mapping[str, object], requirements: Requirements) -> None:
    """Refuse processes with other packages; all with the same difference in one line."""
    refused: dict[str, list[str]] = {}
    for process, packages in answers.items():
        if isinstance(packages, Exception):
            reason = (str(packages).strip() or type(packages).__name__).splitlines()[-1]
            raise RefusedError(
                f"{process} can't load dicomlake {own(requirements.packages).get('dicomlake')} as this process has it ({reason}); "
                "install it on scheduler and workers, restart them, and run again"
            )
        if differences := requirements.differences(packages):
            refused.setdefault(", ".join(differences), []).append(process)
    for text, processes in refused.items():
        raise RefusedError(different(_named(processes), [text]))


async def _run_check(pickled: bytes) -> None:
    """Run an access check on a worker, in a thread: a worker whose event loop stops is taken for dead."""
    await asyncio.to_thread(pickle.loads(pickled))  # noqa: S301 - comes from the client, as every task does


def _named(processes: Iterable[str]) -> str:
    first, *others = processes
    return first + (f" (and {len(others)} more)" if others else "")
