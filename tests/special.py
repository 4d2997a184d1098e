"""Lakes of synthetic archives, and what the study of a kind has in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dicomlake import Lake
from dicomlake.lake import verify
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, run_index
from dicomlake.runner import SerialRunner


def lake_of(archive: Path, folder: Path) -> Lake:
    """A lake of an archive, made in a folder and verified."""
    run_index(IndexRequest((str(archive),), Location.of(folder)), SerialRunner)
    assert verify(Location.of(folder)).defects == []
    return Lake(folder)


def ask(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    """The rows that a query gives."""
    return lake.sql(sql).collect().rows()


def rows_of(lake: Lake, table: str, kind: str, columns: str, order: str) -> list[tuple[Any, ...]]:
    """Columns of the rows of a table that the special study of a kind has."""
    study = f"select study_key from studies where StudyDescription = 'Special {kind}'"  # noqa: S608 - the words are the tests' own
    return ask(lake, f"select {columns} from {table} where study_key = ({study}) order by {order}")  # noqa: S608 - likewise
