"""A table at two snapshots, without what both have in common.

A part file is never changed, so one that both versions name holds the same rows in both and need not be read: what is left is what runs
between the two wrote, and the former neighbours of those rows. So a comparison costs what changed, not what the lake holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from dicomlake.lake.read.snapshot_view import SnapshotView
from dicomlake.parts import PartFile


@dataclass(frozen=True)
class OwnParts:
    """The part files of a table that one snapshot has and the other has not; ``rows`` counts those of the whole table."""

    lake: SnapshotView
    table: str
    parts: tuple[PartFile, ...]
    rows: int

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """The rows, part file by part file; some columns, or all.

        Raises:
            LakeDamaged: a part file is not there or can't be read.
        """
        return self.lake.read_parts(self.table, self.parts, columns)

    def rows_with(self, keys: pl.DataFrame) -> pl.DataFrame | None:
        """The whole rows that have these keys; None where there is none."""
        names = keys.columns
        near = [part for part, rows in zip(self.parts, self.read(names), strict=True) if rows.join(keys, on=names, how="semi").height]
        frames = [rows.join(keys, on=names, how="semi") for rows in self.lake.read_parts(self.table, near)]
        return pl.concat(frames, how="diagonal") if frames else None


def own_parts(before: SnapshotView, after: SnapshotView, table: str) -> tuple[OwnParts, OwnParts]:
    """The part files of a table that only the earlier, and that only the later of two snapshots has.

    Raises:
        LakeDamaged: a log no longer knows one of the two versions.
    """
    was, now = ({part.path: part for part in lake.parts(table)} for lake in (before, after))
    return _alone(before, table, was, now), _alone(after, table, now, was)


def _alone(lake: SnapshotView, table: str, own: dict[str, PartFile], other: dict[str, PartFile]) -> OwnParts:
    parts = tuple(part for path, part in own.items() if path not in other)
    return OwnParts(lake, table, parts, sum(part.rows for part in own.values()))
