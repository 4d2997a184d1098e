"""Two lakes, table by table, but for what may differ: snapshot numbers, missing rows, costs of reading (DESIGN section 3)."""

from __future__ import annotations

import polars as pl
from polars.testing import assert_frame_equal

from dicomlake.lake import Lake

_APART = {
    "files": ["first_snapshot", "last_snapshot", "bytes_read", "requests"],
    "instances": ["snapshot"],
    "series": ["snapshot"],
    "studies": ["snapshot"],
    "patients": ["snapshot"],
    "findings": ["snapshot"],
}


def comparable(lake: Lake, table: str) -> pl.DataFrame:
    """A table's rows in an order of their own, without what may differ."""
    rows = lake.table(table).drop(_APART[table])
    if table == "files":
        rows = rows.filter(pl.col("status") != "missing")
    frame = rows.collect()
    order = [name for name, dtype in frame.schema.items() if dtype != pl.List(pl.String) and not isinstance(dtype, pl.List)]
    return frame.sort(order)


def assert_same_lake(left: Lake, right: Lake) -> None:
    """Every table of two lakes holds the same rows."""
    for table in _APART:
        assert_frame_equal(comparable(left, table), comparable(right, table), check_column_order=True)
