"""The files of the user that a query sees as tables: ``--with NAME=FILE``.

CSV and JSON are read once, before the query is. Columns of a CSV file are text: numbers of patients and orders keep their zeros. A Parquet
file is read as the query needs it.
"""

from __future__ import annotations

import os
import re

import duckdb

from dicomlake.answers.sql.lake_files import PROTOCOL, LakeFile
from dicomlake.answers.sql.session import Session, check_name
from dicomlake.answers.sql.views import identifier, literal
from dicomlake.errors import UsageError
from dicomlake.lake.read.snapshot_view import SnapshotView
from dicomlake.parts.location import Location

_READERS = {
    ".csv": "read_csv({path}, header = true, all_varchar = true)",
    ".json": "read_json({path})",
    ".jsonl": "read_json({path})",
    ".ndjson": "read_json({path})",
}
_PATTERN = re.compile(r"([*?\[\]])")


def add_file(session: Session, lake: SnapshotView, name: str, path: str) -> None:
    """Make a table of a file; the session is not locked yet.

    Args:
        session: an open DuckDB.
        lake: the lake, whose tables keep their names.
        name: the name of the table.
        path: a local file; its suffix is its format.

    Raises:
        UsageError: the name is taken or is not a word, or the file can't be read.
    """
    check_name(name, session, lake, "a file")
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in _READERS and suffix != ".parquet":
        raise UsageError(f"{path} can't be '{name}': a file is .csv, .parquet, .json or .jsonl")
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}; check NAME=FILE of --with") from None
    try:
        if suffix == ".parquet":
            file_name = f"with/{name}.parquet"
            session.files.add(file_name, LakeFile(Location.of(os.getcwd()), os.path.abspath(path), size))
            source = f"read_parquet({literal(f'{PROTOCOL}://{file_name}')}, hive_partitioning = false)"
            session.connection.execute(f"create view {identifier(name)} as select * from {source}")
        else:
            source = _READERS[suffix].format(path=literal(_PATTERN.sub(r"[\1]", os.path.abspath(path))))
            session.connection.execute(f"create table {identifier(name)} as select * from {source}")
        columns = session.connection.execute(f"describe {identifier(name)}").fetchall()
    except duckdb.Error as error:
        # DuckDB's message quotes lines of the file.
        raise UsageError(f"{path} can't be read as {suffix[1:].upper()}; check the file") from error
    session.columns[name] = [row[0] for row in columns]
