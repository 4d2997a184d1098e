"""Whether the workers of a cluster can do what this process asks of them, found out before the first file is read.

A worker of another version writes other rows, and one without the archive's disk calls every file unreadable: both would look like results.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import pickle
import time
from collections.abc import Callable, Mapping, Sequence

from dicomlake.errors import DicomlakeError, RefusedError
from dicomlake.runner.cluster import Cluster
from dicomlake.runner.requirements import Requirements, different, own

CHECK_SECONDS = 120.0
"""How long a worker may take to look around: hundreds of them may be loading dicomlake from one slow disk."""


def wait_for_workers(cluster: Cluster, seconds: float, tell: Callable[[str], None]) -> None:
    """Wait until a cluster has a worker; a task that waits meanwhile is what makes an adaptive one grow.

    Raises:
        RefusedError: none came in time.
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
            time.sleep(min(0.2, seconds))
    finally:
        wanted.release()


def no_workers(cluster: Cluster, seconds: float) -> RefusedError:
    """What to say of a cluster without workers."""
    address = cluster.address
    return RefusedError(
        f"the Dask scheduler at {address} has had no workers for {seconds:g} s; start some (dask worker {address}) and run again: "
        "what was committed stays, and running.worker_wait_seconds says how long to wait"
    )


def check_workers(cluster: Cluster, workers: Sequence[str], requirements: Requirements) -> tuple[list[str], list[str]]:
    """Look at the scheduler and some workers. One that is busy answers too; one that hangs is not waited for.

    Returns:
        The workers that can do what will be asked of them; and what is odd, but no hindrance, a line each.

    Raises:
        RefusedError: a worker, or the scheduler, can't.
    """
    _check_scheduler(cluster, requirements)
    answers, silent = _asked(cluster, workers, requirements.packages)
    notes = _compared(cluster, answers, requirements)
    with requirements.access() as access:
        looked, silent_now = _asked(cluster, list(answers), _look, pickle.dumps(access))
    refused = {worker: error for worker, error in looked.items() if error is not None}
    if refused:
        error = next(iter(refused.values()))
        what = str(error) if isinstance(error, DicomlakeError) else f"{type(error).__name__}: {error}"
        raise RefusedError(
            f"{_named(refused)} can't reach what it needs: {what} (sources and lake must be there for workers, under the same path or url)"
        )
    if silent or silent_now:
        notes.append(f"{_named([*silent, *silent_now])} did not answer within {CHECK_SECONDS:g} s, and was not checked")
    return list(looked), notes


def _asked(
    cluster: Cluster, workers: Sequence[str], function: Callable[..., object], *arguments: object
) -> tuple[dict[str, object | Exception], list[str]]:
    """The answers of workers that are still there, and those that gave none in time."""
    answers = cluster.ask_workers(workers, function, *arguments, seconds=CHECK_SECONDS)
    silent = [worker for worker, answer in answers.items() if isinstance(answer, TimeoutError)]
    there = cluster.threads() if any(isinstance(answer, Exception) for answer in answers.values()) else set(workers)
    return {worker: answer for worker, answer in answers.items() if worker not in silent and worker in there}, silent


def _check_scheduler(cluster: Cluster, requirements: Requirements) -> None:
    """The scheduler loads what is sent to workers, and so needs what they need."""
    who = f"the Dask scheduler at {cluster.address}"
    try:
        there = cluster.ask_scheduler(requirements.packages)
    except RefusedError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever keeps it from loading us
        raise RefusedError(_absent(who, requirements, error)) from None
    wrong, _ = requirements.differences(there)
    if wrong:
        raise RefusedError(different(who, wrong))


def _compared(cluster: Cluster, answers: Mapping[str, object | Exception], requirements: Requirements) -> list[str]:
    absent = {worker: answer for worker, answer in answers.items() if isinstance(answer, Exception)}
    if absent:
        worker, error = next(iter(absent.items()))
        found = cluster.ask_workers([worker], importlib.metadata.version, "dicomlake", seconds=CHECK_SECONDS)[worker]
        raise RefusedError(_absent(_named(absent), requirements, error, found if isinstance(found, str) else None))
    wrong: dict[tuple[str, ...], list[str]] = {}
    odd: dict[tuple[str, ...], list[str]] = {}
    for worker, packages in answers.items():
        for kind, found_differences in zip((wrong, odd), requirements.differences(packages), strict=True):
            if found_differences:
                kind.setdefault(tuple(found_differences), []).append(worker)
    for differences, workers in wrong.items():
        raise RefusedError(different(_named(workers), differences))
    return [f"{_named(workers)} has {', '.join(differences)}, which should do no harm" for differences, workers in odd.items()]


async def _look(pickled: bytes) -> None:
    """Look around on a worker, in a thread: its event loop must go on, or the worker is taken for dead."""
    await asyncio.to_thread(pickle.loads(pickled))  # noqa: S301 - comes from the client, as every task does


def _named(workers: Sequence[str] | Mapping[str, object]) -> str:
    first, *others = workers
    return f"worker {first}" + (f" (and {len(others)} more)" if others else "")


def _absent(who: str, requirements: Requirements, error: object, found: str | None = None) -> str:
    has = f"can't load what is asked of its dicomlake {found}" if found else "has no dicomlake that it can load"
    reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
    return (
        f"{who} {has}, and this process {own(requirements.packages).get('dicomlake')} ({reason}); install the same one wherever the "
        "cluster runs, scheduler and workers, restart it, and run again"
    )
