"""The views of a lake's tables: statements of SQL that read the part files which a snapshot pins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import duckdb

from dicomlake.answers.sql.lake_files import PROTOCOL, LakeFile
from dicomlake.lake.read.snapshot_view import SnapshotView
from dicomlake.parts.part import PartFile

_TYPES = {
    "string": "VARCHAR",
    "integer": "INTEGER",
    "long": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
}
"""DuckDB's types by Delta's names of them."""
_NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"
_RAW = "dicomlake_part_files"


@dataclass(frozen=True)
class TableView:
    """A table of a lake for DuckDB.

    Attributes:
        name: the table.
        types: DuckDB's type of each column, in the order of the columns.
        files: its part files by the names that DuckDB knows.
        partition_by: the column whose value stands in these names; None where none does.
        condition: the rows that belong to the snapshot, and their order; empty for all.
    """

    name: str
    types: Mapping[str, str]
    files: Mapping[str, LakeFile]
    partition_by: str | None
    condition: str = ""

    def create(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the view.

        Raises:
            duckdb.Error: a part file can't be read.
        """
        if not self.files:
            connection.execute(f"create view {identifier(self.name)} as select {self._columns(())} where false")
            return
        try:
            connection.execute(self._statement(self.types))
        except duckdb.BinderException:
            # A column was added after these part files were written, so no file has it.
            present = [row[0] for row in connection.execute(f"describe select * from {self._scan()}").fetchall()]
            connection.execute(self._statement(present))

    def _statement(self, present: Mapping[str, str] | list[str]) -> str:
        return f"create view {identifier(self.name)} as select {self._columns(present)} from {self._scan()} {self.condition}"

    def _columns(self, present: Mapping[str, str] | list[str] | tuple[()]) -> str:
        known = {name.casefold() for name in present}
        return ", ".join(
            f"{identifier(name) if name.casefold() in known else 'null'}::{kind} as {identifier(name)}" for name, kind in self.types.items()
        )

    def _scan(self) -> str:
        files = ", ".join(literal(f"{PROTOCOL}://{name}") for name in self.files)
        partition = "hive_partitioning = false"
        if self.partition_by is not None:
            partition = f"hive_partitioning = true, hive_types = {{{literal(self.partition_by)}: 'VARCHAR'}}"
        return f"read_parquet([{files}], union_by_name = true, {partition})"


def view_of(lake: SnapshotView, name: str) -> TableView:
    """The view of a table, with the rows that belong to the snapshot.

    Raises:
        LakeDamaged: the table can't be read.
    """
    if name != "snapshots":
        return table_view(lake, name)
    return table_view(lake, name, f"where table_versions is not null and snapshot <= {lake.snapshot} order by snapshot")


def table_view(lake: SnapshotView, name: str, condition: str = "") -> TableView:
    """The view of a table, with the rows that a condition leaves.

    Raises:
        LakeDamaged: the table can't be read.
    """
    parts = lake.whole_parts(name)
    partition_by = lake.partition_column(name)
    types = {column: duckdb_type(kind) for column, kind in lake.column_types(name).items()}
    files = dict(_named(lake, part, number, partition_by) for number, part in enumerate(parts))
    return TableView(name, types, files, partition_by, condition)


def duckdb_type(delta_type: str) -> str:
    """DuckDB's type for a type of Delta, such as ``array<string>``.

    Example:
        >>> duckdb_type("array<double>")
        'DOUBLE[]'
    """
    if delta_type.startswith("array<"):
        return f"{duckdb_type(delta_type[6:-1])}[]"
    return _TYPES[delta_type]


def identifier(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def _named(lake: SnapshotView, part: PartFile, number: int, partition_by: str | None) -> tuple[str, LakeFile]:
    """A part file by its name: the log knows the value of the partition column, and the name carries it."""
    folder = ""
    if partition_by is not None:
        value = _NULL_FOLDER if part.partition is None else quote(part.partition, safe="")
        folder = f"{quote(partition_by, safe='')}={value}/"
    path = lake.location.join(part.table, *part.path.split("/"))
    return f"{part.table}/{folder}{number}.parquet", LakeFile(lake.location, path, part.size)
