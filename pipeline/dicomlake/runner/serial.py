"""The runner for tests and debugging: it runs one task after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from dicomlake.runner.protocol import Outcome

T = TypeVar("T")
R = TypeVar("R")


class SerialRunner:
    """Runs every task in this process, in order."""

    def workers(self) -> int:
        """One: this process."""
        return 1

    def dashboard(self) -> str | None:
        """None."""
        return None

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """Call ``function`` on every task."""
        for task in tasks:
            yield Outcome(task, function(task))

    def close(self) -> None:
        """Do nothing: nothing was started."""
