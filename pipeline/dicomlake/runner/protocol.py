"""The interface of runners. A runner calls a function on tasks, a bounded number at a time, and answers in the order in which they end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Outcome(Generic[T, R]):
    """The outcome of a task: its result, or the fact that it killed every worker that tried it."""

    task: T
    result: R | None
    killed: bool = False


class Runner(Protocol):
    """Runs tasks."""

    def workers(self) -> int:
        """How many workers there are now."""
        ...

    def dashboard(self) -> str | None:
        """The address of the dashboard, where there is one."""
        ...

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """Call ``function`` on every task; a task is taken from the iterable only when a worker has room for it.

        An exception of the function is raised here. A task whose worker dies runs again; one that killed several workers ends
        with ``killed``.
        """
        ...

    def close(self) -> None:
        """Close everything that the runner started."""
        ...
