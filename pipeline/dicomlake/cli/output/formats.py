"""The formats of rows: a table for people; CSV, JSON and Parquet for programs. Rows come in batches, so memory is bounded.

CSV is quoted by RFC 4180, and text that begins like a formula is not changed. A list is JSON text in its cell. JSON is an array of objects.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import BinaryIO, TextIO, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from polars import selectors

from dicomlake.cli.output.screen import is_terminal, note, print_lines, print_table, width_of
from dicomlake.cli.output.table import Heading, fits, is_whole, lay_out_record
from dicomlake.cli.output.values import cell, json_text
from dicomlake.printable import printable

TERMINAL_ROWS = 50


class Form(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def write_rows(form: Form, batches: Iterable[pl.DataFrame], schema: pl.Schema, out: BinaryIO | None, rows_limit: int | None) -> None:
    """Write rows.

    Args:
        form: their format.
        batches: the rows.
        schema: their schema, also needed without any row.
        out: a file; stdout where None.
        rows_limit: rows that a table shows; 0 for all, None for `TERMINAL_ROWS` on a terminal and for all elsewhere.
    """
    if form is Form.PARQUET:
        _write_parquet(batches, schema, out or sys.stdout.buffer)
        return
    if out is None:
        _write_text(form, batches, schema, sys.stdout, rows_limit)
        return
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    _write_text(form, batches, schema, text, rows_limit)
    text.detach()  # flushes, and leaves the file open for the caller


def _write_text(form: Form, batches: Iterable[pl.DataFrame], schema: pl.Schema, text: TextIO, rows_limit: int | None) -> None:
    if form is Form.TABLE:
        _write_table(batches, schema, text, rows_limit)
    elif form is Form.CSV:
        _write_csv(batches, schema, text)
    else:
        _write_json(batches, text)


def headings_of(schema: pl.Schema) -> list[Heading]:
    """The headings of a table with these columns."""
    return [
        Heading(
            printable(name),
            is_number=kind.is_numeric(),
            is_text=kind == pl.String or kind.is_nested(),
            is_whole=is_whole(name),
        )
        for name, kind in schema.items()
    ]


def _write_table(batches: Iterable[pl.DataFrame], schema: pl.Schema, out: TextIO, rows_limit: int | None) -> None:
    if rows_limit is None:
        rows_limit = TERMINAL_ROWS if is_terminal(out) else 0
    rows: list[list[str]] = []
    height = 0
    for batch in batches:
        height += batch.height
        wanted = batch.head(max(0, rows_limit - len(rows))) if rows_limit else batch
        rows += [[cell(value) for value in row] for row in wanted.iter_rows()]
    headings = headings_of(schema)
    if height == 1 and not fits(headings, rows, width_of(out)):
        print_lines(lay_out_record(headings, rows[0]), out)
        return
    laid = print_table(headings, rows, out)
    out.flush()
    if height == 0:
        note("no rows")
    if len(rows) < height:
        note(f"{len(rows):,} of {height:,} rows; --rows 0 shows them all")
    if laid.columns_left_out:
        note(f"{len(headings) - laid.columns_left_out} of {len(headings)} columns; name fewer in the query, or take --format csv or json")


def _write_csv(batches: Iterable[pl.DataFrame], schema: pl.Schema, out: TextIO) -> None:
    looked_at = is_terminal(out)
    if schema:
        _write_csv_text(pl.DataFrame(schema=dict.fromkeys(schema, pl.String)).write_csv(), out, looked_at=looked_at)
    for batch in batches:
        _write_csv_text(_flat(batch).write_csv(include_header=False), out, looked_at=looked_at)


def _write_csv_text(text: str, out: TextIO, *, looked_at: bool) -> None:
    # A terminal would execute control characters, which a file only stores.
    out.write("\n".join(printable(line) for line in text.split("\n")) if looked_at else text)


def _flat(batch: pl.DataFrame) -> pl.DataFrame:
    """The rows with text where CSV has no format: lists become JSON, and times with a zone become ISO 8601."""
    nested = [name for name, kind in batch.schema.items() if kind.is_nested()]
    texts = [
        pl.Series(name, [None if value is None else json_text(value) for value in batch[name].to_list()], dtype=pl.String)
        for name in nested
    ]
    return batch.with_columns(texts).with_columns(selectors.datetime(time_zone="*").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f%:z"))


def _write_json(batches: Iterable[pl.DataFrame], out: TextIO) -> None:
    before = "[\n"
    for batch in batches:
        for row in batch.iter_rows(named=True):
            out.write(before + json_text(row))
            before = ",\n"
    out.write("[]\n" if before == "[\n" else "\n]\n")


def _write_parquet(batches: Iterable[pl.DataFrame], schema: pl.Schema, out: BinaryIO) -> None:
    arrow = schema.to_frame().to_arrow().schema
    with pq.ParquetWriter(cast("pa.NativeFile", out), arrow, compression="zstd") as writer:
        for batch in batches:
            writer.write_table(batch.to_arrow().cast(arrow))
