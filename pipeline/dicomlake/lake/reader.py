"""A lake as its readers see it: the tables as the last finished run left them, as polars frames."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake.exceptions import TableNotFoundError

from dicomlake.errors import LakeDamaged, NotALake, QueryError
from dicomlake.lake.diff import LakeDiff, diff, last_index
from dicomlake.lake.log import damaged, sentence_of
from dicomlake.lake.opened import OpenedTables
from dicomlake.parts import Location, PartFile, read_part
from dicomlake.schema import TABLE_NAMES

_CHANGES = re.compile(r"\s*(drop|create|delete|truncate|insert|update|alter|copy)\b", re.IGNORECASE)
_READS_FILES = re.compile(r"\b((?:read|scan)_\w+)\s*\(", re.IGNORECASE)


class Lake:
    """The tables of a lake, pinned to one finished run (the last, unless ``at`` says otherwise).

    Args:
        url: the lake's folder or url.
        storage_options: options of the store, for a lake that is no local folder.
        snapshot: the number of a finished run; the last one where None.

    Raises:
        NotALake: there is no lake, or it has no such snapshot.
    """

    def __init__(
        self, url: str | os.PathLike[str], storage_options: Mapping[str, Any] | None = None, *, snapshot: int | None = None
    ) -> None:
        self.location = Location.of(url, storage_options)
        self._opened = OpenedTables(self.location)
        self._versions: dict[str, int] = {}
        snapshots = self._snapshots().sort("snapshot")
        if snapshots.height == 0:
            raise NotALake(f"{self.location.url} has no finished run; run 'dicomlake index SOURCE --lake {self.location.url}'")
        chosen = snapshots if snapshot is None else snapshots.filter(pl.col("snapshot") == snapshot)
        if chosen.height == 0:
            url = self.location.url
            raise NotALake(f"{url} has no snapshot {snapshot}, or no longer; 'dicomlake info {url} --snapshots' lists those it has")
        self._row: dict[str, Any] = chosen.row(-1, named=True)
        self._is_last = self.snapshot == snapshots["snapshot"][-1]
        self._versions = json.loads(self._row["table_versions"])

    def at(self, snapshot: int) -> Lake:
        """The lake as an earlier finished run left it.

        Raises:
            NotALake: there is no such snapshot.
        """
        return Lake(self.location.url, self.location.storage_options, snapshot=snapshot)

    def diff(self, before: int | None = None) -> LakeDiff:
        """What came, went and changed since an earlier snapshot, by patient, study and series.

        ``lake.diff()`` is what the last `index` brought, ``lake.at(7).diff(3)`` what the runs 4 to 7 did.

        Args:
            before: the number of the earlier snapshot; where None, the last `index` is held against the snapshot before it.

        Raises:
            NotALake: there is no such snapshot.
            UsageError: ``before`` is later than the snapshot that this object shows.
            LakeDamaged: one of the two can't be read, any more perhaps.
        """
        if before is not None:
            return diff(self.at(before), self)
        earlier, later = last_index(self)
        return diff(self.at(earlier), self.at(later))

    @property
    def snapshot(self) -> int:
        """The number of the run that this object shows."""
        return int(self._row["snapshot"])

    @property
    def summary(self) -> dict[str, Any]:
        """What that run counted, as ``index --json`` printed it."""
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
    def files(self) -> pl.LazyFrame:
        """Every file ever listed, a row each."""
        return self.table("files")

    @property
    def instances(self) -> pl.LazyFrame:
        """SOP Instances, a row each."""
        return self.table("instances")

    @property
    def series(self) -> pl.LazyFrame:
        """Series, a row each."""
        return self.table("series")

    @property
    def studies(self) -> pl.LazyFrame:
        """Studies, a row each."""
        return self.table("studies")

    @property
    def patients(self) -> pl.LazyFrame:
        """Patients, a row each."""
        return self.table("patients")

    @property
    def findings(self) -> pl.LazyFrame:
        """Defects of values, files and entities, a row each."""
        return self.table("findings")

    @property
    def snapshots(self) -> pl.LazyFrame:
        """Finished runs up to this one that are still kept, a row each."""
        return self._snapshots().filter(pl.col("snapshot") <= self.snapshot).sort("snapshot").lazy()

    def table(self, name: str) -> pl.LazyFrame:
        """A table by its name.

        Raises:
            QueryError: there is no such table.
            LakeDamaged: the table can't be read.
        """
        if name == "snapshots":
            return self.snapshots
        version = self._versions.get(name)
        if version is None:
            raise QueryError(f"there is no table '{name}'; the tables are {', '.join(TABLE_NAMES)}")
        with self._whole(name):
            return self._opened.scan(name, version)

    def schema(self, name: str) -> pa.Schema:
        """The Arrow schema of a table, with tag, VR, VM, description and units in the metadata of its fields."""
        with self._whole(name):
            return pa.schema(self._opened.delta(name, self._versions.get(name)).schema().to_arrow())

    def parts(self, name: str) -> list[PartFile]:
        """The part files of a table."""
        with self._whole(name):
            return list(self._opened.parts(name, self._versions.get(name)).values())

    def read_parts(self, name: str, parts: Iterable[PartFile], columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """The rows of some part files of a table, each by itself.

        Raises:
            LakeDamaged: a part file is not there or can't be read.
        """
        with self._whole(name):
            partition_by = next(iter(self._opened.delta(name, self._versions.get(name)).metadata().partition_columns), None)
            for part in parts:
                yield read_part(self.location, part, columns, partition_by=partition_by)

    def sql(self, query: str) -> pl.LazyFrame:
        """Run SQL over the tables: a lazy frame, so that errors in the data come when it is collected.

        Nothing but the lake's tables is read: SQL functions that open files are refused.

        Raises:
            QueryError: the query can't be parsed, names what is not there, or is no question.
            LakeDamaged: a table can't be read.
        """
        if refused := _CHANGES.match(query) or _READS_FILES.search(query):
            raise QueryError(
                f"the query can't be run: '{refused[1].lower()}' is refused; a query asks (select …) about the lake's own tables"
            )
        names = [name for name in TABLE_NAMES if name in self._versions or name == "snapshots"]
        lowered = query.lower()
        frames = {name: self.table(name) for name in names if name in lowered}
        try:
            result = pl.SQLContext(frames=frames, eager=False).execute(query)
            result.collect_schema()
        except pl.exceptions.PolarsError as error:
            raise QueryError(f"the query can't be run: {sentence_of(error)}; 'dicomlake schema' lists tables and columns") from None
        except Exception as error:  # noqa: BLE001 - the SQL parser raises what it likes
            raise QueryError(f"the query can't be run: {sentence_of(error)}") from None
        return result

    @contextmanager
    def _whole(self, name: str) -> Iterator[None]:
        """What is gone from an earlier snapshot need not be gone from the lake: `verify` looks at the last one."""
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

    def _snapshots(self) -> pl.DataFrame:
        url = self.location.url
        try:
            # A run without table versions can't be gone back to any more; its row is for those who read the table itself.
            return self._opened.scan("snapshots", None).filter(pl.col("table_versions").is_not_null()).collect()
        except TableNotFoundError:
            if self._has_files():
                raise damaged(self.location, "snapshots", "it is gone") from None
            raise NotALake(f"{url} is no lake; run 'dicomlake index SOURCE --lake {url}' to make one") from None
        except (OSError, pl.exceptions.PolarsError) as error:
            raise damaged(self.location, "snapshots", sentence_of(error)) from None

    def _has_files(self) -> bool:
        try:
            return bool(self._opened.parts("files", None))
        except TableNotFoundError:
            return False
