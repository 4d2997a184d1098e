"""The seam between what reads headers and everything else: an engine takes a unit of files and answers Arrow tables.

Nothing above this seam knows which engine ran. An engine opens files, reads no further than the pixel data, types values, and
answers for every file that it was given, in the order given; it raises for its own bugs only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.extract.file_count import SharedCount
from dicomlake.extract.header_tree import HeaderTree
from dicomlake.html import html_block, html_table
from dicomlake.limits import FrameLimits, ReadingLimits
from dicomlake.schema import LakeSchema

SCANNED_FILE_COLUMNS = (
    "url",
    "file_size",
    "modified",
    "etag",
    "status",
    "code",
    "message",
    "byte_offset",
    "element_path",
    "SOPInstanceUID",
    "header_digest",
    "bytes_read",
    "requests",
)
"""The columns of `files` that an engine answers; the others are the lake's (source, duplicates, snapshots)."""

ADDED_COLUMNS = frozenset({"snapshot", "stack", "in_lake"})
"""The columns of the other tables that the run adds: they depend on other files."""


@dataclass(frozen=True)
class ScanRequest:
    """The columns to read of each file, and the limits.

    ``headers`` asks for ``header_json``; ``storage_options`` go to fsspec for urls that are not local. ``frames`` says which frames have
    rows. ``count``, where there is one, grows with each file whose header was read; an engine that does not count leaves it alone.
    """

    schema: LakeSchema
    reading: ReadingLimits = field(default_factory=ReadingLimits)
    headers: bool = False
    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    frames: FrameLimits = field(default_factory=FrameLimits)
    count: SharedCount | None = field(default=None, repr=False, compare=False)

    def scanned_schema(self, table: str) -> pa.Schema:
        """The schema of the rows that an engine answers for a table: without the columns that the run adds."""
        schema = self.schema.table(table)
        if table == "files":
            return pa.schema([schema.field(name) for name in SCANNED_FILE_COLUMNS])
        return pa.schema([field for field in schema if field.name not in ADDED_COLUMNS])

    def empty_tables(self) -> dict[str, pa.Table]:
        """A table without rows for each table that units write."""
        return {table.name: self.scanned_schema(table.name).empty_table() for table in self.schema.unit_tables}


@dataclass(frozen=True, repr=False)
class Scanned:
    """The rows that an engine answers for a unit, by table.

    `files` has a row for each file given, in that order, with status ``indexed``, ``not_dicom``, ``skipped`` or ``failed``.
    `instances` has a row for each ``indexed`` file (two copies of an instance are two rows), in the order of `files`.
    `findings` has the defects of those files. Every other table that units write has rows with the ``url`` of one of the files.
    The schema of each table is ``ScanRequest.scanned_schema``.

    Example:
        >>> scanned = dicomlake.scan("archive")
        >>> scanned  # doctest: +ELLIPSIS
        <Scanned 221 files (216 indexed, 3 not_dicom, 1 failed, 1 skipped): 216 instances, 7 findings, 143 frames, ...>
    """

    tables: Mapping[str, pa.Table]

    def __repr__(self) -> str:
        """How many rows each table has, and the files by status."""
        rows = ", ".join(f"{table.num_rows:,} {name}" for name, table in self.tables.items() if name != "files")
        statuses = ", ".join(f"{count:,} {status}" for status, count in _counts(self.files, "status"))
        return f"<Scanned {self.files.num_rows:,} files ({statuses}): {rows}>" if statuses else f"<Scanned 0 files: {rows}>"

    def _repr_html_(self) -> str:
        """Likewise for a notebook: rows by table, and files and findings by what was wrong."""
        tables = [
            html_table(["table", "rows"], [(name, table.num_rows) for name, table in self.tables.items()]),
            html_table(["status", "files"], _counts(self.files, "status")),
            html_table(["finding", "rows"], _counts(self.findings, "code")) if self.findings.num_rows else "",
        ]
        return html_block(*tables)

    def __getattr__(self, name: str) -> pa.Table:
        """Any table by its name."""
        tables: Mapping[str, pa.Table] = self.__dict__.get("tables", {})
        if name in tables:
            return tables[name]
        raise AttributeError(f"'{name}' is not a table; the tables are {', '.join(tables)}")

    def __dir__(self) -> list[str]:
        """The names of tables too, so that editors offer them."""
        return sorted({*super().__dir__(), *self.tables})

    @property
    def files(self) -> pa.Table:
        """One row for each file."""
        return self.tables["files"]

    @property
    def instances(self) -> pa.Table:
        """One row for each file that was indexed."""
        return self.tables["instances"]

    @property
    def findings(self) -> pa.Table:
        """One row for each defect."""
        return self.tables["findings"]


def _counts(table: pa.Table, column: str) -> list[tuple[str, int]]:
    """How often each value of a column stands there, the most frequent first."""
    counts = [(entry["values"], entry["counts"]) for entry in pc.value_counts(table[column]).to_pylist()]
    return sorted(counts, key=lambda entry: (-entry[1], str(entry[0])))


class Engine(Protocol):
    """Reads headers."""

    def scan(self, files: pa.Table, request: ScanRequest) -> Scanned:
        """Read the headers of a unit of files.

        Args:
            files: columns ``url`` (string), ``file_size`` (int64, null where unknown), ``modified`` (timestamp[us, UTC]), ``etag``
                (string).
            request: what to read.
        """
        ...

    def tree(self, url: str, request: ScanRequest) -> HeaderTree:
        """Read the whole header of one file, for a person to look at.

        Args:
            url: as in the column `url` of `files`.
            request: how far to read; the columns whose values are checked.

        Returns:
            The tree; a file that can't be read is one without nodes, with its code.
        """
        ...
