"""A lake at a snapshot, opened by DuckDB: a query from the shell imports neither polars nor pyarrow."""

from __future__ import annotations

from typing import Any

import duckdb

from dicomlake.answers.sql.lake_files import LakeFiles
from dicomlake.answers.sql.views import table_view
from dicomlake.lake.read.snapshot_view import SnapshotView


class PinnedLake(SnapshotView):
    """The tables of a lake for SQL alone; arguments and errors are those of ``dicomlake.Lake``."""

    def _finished_runs(self) -> list[int]:
        return list(self._rows)

    def _run(self, number: int) -> dict[str, Any]:
        return self._rows[number]

    @property
    def _rows(self) -> dict[int, dict[str, Any]]:
        """The rows of `snapshots` of runs that can be gone back to, by their numbers."""
        if "_read_rows" not in vars(self):
            with self._snapshots_there():
                vars(self)["_read_rows"] = self._read_snapshots()
        rows: dict[int, dict[str, Any]] = vars(self)["_read_rows"]
        return rows

    def _version_of(self, name: str) -> int | None:
        """Of `snapshots` the version whose rows were read: its log is read once."""
        return vars(self).get("_snapshots_version") if name == "snapshots" else super()._version_of(name)

    def _read_snapshots(self) -> dict[int, dict[str, Any]]:
        vars(self)["_snapshots_version"] = self._cache.last_version("snapshots")
        view = table_view(self, "snapshots", "where table_versions is not null")
        files = LakeFiles(view.files)
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.register_filesystem(files)
            try:
                view.create(connection)
                found = connection.execute("select * from snapshots order by snapshot")
                names = [column[0] for column in found.description]
                rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
            except duckdb.Error as error:
                raise files.trouble_of(self.location.url, "snapshots") from error
        return {int(row["snapshot"]): row for row in rows}
