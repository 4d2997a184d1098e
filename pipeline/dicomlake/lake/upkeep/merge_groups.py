"""Which part files of a table are to become one: small ones of the same partition, neighbours in the order of the rows.

A part file that fills more than half of what one may be is left alone, so that a table that was optimised stays as it is. An optimize
merges all others. The end of a run merges in classes of size, and a class only when enough part files have gathered in it: so each night
writes little anew, a row is rewritten a few times in its life, and a partition holds a bounded number of small part files.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from dicomlake.ledger import lowest_place
from dicomlake.limits import MIB
from dicomlake.parts import Location, PartFile, uncompressed_size

PART_BYTES = 128 * MIB
"""How large a part file is made, at most."""

PART_BYTES_UNCOMPRESSED = 512 * MIB
PART_CELLS = 32 * MIB
"""How many bytes and cells (rows times columns) a part file holds at most: its rows are sorted in memory, where a null takes room too."""


RUN_SHARE = 1 / 2
"""How much of the largest part file one is filled with at the end of a run, where memory and time are short."""

CLASS_SHARES = (1 / 32, 1 / 4)
"""Up to what share of the largest part file those of each class are that runs merge; larger ones wait for an optimize.

The first class is wide at its lower end, since a part file of a few rows costs as much to write as one of some thousands. Enough of a class
make one of the next.
"""


def mergers(
    location: Location, parts: Iterable[PartFile], order: tuple[str, ...], columns: int, *, full: float = 1.0
) -> list[list[PartFile]]:
    """Groups of two or more part files, each to be written as one.

    Args:
        location: the lake.
        parts: the part files of a table.
        order: the columns by which its rows are sorted.
        columns: how many it has.
        full: how much of the largest part file a group fills at most.

    Raises:
        LakeDamaged: a part file can't be read.
    """
    by_partition: dict[str | None, list[tuple[float, PartFile]]] = {}
    for part in sorted(parts, key=lambda part: _lowest(location, part, order)):
        share = _share(location, part, columns)
        if share <= full / 2:
            by_partition.setdefault(part.partition, []).append((share, part))
    return [group for small in by_partition.values() for group in _groups(small, full) if len(group) > 1]


def due_mergers(
    location: Location, parts: Iterable[PartFile], order: tuple[str, ...], columns: int, *, at_least: int, share: float
) -> list[list[PartFile]]:
    """Groups of part files that a run merges when it ends; what the log says decides, and only those that are due are looked into.

    Args:
        location: the lake.
        parts: the part files of a table.
        order: the columns by which its rows are sorted.
        columns: how many it has.
        at_least: how many part files of a partition and class must have gathered.
        share: how much is merged, in largest part files; the first group is in any case. The smallest come first: they are most files for
            the fewest rows.

    Raises:
        LakeDamaged: a part file can't be read.
    """
    classes: dict[tuple[int, str | None], list[PartFile]] = {}
    for part in parts:
        size_class = bisect_left(CLASS_SHARES, _logged_share(part, columns))
        if size_class < len(CLASS_SHARES):
            classes.setdefault((size_class, part.partition), []).append(part)
    due = [(size_class, members) for (size_class, _), members in classes.items() if len(members) >= at_least]
    chosen: list[list[PartFile]] = []
    left = share
    for _, members in sorted(due, key=lambda each: each[0]):
        for group in mergers(location, members, order, columns, full=RUN_SHARE):
            left -= share_of(group, columns)
            if left < 0 and chosen:
                return chosen
            chosen.append(group)
    return chosen


def share_of(parts: Iterable[PartFile], columns: int) -> float:
    """How many of the largest part files these would fill, as far as the log says."""
    return sum(_logged_share(part, columns) for part in parts)


def _groups(small: list[tuple[float, PartFile]], full: float) -> list[list[PartFile]]:
    groups: list[list[PartFile]] = []
    filled = full
    for share, part in small:
        if filled + share > full:
            groups.append([])
            filled = 0.0
        groups[-1].append(part)
        filled += share
    return groups


def _share(location: Location, part: PartFile, columns: int) -> float:
    """How much of the largest part file this one fills, by whatever fills it most."""
    share = _logged_share(part, columns)
    return share if share > 1 / 2 else max(share, uncompressed_size(location, part) / PART_BYTES_UNCOMPRESSED)


def _logged_share(part: PartFile, columns: int) -> float:
    return max(part.size / PART_BYTES, part.rows * columns / PART_CELLS)


def _lowest(location: Location, part: PartFile, order: tuple[str, ...]) -> list[tuple[bool, str]]:
    if part.table == "files":
        return [(False, lowest_place(location, part))]  # members of archives stand behind their archive, whatever their urls
    bounds = [part.lowest.get(name) for name in order]
    return [(bound is None, "") if not isinstance(bound, str) else (False, bound) for bound in bounds]
