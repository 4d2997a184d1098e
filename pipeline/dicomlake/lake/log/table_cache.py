"""The tables that a reader has opened: each log is read once, and polars scans the part files."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from deltalake import DeltaTable

from dicomlake.lake.log.delta import active_parts, damaged, delta_options, open_delta, sentence_of
from dicomlake.parts.location import Location
from dicomlake.parts.part import PartFile

if TYPE_CHECKING:
    import polars as pl


class TableCache:
    """Opens tables, and keeps open what can't change: a version of a table is what it was."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._kept: dict[tuple[str, int], tuple[DeltaTable, dict[str, PartFile]]] = {}

    def delta(self, name: str, version: int | None) -> DeltaTable:
        """A table at a version; where None, as it is now.

        Raises:
            TableNotFoundError: there is no such table (deltalake's own; the caller knows whether there should be).
            LakeDamaged: its log can't be read.
        """
        return self._open(name, version)[0]

    def last_version(self, name: str) -> int:
        """The version that a table has now; it is kept open.

        Raises:
            TableNotFoundError, LakeDamaged: as ``delta``.
        """
        delta, parts = self._open(name, None)
        self._kept[name, delta.version()] = delta, parts
        return delta.version()

    def parts(self, name: str, version: int | None) -> dict[str, PartFile]:
        """The part files of a table, by path.

        Raises:
            TableNotFoundError, LakeDamaged: as ``delta``.
        """
        return dict(self._open(name, version)[1])

    def scan(self, name: str, version: int | None) -> pl.LazyFrame:
        """A table as a lazy frame.

        Raises:
            TableNotFoundError, LakeDamaged: as ``delta``; and where a part file is gone or was cut.
        """
        import polars as pl  # noqa: PLC0415 - SQL reads the part files without it

        location = self._location
        delta, parts = self._open(name, version)
        if not location.is_local:
            # By its url, so that polars finds credentials in its own way.
            return pl.scan_delta(f"{location.url}/{name}", version=delta.version(), storage_options=delta_options(location))
        self.check_sizes(parts.values())
        try:
            if quote(location.url) == location.url:
                # The version is for a frame that is pickled: where it arrives the table is opened again.
                return pl.scan_delta(delta, version=delta.version())
            return self._scan_parts(delta, list(parts.values()))
        except Exception as error:  # noqa: BLE001 - what a damaged table raises is of many kinds
            raise damaged(location, name, sentence_of(error)) from None

    def _open(self, name: str, version: int | None) -> tuple[DeltaTable, dict[str, PartFile]]:
        if version is not None and (kept := self._kept.get((name, version))):
            return kept
        delta = open_delta(self._location, name, version)
        opened = delta, active_parts(delta, name)
        if version is not None:
            self._kept[name, version] = opened
        return opened

    def check_sizes(self, parts: Iterable[PartFile]) -> None:
        """Look at part files in a local folder. Polars answers one that was cut with a panic, so it is not asked.

        Raises:
            LakeDamaged: a part file is gone or was cut.
        """
        if self._location.is_local:
            for part in parts:
                self._check_size(part)

    def _check_size(self, part: PartFile) -> None:
        """Polars answers a part file that was cut with a panic, and is late to say that one may not be read: so it is not asked."""
        try:
            path = self._location.join(part.table, *part.path.split("/"))
            size = os.stat(path).st_size
            if not os.access(path, os.R_OK, effective_ids=True):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        except OSError as error:
            raise damaged(self._location, part.table, f"part file {part.path}: {error.strerror}") from None
        if size != part.size:
            raise damaged(self._location, part.table, f"part file {part.path} has {size:,} bytes, not {part.size:,}")

    def _scan_parts(self, delta: DeltaTable, parts: list[PartFile]) -> pl.LazyFrame:
        """Scan the part files themselves, where quoting changes the lake's path: below the quoted one polars finds no files."""
        import polars as pl  # noqa: PLC0415 - likewise
        import pyarrow as pa  # noqa: PLC0415

        schema = pa.schema(delta.schema().to_arrow())
        empty = pl.DataFrame(schema.empty_table())
        partition_columns = delta.metadata().partition_columns
        inside = {column: dtype for column, dtype in empty.schema.items() if column not in partition_columns}
        paths: dict[str | None, list[str]] = {}
        for part in parts:
            paths.setdefault(part.partition, []).append(self._location.join(part.table, *part.path.split("/")))
        frames = [
            pl.scan_parquet(files, glob=False, hive_partitioning=False, schema=inside, missing_columns="insert").with_columns(
                pl.lit(value, dtype=pl.String).alias(column) for column in partition_columns
            )
            for value, files in paths.items()
        ]
        return pl.concat([empty.lazy(), *(frame.select(schema.names) for frame in frames)])

    def __getstate__(self) -> dict[str, Any]:
        """An open table stays in its process."""
        return {"_location": self._location, "_kept": {}}
