"""Looking at files and opening folders: one after the other, or side by side where the disk takes long to answer.

A network file system answers many requests at a time, and each takes milliseconds. On a disk of this machine threads would cost more than
they save. The pace of the last looks tells the two apart.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

THREADS = 64
"""Looks on their way at one time; as many folders are opened beside them."""

SLOW_SECONDS = 0.0003
"""A look that takes longer is worth a thread that waits for it."""

_LOOKS_OF_A_PACE = 8
_FILES_OF_A_LOOK = 64
_FEWEST_FILES = 4
_MOST_ITEMS_OF_A_TASK = 32


class Looks:
    """The looks of one listing. ``close`` ends its threads.

    Attributes:
        are_slow: whether the disk takes long to answer: at least half of the last looks were slow.
    """

    def __init__(self) -> None:
        self.are_slow = False
        self._last_were_slow: deque[bool] = deque(maxlen=_LOOKS_OF_A_PACE)
        self._files: ThreadPoolExecutor | None = None
        self._folders: ThreadPoolExecutor | None = None

    def close(self) -> None:
        """End the threads; what they were to look at is left."""
        for pool in (self._files, self._folders):
            if pool is not None:
                pool.shutdown(wait=False, cancel_futures=True)

    def begin(self, look: Callable[Arguments, Result], *arguments: Arguments.args, **options: Arguments.kwargs) -> Future[Result]:
        """One look that goes on while others are waited for; it may call `all_of`."""
        if self._folders is None:
            self._folders = ThreadPoolExecutor(THREADS, "dicomlake-list")
        return self._folders.submit(look, *arguments, **options)

    def all_of(self, look: Callable[[Item], Result], items: Sequence[Item], *, may_be_known: bool = False) -> list[Result]:
        """The results of looks, in the order of their items.

        Args:
            look: looks at one item; it raises nothing.
            items: the items to look at.
            may_be_known: the answer may be known without the disk, so that a quick one says nothing of its pace.
        """
        results: list[Result] = []
        while len(results) < len(items):
            if self.are_slow and len(items) - len(results) > 1:
                results += self._side_by_side(look, items[len(results) :], may_be_known=may_be_known)
                continue
            # A pace of which nothing is known is looked at soon: a hundred files can take a second.
            chunk = _FILES_OF_A_LOOK if self._last_were_slow else _FEWEST_FILES
            some = items[len(results) : len(results) + chunk]
            results += self._one_by_one(look, some, may_be_known=may_be_known)
        return results

    def _side_by_side(self, look: Callable[[Item], Result], items: Sequence[Item], *, may_be_known: bool) -> list[Result]:
        if self._files is None:
            self._files = ThreadPoolExecutor(THREADS, "dicomlake-look")
        size = min(max(-(-len(items) // THREADS), 1), _MOST_ITEMS_OF_A_TASK)
        # Not all at once: where the disk turns out to be fast, the rest goes one by one.
        tasks = [
            self._files.submit(self._one_by_one, look, items[start : start + size], may_be_known=may_be_known)
            for start in range(0, min(len(items), 4 * THREADS * size), size)
        ]
        return [result for task in tasks for result in task.result()]

    def _one_by_one(self, look: Callable[[Item], Result], items: Sequence[Item], *, may_be_known: bool) -> list[Result]:
        started = time.perf_counter()
        results = [look(item) for item in items]
        seconds = (time.perf_counter() - started) / len(items)
        if seconds > SLOW_SECONDS or not may_be_known:
            self.note(seconds)
        return results

    def note(self, seconds: float) -> None:
        """Take note of the time of a look."""
        last = self._last_were_slow
        is_slow = seconds > SLOW_SECONDS
        last.append(is_slow)
        if is_slow or self.are_slow:
            self.are_slow = len(last) > 1 and 2 * sum(last) >= len(last)
