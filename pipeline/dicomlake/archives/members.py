"""Members as rows of a listing, with their ranges in the archive."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import pyarrow as pa

from dicomlake.errors import FileCode
from dicomlake.sources.listing import EARLIEST_MODIFIED, LATEST_MODIFIED, LISTING_SCHEMA
from dicomlake.urls import member_url

MEMBERS_LIMIT = 4_000_000
"""The most members that are listed of an archive: a packed tar can hold any number of them in a few bytes."""

NAMES_BYTES_LIMIT = 1 << 30
"""The most bytes of names and urls that are listed of an archive."""


class Packing(StrEnum):
    """The packing of a member in its archive."""

    STORED = "stored"
    """In a zip, not packed, after a header of its own."""
    DEFLATED = "deflated"
    """In a zip, deflated, after a header of its own."""
    PLAIN = "plain"
    """In a tar that is not packed."""
    GZIP = "gzip"
    """In a tar that is packed by gzip: the offset is that in the unpacked stream."""
    BZIP2 = "bzip2"
    """In a tar that is packed by bzip2."""
    XZ = "xz"
    """In a tar that is packed by xz."""
    ZSTANDARD = "zstd"
    """In a tar that is packed by Zstandard."""


STREAMED = frozenset({Packing.GZIP, Packing.BZIP2, Packing.XZ, Packing.ZSTANDARD})
"""Packings of archives that are read forward from their beginning."""


MEMBER_SCHEMA = pa.schema(
    [
        *LISTING_SCHEMA,
        pa.field("member_offset", pa.int64()),
        pa.field("member_bytes", pa.int64()),
        pa.field("member_packing", pa.string()),
    ]
)
"""A listing of members. ``member_offset`` is the position of the member, or of its header in a zip; ``member_bytes`` is its packed size.
Both are null with ``member_packing`` for a member that can't be read."""

RANGE_COLUMNS = tuple(MEMBER_SCHEMA.names[-3:])


class MemberRange(NamedTuple):
    """The range of a member in its archive; see `MEMBER_SCHEMA`."""

    offset: int
    packed_bytes: int
    packing: Packing


class MemberRows:
    """Gathers the members of one archive. Of several members with one name the last counts, as for zip and tar themselves."""

    def __init__(self, scheme: str, archive: str) -> None:
        self._scheme = scheme
        self._archive = archive
        self._tables: list[pa.Table] = []
        self._rows: list[tuple[object, ...]] = []
        self._urls: set[str] = set()
        self._repeated = 0
        self._urls_length = 0
        self.full = False

    def add(
        self,
        name: bytes,
        size: int,
        modified: int | None,
        etag: str | None,
        member: MemberRange,
    ) -> None:
        """Add a file: its size in bytes, its modified time in microseconds since 1970 (UTC), and its range."""
        self._append((member_url(self._scheme, name, self._archive), size, _in_calendar(modified), etag, None, None, *member))

    def add_defect(self, name: bytes, size: int | None, modified: int | None, code: FileCode, message: str) -> None:
        """Add a member that can't be read."""
        url = member_url(self._scheme, name, self._archive)
        self._append((url, size, _in_calendar(modified), None, code.value, message, None, None, None))

    def table(self) -> tuple[pa.Table, int]:
        """The members in `MEMBER_SCHEMA`, in their order in the archive, and how many were replaced by later ones of the same name."""
        self._flush()
        table = pa.concat_tables(self._tables) if self._tables else MEMBER_SCHEMA.empty_table()
        if not self._repeated:
            return table, 0
        last = {url: row for row, url in enumerate(table["url"].to_pylist())}
        return table.take(pa.array(sorted(last.values()), pa.int64())), self._repeated

    def _append(self, row: tuple[object, ...]) -> None:
        url = str(row[0])
        if url in self._urls:
            self._repeated += 1
        else:
            self._urls.add(url)
        self._urls_length += len(url)
        self._rows.append(row)
        if len(self._rows) >= 65_536:  # noqa: PLR2004  (rows as Python objects take ten times the memory)
            self._flush()
        self.full = len(self._urls) + self._repeated >= MEMBERS_LIMIT or self._urls_length >= NAMES_BYTES_LIMIT

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = [pa.array(values, field.type) for values, field in zip(zip(*self._rows, strict=True), MEMBER_SCHEMA, strict=True)]
        self._tables.append(pa.Table.from_arrays(columns, schema=MEMBER_SCHEMA))
        self._rows = []


def _in_calendar(modified: int | None) -> int | None:
    return modified if modified is not None and EARLIEST_MODIFIED <= modified <= LATEST_MODIFIED else None
