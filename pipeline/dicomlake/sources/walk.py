"""The walk over any tree of folders: depth first, in the byte order of urls, with only the folders on the way down in memory.

Names sort as their urls when a folder sorts as ``name/``: ``a.txt`` comes before the files in ``a/``, and ``a0`` after them. But the row of
a folder that can't be read has the url ``name``, which may sort before files between ``name`` and ``name/``. So a folder is opened at
``name`` and entered at ``name/``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import pyarrow as pa

from dicomlake.sources.batches import BatchBuilder, Defect


class Folder(Protocol):
    """An open folder, of which only the names in it are known."""

    @property
    def leaves(self) -> Sequence[str]:
        """The ends of the urls of all entries except folders; ascending."""

    @property
    def folders(self) -> Sequence[str]:
        """The names of the folders to enter, as in urls; in any order."""

    def append(self, builder: BatchBuilder, start: int, stop: int) -> None:
        """Add one row for each of ``leaves[start:stop]``. Each leaf is added only once."""

    def open(self, name: str) -> Opened:
        """Open one of ``folders``."""


class Opened(NamedTuple):
    """A folder, or the defect of one that can't be read; both if its names were read in part; neither if it must not be listed."""

    folder: Folder | None
    defect: Defect | None


class _Visit:
    """The position of the walk in one folder."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.leaves = folder.leaves
        self.events = sorted([*folder.folders, *(name + "/" for name in folder.folders)])
        self.next_event = 0
        self.next_leaf = 0
        self.waiting: dict[str, Opened] = {}


def walk(root: Folder) -> Iterator[pa.RecordBatch]:
    """The batches of the whole tree below an open folder. Each is given as soon as it is full."""
    builder = BatchBuilder()
    stack = [_Visit(root)]
    while stack:
        visit = stack[-1]
        event = visit.events[visit.next_event] if visit.next_event < len(visit.events) else None
        stop = len(visit.leaves) if event is None else bisect_left(visit.leaves, event, visit.next_leaf)
        while visit.next_leaf < stop:
            end = min(stop, visit.next_leaf + builder.room)
            visit.folder.append(builder, visit.next_leaf, end)
            visit.next_leaf = end
            if not builder.room:
                yield builder.flush()
        if event is None:
            stack.pop()
            continue
        visit.next_event += 1
        if event.endswith("/"):
            folder, defect = visit.waiting.pop(event[:-1])
            if folder is not None:
                stack.append(_Visit(folder))
        else:
            folder, defect = visit.folder.open(event)
            # In object stores a file and a folder may share a name. A slash then marks the row of the folder.
            shared = defect is not None and stop < len(visit.leaves) and visit.leaves[stop] == event
            later = defect._replace(url=defect.url + "/") if shared and defect is not None else None
            visit.waiting[event] = Opened(folder, later)
            defect = None if shared else defect
        if defect is not None:
            builder.add(defect)
            if not builder.room:
                yield builder.flush()
    yield builder.flush()
