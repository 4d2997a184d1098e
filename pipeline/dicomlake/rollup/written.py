"""Rows of roll-ups as part files."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dicomlake.parts import Location, PartFile, write_sorted
from dicomlake.schema import LakeSchema


def write_level(location: Location, schema: LakeSchema, level: str, rows: pl.DataFrame) -> list[PartFile]:
    """Write rows of a level, sorted; nothing is committed.

    Args:
        location: the lake.
        schema: its tables.
        level: the name of the level's table.
        rows: every column of that table.

    Raises:
        AccessDenied: the lake can't be written.
    """
    arrow, order = schema.table(level), schema.declaration(level).order
    # Polars sorts all columns at once; what stands in order is not sorted again.
    rows = rows.select(arrow.names).sort(order, nulls_last=True, maintain_order=True)
    return write_sorted(location, level, rows.to_arrow().cast(arrow), order)


def write_findings(location: Location, schema: LakeSchema, findings: Sequence[pl.DataFrame], snapshot: int) -> list[PartFile]:
    """Write findings of entities, sorted; nothing is committed.

    Args:
        location: the lake.
        schema: its tables.
        findings: rows of `findings`, some columns of which may be absent: they are null.
        snapshot: the number of the run.

    Raises:
        AccessDenied: the lake can't be written.
    """
    rows = pl.concat([frame for frame in findings if frame.height] or findings[:1], how="diagonal")
    if rows.height == 0:
        return []
    arrow = schema.table("findings")
    rows = rows.with_columns(snapshot=pl.lit(snapshot, dtype=pl.Int64))
    rows = rows.with_columns(pl.lit(None).alias(name) for name in arrow.names if name not in rows.columns)
    return write_sorted(location, "findings", rows.select(arrow.names).to_arrow().cast(arrow), schema.declaration("findings").order)
