"""Instances and frames whose stack is another one than their rows say.

A unit numbers the stacks of the slices that it has. Where a series has more of them, in other units or of other nights, its stacks may get
other numbers, and the rows that name them are written again.
"""

from __future__ import annotations

from functools import partial

import polars as pl

from dicomlake.lake import Changes, LakeWriter, Table, change_values
from dicomlake.parts import PartFile, open_part, side_by_side
from dicomlake.rollup import RollUpResult

_PLACES = {"instances": ["url"], "frames": ["url", "frame_number"]}
"""The columns that tell the rows of each table apart."""


class MovedSlices:
    """Gathers the slices that moved to another stack, and writes their rows again."""

    def __init__(self) -> None:
        self._moved: dict[str, list[pl.DataFrame]] = {table: [] for table in _PLACES}

    def note(self, result: RollUpResult) -> None:
        """Take the slices of a task."""
        for table, moved in (("instances", result.moved_instances), ("frames", result.moved_frames)):
            if moved is not None and moved.height:
                self._moved[table].append(moved)

    def commit(self, writer: LakeWriter, snapshot: int) -> None:
        """Write the rows again, one transaction for each table.

        Raises:
            LakeChanged: another run committed meanwhile.
            AccessDenied: the lake can't be written.
        """
        for name in _PLACES:
            if not self._moved[name]:
                continue
            table = writer.tables[name]
            moved = pl.concat(self._moved[name]).with_columns(pl.lit(snapshot, pl.Int64).alias("snapshot"))
            urls = moved["url"].unique().sort()
            former = list(table.parts.values())
            written = side_by_side(partial(_changed, table, moved, urls), former)
            rewritten = [(part, now) for part, now in zip(former, written, strict=True) if now is not None]
            table.commit([now for _, now in rewritten], [part for part, _ in rewritten], writer.next_number())


def _changed(table: Table, moved: pl.DataFrame, urls: pl.Series, part: PartFile) -> PartFile | None:
    """The part file written again with the stacks of moved slices; None where it holds none of them."""
    place = _PLACES[table.name]
    changes = {}
    with open_part(table.location, part, partition_by=table.partition_by) as opened:
        for group in opened.groups:
            near = opened.rows_with_any(group, {"url": urls})
            if len(near):
                rows = opened.some_columns(group, place, near).with_columns(row=pl.Series(near))
                found = rows.join(moved, on=place, how="inner", maintain_order="left")
                if found.height:
                    values = {name: found[name].to_arrow() for name in ("stack", "snapshot")}
                    changes[group.number] = Changes(found["row"].to_numpy(), values)
    if not changes:
        return None
    return change_values(table.location, part, table.schema, changes, partition_by=table.partition_by)
