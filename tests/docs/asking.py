"""Asking a lake in DuckDB's SQL, and laying out the answer as the pages show it."""

from __future__ import annotations

import duckdb
import polars as pl

from dicomlake import Lake
from dicomlake.cli.output.formats import headings_of
from dicomlake.cli.output.table import lay_out
from dicomlake.cli.output.values import cell

SHOWN_ROWS = 6
"""A longer answer is cut after so many rows."""

_WIDEST = 40


class Asking:
    """A lake that answers DuckDB's SQL.

    Args:
        lake: the lake.
        backwards: whether the rows of every table come in the opposite order.
        frames: other tables, by their names.
    """

    def __init__(self, lake: Lake, *, backwards: bool = False, **frames: pl.DataFrame) -> None:
        self.lake = lake
        self._connection = duckdb.connect() if backwards else lake.duckdb()
        self._connection.execute("set timezone = 'UTC'; set enable_progress_bar = false")
        tables = {name: lake.table(name).collect().reverse() for name in lake.tables} if backwards else {}
        for name, frame in {**tables, **frames}.items():
            self._connection.register(name, frame.to_arrow())

    def __call__(self, query: str) -> pl.DataFrame:
        """The answer to one SELECT."""
        answer = pl.DataFrame(self._connection.sql(query).to_arrow_table())
        # DuckDB adds whole numbers up to numbers of 128 bits.
        whole = [name for name, kind in answer.schema.items() if isinstance(kind, pl.Decimal) and kind.scale == 0]
        return answer.with_columns(pl.col(whole).cast(pl.Int64))


def shown(answer: pl.DataFrame) -> str:
    """The first rows of an answer, as a page shows them below its query."""
    rows = [[_cut(cell(value)) for value in row] for row in answer.head(SHOWN_ROWS).iter_rows()]
    lines = lay_out(headings_of(answer.schema), rows).lines if answer.height else ["no rows"]
    if answer.height > SHOWN_ROWS:
        lines.append(f"… {answer.height - SHOWN_ROWS} more")
    return "".join(f"{line}\n" for line in lines)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
