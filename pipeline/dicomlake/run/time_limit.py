"""The time that a run may take: once it has passed, nothing more is begun, and what is under way is brought to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from dicomlake.errors import TimeLimitPassed

T = TypeVar("T")

Clock = Callable[[], float]
"""Seconds since some moment; it never goes back."""


class TimeLimit:
    """A limit that runs from the moment at which it is made.

    Args:
        seconds: None for no limit.
        clock: what measures them.
    """

    def __init__(self, seconds: float | None, clock: Clock = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = None if seconds is None else clock() + seconds

    @property
    def has_passed(self) -> bool:
        """Whether nothing more is to be begun."""
        return self._end is not None and self._clock() >= self._end

    def while_listing(self, batches: Iterator[T]) -> Iterator[T]:
        """The same batches, for a listing of which nothing is kept unless it is whole.

        Raises:
            TimeLimitPassed: between two of them.
        """
        for batch in batches:
            if self.has_passed:
                raise self.passed_while_listing()
            yield batch

    def passed_while_listing(self) -> TimeLimitPassed:
        """The error of a run that can keep nothing."""
        return TimeLimitPassed(
            f"the time limit of {self.seconds:,.0f} s passed before the sources were listed to their end; nothing was changed, since "
            "only a whole listing tells which files vanished. Give more time (--time-limit), or index fewer sources at a time"
        )
