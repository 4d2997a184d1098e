"""The answer to a query: columns with types, and rows in batches, so that memory is bounded however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from dicomlake.answers.questions import sql_of
from dicomlake.answers.sql.given_files import add_file
from dicomlake.answers.sql.messages import failed, refused
from dicomlake.answers.sql.session import Session, lock, open_unlocked
from dicomlake.answers.sql.statement import question_of, tables_named, with_fitting_types
from dicomlake.answers.sql.views import identifier
from dicomlake.errors import DicomlakeError
from dicomlake.lake.read.snapshot_view import SnapshotView

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 4_096
_ARROW_ROWS = 32_768
"""Also the rows of a row group, where an answer is written as Parquet."""
_INTERRUPTED = "Query interrupted"


@dataclass(frozen=True)
class Answer:
    """A query that is ready to run. It runs anew each time when its rows are asked for.

    Attributes:
        names: the names of the columns.
        types: their types in DuckDB's words.
    """

    names: Sequence[str]
    types: Sequence[str]
    _text: str
    _session: Session
    _lake: SnapshotView

    def rows(self) -> Iterator[list[tuple[Any, ...]]]:
        """Run the query, and yield the rows in batches.

        Raises:
            QueryError: it fails on a value, or needs too much memory.
            LakeDamaged: a part file can't be read.
        """
        with self._running() as connection:
            result = connection.execute(self._text)
            while batch := result.fetchmany(_ROWS_AT_ONCE):
                yield batch

    def arrow(self, columns: Sequence[str] | None = None, rows_limit: int | None = None) -> Iterator[pa.RecordBatch]:
        """Run the query, and yield the rows as Arrow: some columns or all, and so many rows or all.

        Raises:
            QueryError, LakeDamaged: as ``rows``.
        """
        text = self._text
        if columns is not None:
            text = f"select {', '.join(map(identifier, columns)) or 'null'} from ({text})"
        if rows_limit is not None:
            text = f"{text} limit {rows_limit}" if columns is not None else f"select * from ({text}) limit {rows_limit}"
        with self._running() as connection:
            yield from connection.sql(text).to_arrow_reader(_ARROW_ROWS)

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of the rows."""
        schema: pa.Schema = self._session.connection.sql(f"select * from ({self._text}) limit 0").to_arrow_table().schema
        return schema

    def close(self) -> None:
        """Close the DuckDB of this answer."""
        self._session.close()

    @contextmanager
    def _running(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self._session.another_connection()
        try:
            yield connection
        except duckdb.InterruptException:
            raise KeyboardInterrupt from None
        except RuntimeError as error:
            if str(error) == _INTERRUPTED:  # by a signal, of which DuckDB makes this
                raise KeyboardInterrupt from None
            raise
        except duckdb.Error as error:
            raise (self._session.trouble(error, self._lake) or failed(error)) from None
        finally:
            connection.close()


def ask(lake: SnapshotView, query: str, frames: Mapping[str, Any] | None = None, files: Mapping[str, str] | None = None) -> Answer:
    """Prepare a query over the tables of a lake. Errors in the query come now, errors in the data when rows are asked for.

    Args:
        lake: the lake at a snapshot.
        query: one question in DuckDB's SQL, or a ready one by its name: ``@ct_index``.
        frames: further tables by name: polars, pandas or Arrow.
        files: further tables by name: paths of local files, CSV, Parquet or JSON.

    Raises:
        QueryError: the query can't be parsed, names a table or column that is not there, or is not one question.
        UsageError: a frame or a file can't be used, or no ready question has the name.
        LakeDamaged: a table can't be read.
    """
    query = sql_of(query)
    given = (frames or {}, files or {})
    named = tables_named(query, lake.tables)
    try:
        return _prepared(lake, query, named, *given)
    except _Unknown as error:
        if len(named) == len(lake.tables):
            raise error.told from None
    # A table may have been asked for without its name, and every table is needed to suggest a name.
    try:
        return _prepared(lake, query, lake.tables, *given)
    except _Unknown as error:
        raise error.told from None


class _Unknown(Exception):
    """A name is unknown to the tables that were opened."""

    def __init__(self, told: DicomlakeError) -> None:
        super().__init__(str(told))
        self.told = told


def _prepared(lake: SnapshotView, query: str, tables: Sequence[str], frames: Mapping[str, Any], files: Mapping[str, str]) -> Answer:
    session = open_unlocked(lake, tables, frames)
    try:
        for name, path in files.items():
            add_file(session, lake, name, path)
        lock(session)
        question = question_of(session.connection, query)
        relation = session.connection.sql(f"select * from {question}")
        text, names, types = with_fitting_types(question, relation.columns, relation.types)
    except duckdb.Error as error:
        told = session.trouble(error, lake) or refused(error, query, session.names)
        session.close()
        raise (_Unknown(told) if isinstance(error, duckdb.CatalogException) else told) from None
    except BaseException:
        session.close()
        raise
    return Answer(names, types, text, session, lake)
