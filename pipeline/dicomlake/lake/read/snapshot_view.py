"""The tables as one finished run left them, as polars frames and as part files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from deltalake.exceptions import TableNotFoundError

from dicomlake.errors import LakeDamaged, NotALake, QueryError
from dicomlake.lake.log.delta import damaged, delta_types, sentence_of
from dicomlake.lake.log.table_cache import TableCache
from dicomlake.parts.location import Location
from dicomlake.parts.part import PartFile
from dicomlake.schema import LakeSchema, table_names

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


class SnapshotView:
    """The tables of a lake, pinned to one finished run; see ``dicomlake.Lake``, which answers questions about them."""

    def __init__(
        self, url: str | os.PathLike[str], storage_options: Mapping[str, Any] | None = None, *, snapshot: int | None = None
    ) -> None:
        self.location = Location.of(url, storage_options)
        self._cache = TableCache(self.location)
        self._versions: dict[str, int] = {}
        numbers = self._finished_runs()
        if not numbers:
            raise NotALake(f"{self.location.url} has no finished run; run 'dicomlake index SOURCE --lake {self.location.url}'")
        if snapshot is not None and snapshot not in numbers:
            url = self.location.url
            raise NotALake(f"{url} has no snapshot {snapshot}, or no longer; 'dicomlake info {url} --snapshots' lists those it has")
        chosen = max(numbers) if snapshot is None else snapshot
        self._row: dict[str, Any] = self._run(chosen)
        self._is_last = chosen == max(numbers)
        self._versions = json.loads(self._row["table_versions"])

    @property
    def snapshot(self) -> int:
        """The number of the run that this object shows."""
        return int(self._row["snapshot"])

    @property
    def summary(self) -> dict[str, Any]:
        """The counts of that run, as ``index --json`` printed them."""
        summary: dict[str, Any] = json.loads(self._row["summary"])
        return summary

    @property
    def table_versions(self) -> dict[str, int]:
        """The Delta version of each table that this object shows."""
        return dict(self._versions)

    @property
    def row(self) -> dict[str, Any]:
        """That run's row of `snapshots`."""
        return dict(self._row)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables: those that this version of dicomlake knows, and others that the snapshot pins."""
        known = table_names()
        return (*known, *sorted(self._versions.keys() - set(known)))

    def table(self, name: str) -> pl.LazyFrame:
        """A table by its name; one that the lake did not have yet is empty.

        Raises:
            QueryError: there is no such table.
            LakeDamaged: the table can't be read.
        """
        if name not in self.tables:
            raise QueryError(f"there is no table '{name}'; the tables are {', '.join(self.tables)}")
        if name == "snapshots":
            rows = self._snapshots()
            return rows.filter(rows["snapshot"] <= self.snapshot).sort("snapshot").lazy()
        if name not in self._versions:
            import polars as pl  # noqa: PLC0415 - SQL reads the part files without it

            return pl.DataFrame(self.schema(name).empty_table()).lazy()
        with self._whole(name):
            return self._cache.scan(name, self._versions[name])

    def __getattr__(self, name: str) -> pl.LazyFrame:
        """Every table is an attribute, as in ``lake.instances``."""
        if name.startswith("_") or name not in self.tables:
            raise AttributeError(f"{type(self).__name__} has no attribute and no table '{name}'")
        return self.table(name)

    def __dir__(self) -> list[str]:
        """The tables are named too."""
        return sorted({*super().__dir__(), *self.tables})

    def schema(self, name: str) -> pa.Schema:
        """The Arrow schema of a table, with tag, VR, VM, description and units in the metadata of its fields."""
        import pyarrow as pa  # noqa: PLC0415 - likewise

        if name not in self._versions and name in table_names():
            try:
                return pa.schema(self._cache.delta(name, None).schema().to_arrow())
            except TableNotFoundError:
                return LakeSchema.build().table(name)
        with self._whole(name):
            return pa.schema(self._cache.delta(name, self._version_of(name)).schema().to_arrow())

    def parts(self, name: str) -> list[PartFile]:
        """The part files of a table."""
        if name not in self._versions and name in table_names() and name != "snapshots":
            return []
        with self._whole(name):
            return list(self._cache.parts(name, self._version_of(name)).values())

    def whole_parts(self, name: str) -> list[PartFile]:
        """The part files of a table. Those of a lake in a folder were looked at: each has the size that the log says.

        Raises:
            LakeDamaged: a part file is gone or was cut, or the log can't be read.
        """
        parts = self.parts(name)
        with self._whole(name):
            self._cache.check_sizes(parts)
        return parts

    def partition_column(self, name: str) -> str | None:
        """The column that partitions a table; None where none does, and where the lake did not have the table yet."""
        if name not in self._versions and name != "snapshots":
            return None
        with self._whole(name):
            return next(iter(self._cache.delta(name, self._version_of(name)).metadata().partition_columns), None)

    def column_types(self, name: str) -> dict[str, str]:
        """The type of each column of a table in Delta's words, such as ``string`` or ``array<double>``, in the order of the columns."""
        if name not in self._versions and name != "snapshots":
            return delta_types(self.schema(name))
        with self._whole(name):
            return delta_types(self._cache.delta(name, self._version_of(name)).schema())

    def _version_of(self, name: str) -> int | None:
        """The version of a table that this object shows; None for the one that the table has now."""
        return self._versions.get(name)

    def read_parts(self, name: str, parts: Iterable[PartFile], columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """The rows of some part files of a table, each by itself.

        Raises:
            LakeDamaged: a part file is not there or can't be read.
        """
        from dicomlake.parts.read import read_part  # noqa: PLC0415 - likewise

        for part in parts:
            with self._whole(name):
                partition_by = next(iter(self._cache.delta(name, self._version_of(name)).metadata().partition_columns), None)
                yield read_part(self.location, part, columns, partition_by=partition_by)

    @contextmanager
    def _whole(self, name: str) -> Iterator[None]:
        """An earlier snapshot may have lost a part file that the lake does not need: `verify` looks at the last one."""
        try:
            with self._there(name):
                yield
        except LakeDamaged as error:
            if self._is_last:
                raise
            raise LakeDamaged(
                f"snapshot {self.snapshot} is no longer whole, as a foreign vacuum or a log that was cleaned leave it: {error}"
            ) from error

    @contextmanager
    def _there(self, name: str) -> Iterator[None]:
        """A table that a snapshot pins is there, or the lake is damaged."""
        try:
            yield
        except TableNotFoundError:
            if name in self._versions:
                raise damaged(self.location, name, "it is gone") from None
            raise NotALake(f"{self.location.url} has no table '{name}'") from None

    def _finished_runs(self) -> list[int]:
        """The numbers of the runs that can be gone back to."""
        return [int(number) for number in self._snapshots()["snapshot"]]

    def _run(self, number: int) -> dict[str, Any]:
        """The row of a finished run in `snapshots`."""
        rows = self._snapshots()
        return rows.filter(rows["snapshot"] == number).row(-1, named=True)

    def _snapshots(self) -> pl.DataFrame:
        import polars as pl  # noqa: PLC0415 - likewise

        with self._snapshots_there():
            try:
                # A run without table versions can't be gone back to any more; its row is for those who read the table itself.
                return self._cache.scan("snapshots", None).filter(pl.col("table_versions").is_not_null()).collect()
            except (OSError, pl.exceptions.PolarsError) as error:
                raise damaged(self.location, "snapshots", sentence_of(error)) from None

    @contextmanager
    def _snapshots_there(self) -> Iterator[None]:
        """Without `snapshots` it is not a lake, or a damaged one."""
        try:
            yield
        except TableNotFoundError:
            url = self.location.url
            if self._has_files():
                raise damaged(self.location, "snapshots", "it is gone") from None
            raise NotALake(f"{url} is not a lake; run 'dicomlake index SOURCE --lake {url}' to make one") from None

    def _has_files(self) -> bool:
        try:
            return bool(self._cache.parts("files", None))
        except TableNotFoundError:
            return False
