"""The answer to a query as a lazy frame of polars. The query runs when the frame is collected."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from polars.io.plugins import register_io_source

from dicomlake.answers.sql.answer import Answer


def lazy_frame(answer: Answer) -> pl.LazyFrame:
    """A lazy frame of an answer: DuckDB leaves out columns and rows that nobody collects."""

    def batches(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        for batch in answer.arrow(with_columns, n_rows):
            frame = pl.DataFrame(batch)
            yield frame if predicate is None else frame.filter(predicate)

    return register_io_source(batches, schema=_schema(answer), is_pure=False)


def _schema(answer: Answer) -> pl.Schema:
    return pl.DataFrame(answer.arrow_schema().empty_table()).schema
