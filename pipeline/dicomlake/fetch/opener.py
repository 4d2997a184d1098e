"""From a url to an open file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.archives import ArchiveListing, MemberRange, OpenArchive, list_archive
from dicomlake.archives.members import RANGE_COLUMNS, STREAMED
from dicomlake.byte_source import ByteSource, ReadingStopped
from dicomlake.errors import FileCode
from dicomlake.fetch.local import LocalSource
from dicomlake.fetch.remote import RemoteSource
from dicomlake.limits import ReadingLimits
from dicomlake.urls import archive_of, is_local, path_of_url

_MEMBER_COLUMNS = ("url", *RANGE_COLUMNS, "archive_version")


def open_file(url: str, storage_options: Mapping[str, Any], size: int | None = None) -> ByteSource:
    """Open the file of a url.

    Args:
        url: as in the column `url` of `files`.
        storage_options: for urls that are not local.
        size: its size in bytes, if a listing has it; saves a request to an object store.

    Raises:
        ReadingStopped: it is not there, is not a regular file, or can't be read.
    """
    if is_local(url):
        return LocalSource(path_of_url(url))
    if archive_of(url) is not None:
        return _LoneMember(Opener(storage_options), url, size)
    return RemoteSource(url, storage_options, size)


class _LoneMember:
    """A single member, whose archive is closed with it."""

    def __init__(self, opener: Opener, url: str, size: int | None) -> None:
        self._opener = opener
        self._member = opener(url, size)
        self.size = self._member.size
        self.bytes_read = 0
        self.requests = 0

    def read(self, offset: int, length: int) -> bytes:
        """See ``ByteSource``."""
        try:
            return self._member.read(offset, length)
        finally:
            self.bytes_read, self.requests = self._member.bytes_read, self._member.requests

    def close(self) -> None:
        """Close the member and its archive."""
        self._member.close()
        self._opener.close()


class Opener:
    """Opens the files of a unit one after the other; an archive stays open while members of it are read.

    Args:
        storage_options: for urls that are not local.
        unpacked_limit: the most bytes to inflate of one deflated member of a zip.
        files: the unit; it may have the columns of ``dicomlake.plan.UNIT_SCHEMA`` with the ranges of members.
    """

    def __init__(
        self, storage_options: Mapping[str, Any], unpacked_limit: int = ReadingLimits().header_limit, files: pa.Table | None = None
    ) -> None:
        self._storage_options = storage_options
        self._limit = unpacked_limit
        self._archive: OpenArchive | None = None
        self._members: dict[str, tuple[MemberRange, str]] = {}
        self._searched: dict[str, ArchiveListing] = {}
        if files is not None and "member_packing" in files.schema.names and files["member_packing"].null_count < files.num_rows:
            self._take_members(files.filter(pc.is_valid(files["member_packing"])))

    def __call__(self, url: str, size: int | None) -> ByteSource:
        """Open a file; see ``open_file``."""
        if is_local(url):
            return LocalSource(path_of_url(url))
        archive = archive_of(url)
        if archive is None:
            return RemoteSource(url, self._storage_options, size)
        if url not in self._members:
            found = self._search(archive)
            if not found.is_archive:
                return RemoteSource(url, self._storage_options, size)  # fsspec may open formats that we do not
            size = self._note(found, url)
        member, version = self._members[url]
        return self._opened(archive, version).member(member, member.packed_bytes if size is None else size)

    def close(self) -> None:
        """Close the open archive."""
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    def _take_members(self, members: pa.Table) -> None:
        columns = (members[name].to_pylist() for name in _MEMBER_COLUMNS)
        for url, offset, packed, packing, version in zip(*columns, strict=True):
            self._members[url] = MemberRange(offset, packed, packing), version or ""
        first = members["url"][0].as_py()
        member, version = self._members[first]
        if member.packing in STREAMED:
            try:
                # The skip to the beginning of the unit may take long, and must not count for the time of its first file.
                self._opened(archive_of(first) or "", version).stream_at(member)
            except ReadingStopped:
                return

    def _search(self, archive: str) -> ArchiveListing:
        if archive not in self._searched:
            self._searched.clear()
            self._searched[archive] = list_archive(lambda url, size: open_file(url, self._storage_options, size), archive, None)
        return self._searched[archive]

    def _note(self, found: ArchiveListing, url: str) -> int:
        """Note the range of a member from the listing of its archive, and answer its size."""
        rows = found.members.filter(pc.equal(found.members["url"], url)).to_pylist()
        if not rows:
            if found.code is not None and found.code is not FileCode.ARCHIVE:
                raise ReadingStopped(found.code, f"the archive that holds it can't be read: {found.message}")
            raise ReadingStopped(FileCode.UNREADABLE, "the archive has no such member")
        row = rows[0]
        if row["code"] is not None:
            raise ReadingStopped(FileCode(row["code"]), row["message"])
        self._members[url] = MemberRange(row["member_offset"], row["member_bytes"], row["member_packing"]), ""
        return int(row["file_size"])

    def _opened(self, url: str, version: str) -> OpenArchive:
        if self._archive is None or self._archive.url != url:
            self.close()
            self._archive = OpenArchive(url, version, lambda: open_file(url, self._storage_options), self._limit)
        return self._archive
