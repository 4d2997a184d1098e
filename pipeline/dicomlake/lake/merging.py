"""Which part files of a table are to become one: small ones of the same partition, neighbours in the order of the rows.

A part file that fills more than half of what one may be is left alone, so that a table that was optimised stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from dicomlake.limits import MIB
from dicomlake.parts import Location, PartFile, uncompressed_size

PART_BYTES = 128 * MIB
"""How large a part file is made, at most."""

PART_BYTES_UNCOMPRESSED = 512 * MIB
PART_CELLS = 32 * MIB
"""How many bytes and cells (rows times columns) a part file holds at most: its rows are sorted in memory, where a null takes room too."""


def mergers(location: Location, parts: Iterable[PartFile], order: tuple[str, ...], columns: int) -> list[list[PartFile]]:
    """Groups of two or more part files, each to be written as one.

    Args:
        location: the lake.
        parts: the part files of a table.
        order: the columns by which its rows are sorted.
        columns: how many it has.

    Raises:
        LakeDamaged: a part file can't be read.
    """
    by_partition: dict[str | None, list[tuple[float, PartFile]]] = {}
    for part in sorted(parts, key=lambda part: _lowest(part, order)):
        share = _share(location, part, columns)
        if share <= 1 / 2:
            by_partition.setdefault(part.partition, []).append((share, part))
    return [group for small in by_partition.values() for group in _groups(small) if len(group) > 1]


def _groups(small: list[tuple[float, PartFile]]) -> list[list[PartFile]]:
    groups: list[list[PartFile]] = []
    filled = 1.0
    for share, part in small:
        if filled + share > 1:
            groups.append([])
            filled = 0.0
        groups[-1].append(part)
        filled += share
    return groups


def _share(location: Location, part: PartFile, columns: int) -> float:
    """How much of the largest part file this one fills, by whatever fills it most."""
    share = max(part.size / PART_BYTES, part.rows * columns / PART_CELLS)
    return share if share > 1 / 2 else max(share, uncompressed_size(location, part) / PART_BYTES_UNCOMPRESSED)


def _lowest(part: PartFile, order: tuple[str, ...]) -> list[tuple[bool, str]]:
    bounds = [part.lowest.get(name) for name in order]
    return [(bound is None, "") if not isinstance(bound, str) else (False, bound) for bound in bounds]
