"""Part files side by side: Parquet is read and written without the lock of the interpreter."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

Given = TypeVar("Given")
Answer = TypeVar("Answer")

_MOST_THREADS = 4
"""Each thread holds a row group, so memory bounds their number."""


def side_by_side(work: Callable[[Given], Answer], items: Sequence[Given]) -> list[Answer]:
    """The answers for some items, in their order. The first error is raised, and what has not begun by then is left.

    Example:
        >>> side_by_side(len, ["a", "bcd"])
        [1, 3]
    """
    threads = min(len(items), os.cpu_count() or 1, _MOST_THREADS)
    if threads <= 1:
        return [work(item) for item in items]
    pool = ThreadPoolExecutor(threads, thread_name_prefix="dicomlake-part-files")
    try:
        return list(pool.map(work, items))
    finally:
        pool.shutdown(cancel_futures=True)
        # What ended threads had allocated is no use to others.
        pa.default_memory_pool().release_unused()
