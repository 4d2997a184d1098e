"""A DuckDB of one lake: its tables as views, and, for a query, everything else locked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from dicomlake.answers.sql.lake_files import PROTOCOL, LakeFile, LakeFiles
from dicomlake.answers.sql.views import TableView, view_of
from dicomlake.errors import DicomlakeError, QueryError, UsageError
from dicomlake.lake.read.snapshot_view import SnapshotView

MEMORY_LIMIT = "50%"
"""The part of the machine's memory that a query may take. It writes nothing to disk, so a query that needs more is refused."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPENING: dict[str, str | bool | int | float | list[str]] = {
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}
_SETTINGS = ("set global TimeZone = 'UTC'", "set global parquet_metadata_cache = true")
_LOCKS = (
    "set enable_external_access = false",
    "set disabled_filesystems = 'LocalFileSystem'",
    "set lock_configuration = true",
)


@dataclass
class Session:
    """An open DuckDB with the views of a lake.

    Attributes:
        connection: the connection.
        files: the files that it may read.
        columns: the names of the columns of each view.
        frames: the frames that were given, by name.
    """

    connection: duckdb.DuckDBPyConnection
    files: LakeFiles
    columns: dict[str, list[str]] = field(default_factory=dict)
    frames: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """The names of all tables and columns."""
        return {*self.columns, *(name for columns in self.columns.values() for name in columns)}

    def trouble(self, error: duckdb.Error, lake: SnapshotView) -> DicomlakeError | None:
        """The error of a query that failed though it is right: the lake can't be read, or there is not enough memory. Else None."""
        if self.files.had_trouble or isinstance(error, duckdb.IOException):
            return self.files.trouble_of(lake.location.url)
        if isinstance(error, duckdb.OutOfMemoryException):
            limit = self.connection.execute("select current_setting('memory_limit')").fetchone()
            return QueryError(
                f"the query needs more than {limit[0] if limit else MEMORY_LIMIT} of memory; "
                "ask for fewer rows or columns, or sort and group by less"
            )
        return None

    def another_connection(self) -> duckdb.DuckDBPyConnection:
        """A connection to the same DuckDB, so that an answer can be read several times at once."""
        connection = self.connection.cursor()
        for name, frame in self.frames.items():
            connection.register(name, frame)
        return connection

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def open_unlocked(lake: SnapshotView, tables: Iterable[str], frames: Mapping[str, Any]) -> Session:
    """Open a DuckDB that sees some tables of a lake and some frames. It must be locked before it runs a query.

    Raises:
        UsageError: a frame has the name of a table, or one that is not a word.
        LakeDamaged: a table can't be read.
    """
    session = _opened(lake, tables, duckdb.connect(config={"memory_limit": MEMORY_LIMIT, **_OPENING}))
    for name, frame in frames.items():
        _register(session, lake, name, frame)
    return session


def lock(session: Session) -> None:
    """Let a DuckDB read its views and nothing else, and write nothing. It can't be unlocked."""
    allowed = [f"{PROTOCOL}://{name}" for name in session.files.names]
    session.connection.execute("set allowed_paths = ?", [allowed])
    for statement in _LOCKS:
        session.connection.execute(statement)


def open_free(lake: SnapshotView) -> Session:
    """Open a whole DuckDB, with nothing locked, that sees every table of a lake. The lake's files can't be written through their views.

    Raises:
        LakeDamaged: a table can't be read.
    """
    return _opened(lake, lake.tables, duckdb.connect())


def check_name(name: str, session: Session, lake: SnapshotView, of: str) -> None:
    """Refuse a name that a query could not write, or that a table has.

    Raises:
        UsageError: it is such a name.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' can't be the name of {of}; use letters, digits and _, a letter first")
    if name.casefold() in {table.casefold() for table in (*lake.tables, *session.columns)}:
        raise UsageError(f"'{name}' can't be the name of {of}: a table has it; choose another name")


def _opened(lake: SnapshotView, tables: Iterable[str], connection: duckdb.DuckDBPyConnection) -> Session:
    views = [view_of(lake, name) for name in tables]
    known: dict[str, LakeFile] = {name: file for view in views for name, file in view.files.items()}
    session = Session(connection, LakeFiles(known))
    connection.register_filesystem(session.files)
    for setting in _SETTINGS:
        connection.execute(setting)
    for view in views:
        _create(session, lake, view)
    return session


def _create(session: Session, lake: SnapshotView, view: TableView) -> None:
    try:
        view.create(session.connection)
    except duckdb.Error as error:
        raise session.files.trouble_of(lake.location.url, view.name) from error
    session.columns[view.name] = list(view.types)


def _register(session: Session, lake: SnapshotView, name: str, frame: Any) -> None:  # noqa: ANN401 - polars, pandas or Arrow
    check_name(name, session, lake, "a frame")
    try:
        session.connection.register(name, frame)
        columns = session.connection.execute(f"describe {name}").fetchall()
    except duckdb.Error:
        raise UsageError(f"'{name}' is a {type(frame).__name__}, which SQL can't read; give a polars, pandas or Arrow frame") from None
    session.columns[name] = [row[0] for row in columns]
    session.frames[name] = frame
