"""Two lakes, table by table, except for columns and rows that may differ: snapshot numbers, missing rows, costs of reading."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from polars.testing import assert_frame_equal

from dicomlake.lake import Lake

_APART = ["snapshot", "first_snapshot", "last_snapshot", "bytes_read", "requests"]

Tables = Mapping[str, pl.DataFrame]


def whole(lake: Lake) -> dict[str, pl.DataFrame]:
    """All of every table, `snapshots` aside."""
    names = [name for name in lake.tables if name != "snapshots"]
    return dict(zip(names, pl.collect_all([lake.table(name) for name in names]), strict=True))


def comparable(lake: Lake, table: str) -> pl.DataFrame:
    """A table's rows in an order of their own, without what may differ."""
    return _ordered(table, lake.table(table).collect())


def assert_same_lake(left: Lake, right: Lake) -> None:
    """Every table of two lakes holds the same rows."""
    assert_same_tables(whole(left), whole(right))


def assert_same_tables(left: Tables, right: Tables, *, aside: tuple[str, ...] = (), former_columns: bool = False) -> None:
    """Every table of two lakes holds the same rows.

    Args:
        left: the tables of a lake.
        right: those of a rebuild.
        aside: columns that are not compared.
        former_columns: whether ``left`` may have columns that ``right`` lacks: an earlier configuration's, of which nothing is left.
    """
    assert left.keys() == right.keys()
    for table in left:
        one, other = (_ordered(table, tables[table]).drop(aside, strict=False) for tables in (left, right))
        if former_columns:
            former = [name for name in one.columns if name not in other.columns]
            assert [name for name in former if one[name].null_count() < one.height] == []
            one = one.drop(former)
        assert_frame_equal(one, other, check_column_order=not former_columns)


def _ordered(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    rows = rows.drop(_APART, strict=False)
    if table == "files":
        rows = rows.filter(pl.col("status") != "missing")
    order = [name for name, dtype in rows.schema.items() if not isinstance(dtype, pl.List)]
    return rows.sort(order)
