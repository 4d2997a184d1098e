"""Removing rows: finding them by their keys, and writing part files again without them.

Both go through a part file row group by row group, so memory is bounded by a row group and the keys, however large the file is; row groups
whose statistics rule the keys out are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa

from dicomlake.parts import SMALL_ROWS, Layout, Location, OpenPart, PartFile, PartWriter, RowGroup, open_part, without, writing

_ROW = "_row"  # no column begins with an underscore


@dataclass(frozen=True)
class Removed:
    """A part file of which rows go: what was written of the others, None where none is left, and what was noted of those that go."""

    part: PartFile
    rest: PartFile | None
    noted: pl.DataFrame | None


@dataclass(frozen=True)
class Rewritten:
    """Part files that go, and what was written of their other rows: one each, or None where none was left.

    ``noted`` has the columns that were to be told of the rows that go, likewise; None where nothing was.
    """

    removed: tuple[PartFile, ...] = ()
    rest: tuple[PartFile | None, ...] = ()
    noted: tuple[pl.DataFrame | None, ...] = ()

    @property
    def added(self) -> tuple[PartFile, ...]:
        """The part files that were written."""
        return tuple(part for part in self.rest if part is not None)

    def moved(self) -> dict[str, str]:
        """The paths of what was written, by the path of the part file whose place it takes."""
        return {part.path: rest.path for part, rest in zip(self.removed, self.rest, strict=True) if rest is not None}


@dataclass(frozen=True)
class Gone:
    """Rows that are to go: those that have one of some keys (a null matches a null) and, where there is one, meet a condition."""

    keys: pl.DataFrame
    only: pl.Expr | None = None

    @cached_property
    def finder(self) -> KeyFinder:
        """Tells where such rows may be."""
        return KeyFinder(self.keys)

    def columns(self) -> list[str]:
        """The columns that must be read to know the rows."""
        return [*self.keys.columns, *(self.only.meta.root_names() if self.only is not None else [])]

    def rows_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Those of some rows that are to go."""
        chosen = rows if self.only is None else rows.filter(self.only)
        return chosen.join(self.keys, on=self.keys.columns, how="semi", nulls_equal=True)


class KeyFinder:
    """Tells by the statistics of a part file, or of a row group, whether it can hold any of some keys."""

    def __init__(self, keys: pl.DataFrame) -> None:
        self.keys = keys
        self._columns = {name: keys[name].sort() for name in keys.columns if keys[name].null_count() == 0 and keys[name].dtype == pl.String}

    def may_be_in(self, rows: PartFile | RowGroup) -> bool:
        """Whether a row can have one of the keys."""
        return self.keys.height > 0 and all(_may_hold_any(rows, name, ordered) for name, ordered in self._columns.items())


def find_gone(location: Location, part: PartFile, gone: Sequence[Gone], *, partition_by: str | None) -> dict[int, np.ndarray]:
    """The rows of a part file that are to go: by the number of the row group, their indices in it; no entry where there is none."""
    hits: dict[int, np.ndarray] = {}
    near = [one for one in gone if one.finder.may_be_in(part)]
    if not near:
        return hits
    with open_part(location, part, partition_by=partition_by) as opened:
        for group in opened.groups:
            looked_for = [one for one in near if one.finder.may_be_in(group)]
            if not looked_for:
                continue
            needed = list(dict.fromkeys(name for one in looked_for for name in one.columns()))
            rows = opened.frame(group, needed).with_row_index(_ROW)
            found = pl.concat([one.rows_of(rows).select(_ROW) for one in looked_for])[_ROW].unique()
            if found.len():
                hits[group.number] = found.to_numpy()
    return hits


def remove(
    location: Location, part: PartFile, schema: pa.Schema, gone: Sequence[Gone], *, partition_by: str | None, noted: Sequence[str] = ()
) -> Removed | None:
    """Write a part file anew without some rows, in the same order; None where it holds none of them.

    Args:
        location: the lake.
        part: the part file.
        schema: the columns of its table.
        gone: which rows go.
        partition_by: the partition column.
        noted: columns that are to be told of the rows that go.

    Raises:
        LakeDamaged: the file can't be read.
        AccessDenied: the lake can't be written.
    """
    hits = find_gone(location, part, gone, partition_by=partition_by)
    if not hits:
        return None
    with open_part(location, part, partition_by=partition_by) as opened:
        notes = [opened.some_columns(group, noted, hits[group.number]) for group in opened.groups if noted and group.number in hits]
        rest = _rewrite(location, opened, schema, hits, partition_by)
    return Removed(part, rest, pl.concat(notes) if notes else None)


def _rewrite(
    location: Location, opened: OpenPart, schema: pa.Schema, hits: Mapping[int, np.ndarray], partition_by: str | None
) -> PartFile | None:
    left = opened.part.rows - sum(map(len, hits.values()))
    if left == 0:
        return None
    inside = columns_inside(schema, partition_by)
    with writing(location), writer_like(location, opened, inside, partition_by, rows=left) as writer:
        for group in opened.groups:
            gone = hits.get(group.number)
            if gone is None:
                writer.write(opened.encoded(group, inside))
            elif len(gone) < group.rows:
                writer.write(without(opened.encoded(group, inside), gone))
    return writer.part()


def columns_inside(schema: pa.Schema, partition_by: str | None) -> pa.Schema:
    """The columns that stand inside a part file: all but the partition column."""
    return pa.schema([field for field in schema if field.name != partition_by])


def writer_like(location: Location, opened: OpenPart, inside: pa.Schema, partition_by: str | None, *, rows: int) -> PartWriter:
    """A writer of a part file that takes the place of another: so many rows, in the same partition, encoded alike."""
    present = set(opened.names)
    empty = [*opened.uncompressed_columns(), *(name for name in inside.names if name not in present)]
    repeating = [name for name in inside.names if name in opened.repeating]
    layout, part, is_small = Layout.of(inside), opened.part, rows < SMALL_ROWS
    return PartWriter(location, part.table, layout, part.partition, partition_by, empty=empty, is_small=is_small, repeating=repeating)


def matching_rows(
    location: Location, part: PartFile, schema: pa.Schema, finder: KeyFinder, *, partition_by: str | None
) -> Iterator[pl.DataFrame]:
    """The whole rows of a part file that have the keys looked for, row group by row group; a null matches a null."""
    names = finder.keys.columns
    with open_part(location, part, partition_by=partition_by) as opened:
        for group in opened.groups:
            if not finder.may_be_in(group):
                continue
            rows = opened.frame(group, names).with_row_index(_ROW)
            found = rows.join(finder.keys, on=names, how="semi", nulls_equal=True, maintain_order="left")[_ROW]
            if found.len():
                yield pl.DataFrame(opened.some_rows(group, schema, found.to_numpy()))


def _may_hold_any(rows: PartFile | RowGroup, column: str, ordered: pl.Series) -> bool:
    if column not in rows.null_count:
        return True
    lowest, highest = rows.lowest.get(column), rows.highest.get(column)
    if not isinstance(lowest, str) or not isinstance(highest, str):
        return rows.null_count[column] != rows.rows
    index = ordered.search_sorted(lowest, side="left")
    return index < ordered.len() and bool(ordered[index] <= highest)
