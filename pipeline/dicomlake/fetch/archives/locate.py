"""What is in an archive, and where in it members lie of which only the url is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.errors import FileCode
from dicomlake.fetch.source import ByteSource, ReadingStopped
from dicomlake.fetch.url import is_local
from dicomlake.sources.archives import MEMBER_SCHEMA, ReadAhead, archive_of, list_members, places_of

_LOCAL_READ_AHEAD = (2048, 2048)
_REMOTE_READ_AHEAD = (64 * 1024, 4 * 1024 * 1024)
EXPANSION_LIMIT = 1000.0
"""How many times its own size a packed archive may unpack to while it is listed, unless the configuration says otherwise."""

_UNBOUNDED = float("inf")
OpenFile = Callable[[str, int | None], ByteSource]
PLACE_COLUMNS = ("member_offset", "member_bytes", "member_packing")


@dataclass(frozen=True)
class ArchiveListing:
    """An archive as it was found: its members, code and message, and what that cost. ``is_archive`` is False for a file that is none."""

    members: pa.Table
    code: FileCode | None
    message: str | None
    bytes_read: int
    requests: int

    @property
    def is_archive(self) -> bool:
        """Whether the file is an archive, or may be one that can't be read."""
        return self.code is not None


def list_archive(open_file: OpenFile, url: str, size: int | None, expansion_limit: float = EXPANSION_LIMIT) -> ArchiveListing:
    """List an archive; one that can't be opened or read is `unreadable`, without members.

    Args:
        open_file: opens a url that is no member's.
        url: of the archive.
        size: bytes, where a listing says.
        expansion_limit: how many times its size a packed archive may unpack to.
    """
    nothing = MEMBER_SCHEMA.empty_table()
    source: ByteSource | None = None
    try:
        source = open_file(url, size)
        reader = ReadAhead(source, *(_LOCAL_READ_AHEAD if is_local(url) else _REMOTE_READ_AHEAD))
        found = list_members(reader, url, expansion_limit=expansion_limit)
    except ReadingStopped as stopped:
        return ArchiveListing(nothing, stopped.code, stopped.reason, *_cost(source))
    finally:
        if source is not None:
            source.close()
    if found is None:
        return ArchiveListing(nothing, None, None, *_cost(source))
    return ArchiveListing(found.members, found.code, found.message, *_cost(source))


def located(files: pa.Table, open_file: OpenFile) -> pa.Table:
    """A unit with the places of all members in it, in the order in which they are read best; the same where there is nothing to add.

    A member that is no longer there keeps no place.
    """
    if "member_packing" not in files.schema.names:
        return files
    urls = files["url"].combine_chunks()
    unplaced = pc.and_(pc.and_(pc.is_null(files["member_packing"]), pc.is_null(files["code"])), pc.not_equal(places_of(urls), urls))
    if not pc.any(unplaced).as_py():
        return files
    rows = files.to_pylist()
    found: dict[str, dict[str, object]] = {}
    for archive in dict.fromkeys(archive_of(row["url"]) for row, lacking in zip(rows, unplaced.to_pylist(), strict=True) if lacking):
        if archive is not None:
            members = list_archive(open_file, archive, None, _UNBOUNDED).members
            found |= {row["url"]: row for row in members.select(["url", *PLACE_COLUMNS]).to_pylist()}
    placed = [row | found.get(row["url"], {}) if row["member_packing"] is None else row for row in rows]
    placed.sort(key=lambda row: (archive_of(row["url"]) or "", row["member_offset"] or 0))
    return pa.Table.from_pylist(placed, schema=files.schema)


def _cost(source: ByteSource | None) -> tuple[int, int]:
    return (source.bytes_read, source.requests) if source is not None else (0, 0)
