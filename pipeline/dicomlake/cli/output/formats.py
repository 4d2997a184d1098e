"""The formats of rows: a table for people; CSV, JSON and Parquet for programs. Rows come in batches, so memory is bounded.

CSV is quoted by RFC 4180, and text that begins like a formula is not changed. A list is JSON text in its cell. JSON is an array of objects.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TextIO, cast

from dicomlake.cli.output.screen import is_terminal, note, print_lines, print_table, width_of
from dicomlake.cli.output.table import Heading, fits, is_whole, lay_out_record
from dicomlake.cli.output.values import cell, json_text
from dicomlake.printable import printable

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

TERMINAL_ROWS = 50


class Form(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Rows(Protocol):
    """Rows to write. They are asked for once, in the way that their format needs."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns."""
        ...

    def headings(self) -> list[Heading]:
        """The headings of a table for people."""
        ...

    def rows(self) -> Iterator[Sequence[Sequence[Any]]]:
        """The rows in batches, as values of Python."""
        ...

    def arrow_schema(self) -> pa.Schema:
        """Their schema."""
        ...

    def arrow(self) -> Iterator[pa.RecordBatch]:
        """The rows in batches, as Arrow."""
        ...


@dataclass(frozen=True)
class FrameRows:
    """The rows of a frame in memory."""

    frame: pl.DataFrame

    @property
    def names(self) -> Sequence[str]:
        """The names of its columns."""
        return self.frame.columns

    def headings(self) -> list[Heading]:
        """A heading for each column."""
        return headings_of(self.frame.schema)

    def rows(self) -> Iterator[Sequence[Sequence[Any]]]:
        """All rows, as one batch."""
        yield self.frame.rows()

    def arrow_schema(self) -> pa.Schema:
        """The schema of the frame."""
        schema: pa.Schema = self.frame.head(0).to_arrow().schema
        return schema

    def arrow(self) -> Iterator[pa.RecordBatch]:
        """All rows."""
        yield from self.frame.to_arrow().to_batches()


def write_rows(form: Form, rows: Rows, out: BinaryIO | None, rows_limit: int | None) -> None:
    """Write rows.

    Args:
        form: their format.
        rows: the rows.
        out: a file; stdout where None.
        rows_limit: rows that a table shows; 0 for all, None for `TERMINAL_ROWS` on a terminal and for all elsewhere.
    """
    if form is Form.PARQUET:
        _write_parquet(rows, out or sys.stdout.buffer)
        return
    if out is None:
        _write_text(form, rows, sys.stdout, rows_limit)
        return
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    _write_text(form, rows, text, rows_limit)
    text.detach()  # flushes, and leaves the file open for the caller


def _write_text(form: Form, rows: Rows, text: TextIO, rows_limit: int | None) -> None:
    if form is Form.TABLE:
        _write_table(rows, text, rows_limit)
    elif form is Form.CSV:
        _write_csv(rows, text)
    else:
        _write_json(rows, text)


def heading_of(name: str, *, is_number: bool, is_text: bool) -> Heading:
    """The heading of a column; see `Heading` for what its values are."""
    return Heading(printable(name), is_number=is_number, is_text=is_text, is_whole=is_whole(name))


def headings_of(schema: pl.Schema) -> list[Heading]:
    """The headings of a table with these columns."""
    import polars as pl

    return [heading_of(name, is_number=kind.is_numeric(), is_text=kind == pl.String or kind.is_nested()) for name, kind in schema.items()]


def _write_table(rows: Rows, out: TextIO, rows_limit: int | None) -> None:
    if rows_limit is None:
        rows_limit = TERMINAL_ROWS if is_terminal(out) else 0
    shown: list[list[str]] = []
    height = 0
    for batch in rows.rows():
        height += len(batch)
        wanted = batch[: max(0, rows_limit - len(shown))] if rows_limit else batch
        shown += [[cell(value) for value in row] for row in wanted]
    headings = rows.headings()
    if height == 1 and not fits(headings, shown, width_of(out)):
        print_lines(lay_out_record(headings, shown[0]), out)
        return
    laid = print_table(headings, shown, out)
    out.flush()
    if height == 0:
        note("no rows")
    if len(shown) < height:
        note(f"{len(shown):,} of {height:,} rows; --rows 0 shows them all")
    if laid.columns_left_out:
        note(f"{len(headings) - laid.columns_left_out} of {len(headings)} columns; name fewer in the query, or take --format csv or json")


def _write_csv(rows: Rows, out: TextIO) -> None:
    import polars as pl

    looked_at = is_terminal(out)
    if rows.names:
        _write_csv_text(pl.DataFrame(schema=dict.fromkeys(rows.names, pl.String)).write_csv(), out, looked_at=looked_at)
    for batch in rows.arrow():
        _write_csv_text(_flat(pl.DataFrame(batch)).write_csv(include_header=False), out, looked_at=looked_at)


def _write_csv_text(text: str, out: TextIO, *, looked_at: bool) -> None:
    # A terminal would execute control characters, which a file only stores.
    out.write("\n".join(printable(line) for line in text.split("\n")) if looked_at else text)


def _flat(batch: pl.DataFrame) -> pl.DataFrame:
    """The rows with text where CSV has no format: lists become JSON, and times with a zone become ISO 8601."""
    import polars as pl
    from polars import selectors

    nested = [name for name, kind in batch.schema.items() if kind.is_nested()]
    texts = [
        pl.Series(name, [None if value is None else json_text(value) for value in batch[name].to_list()], dtype=pl.String)
        for name in nested
    ]
    return batch.with_columns(texts).with_columns(selectors.datetime(time_zone="*").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f%:z"))


def _write_json(rows: Rows, out: TextIO) -> None:
    before = "[\n"
    for batch in rows.rows():
        for row in batch:
            out.write(before + json_text(dict(zip(rows.names, row, strict=True))))
            before = ",\n"
    out.write("[]\n" if before == "[\n" else "\n]\n")


def _write_parquet(rows: Rows, out: BinaryIO) -> None:
    import pyarrow.parquet as pq

    schema = rows.arrow_schema()
    with pq.ParquetWriter(cast("pa.NativeFile", out), schema, compression="zstd") as writer:
        for batch in rows.arrow():
            writer.write_batch(batch.cast(schema))
