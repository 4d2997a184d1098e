"""Instances and frames whose stack is another one than their rows say.

A unit numbers the stacks of the slices that it has. Where a series has more of them, in other units or of other nights, its stacks may get
other numbers, and the rows that name them are written again.
"""

from __future__ import annotations

import polars as pl

from dicomlake.lake import Gone, LakeWriter
from dicomlake.parts import write_sorted
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
        for name, place in _PLACES.items():
            if not self._moved[name]:
                continue
            table = writer.tables[name]
            moved = pl.concat(self._moved[name])
            urls = moved.select("url").unique()
            rows = table.rows_with(urls).join(
                moved.rename({"stack": "now"}).with_columns(has_moved=pl.lit(value=True)), on=place, how="left", maintain_order="left"
            )
            has_moved = pl.col("has_moved").is_not_null()
            rows = rows.with_columns(
                stack=pl.when(has_moved).then("now").otherwise("stack"),
                snapshot=pl.when(has_moved).then(pl.lit(snapshot, pl.Int64)).otherwise("snapshot"),
            )
            declaration = writer.schema.declaration(name)
            arrow = rows.select(table.schema.names).to_arrow().cast(table.schema)
            parts = write_sorted(writer.location, name, arrow, declaration.order, partition_by=writer.schema.partition_of(name))
            rewritten = table.without(Gone(urls))
            table.commit([*parts, *rewritten.added], rewritten.removed, writer.next_number())
