"""The list of the members of an archive, and the ranges of members of which only the url is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.archives.formats import HEAD_BYTES, ArchiveFormat, is_dicom, is_tar_header, recognise
from dicomlake.archives.forward import ArchiveDamaged, PackedStream, PlainStream, ReadAhead
from dicomlake.archives.members import MEMBER_SCHEMA, RANGE_COLUMNS, MemberRows, Packing
from dicomlake.archives.tar_members import list_tar
from dicomlake.archives.zip_directory import ends_as_zip, list_zip
from dicomlake.byte_source import ByteSource, ReadingStopped
from dicomlake.errors import FileCode
from dicomlake.urls import archive_of, is_local, places_of

EXPANSION_LIMIT = 1000.0
"""How many times its own size a packed archive may unpack to while it is listed, by default."""

_LOCAL_READ_AHEAD = (2048, 2048)
_REMOTE_READ_AHEAD = (64 * 1024, 4 * 1024 * 1024)
_UNBOUNDED = float("inf")

OpenFile = Callable[[str, int | None], ByteSource]


@dataclass(frozen=True)
class ArchiveListing:
    """The result of listing an archive.

    Attributes:
        members: in `MEMBER_SCHEMA`, in their order in the archive.
        code: the code of the archive's own row; None for a file that is not an archive.
        message: the message of that row.
        bytes_read: the bytes read for the listing.
        requests: the reads for the listing.
    """

    members: pa.Table
    code: FileCode | None
    message: str | None
    bytes_read: int
    requests: int

    @property
    def is_archive(self) -> bool:
        """Whether the file is an archive, or perhaps one that can't be read."""
        return self.code is not None


def list_archive(open_file: OpenFile, url: str, size: int | None, expansion_limit: float = EXPANSION_LIMIT) -> ArchiveListing:
    """List an archive. An archive that can't be opened or read is `unreadable`, without members.

    Args:
        open_file: opens a url that is not a member's.
        url: the url of the archive.
        size: its size in bytes, if a listing has it.
        expansion_limit: how many times its size a packed archive may unpack to.
    """
    members = MEMBER_SCHEMA.empty_table()
    code: FileCode | None = None
    message: str | None = None
    source: ByteSource | None = None
    try:
        source = open_file(url, size)
        reader = ReadAhead(source, *(_LOCAL_READ_AHEAD if is_local(url) else _REMOTE_READ_AHEAD))
        if (form := _format_of(reader, url)) is not None:
            members, code, message = _list_members(reader, url, form, expansion_limit)
    except ReadingStopped as stopped:
        code, message = stopped.code, stopped.reason
    finally:
        if source is not None:
            source.close()
    cost = (source.bytes_read, source.requests) if source is not None else (0, 0)
    return ArchiveListing(members, code, message, *cost)


def located(files: pa.Table, open_file: OpenFile) -> pa.Table:
    """A unit with the ranges of all its members, in the order of reading; unchanged if no range is missing.

    A member that vanished gets no range.
    """
    if "member_packing" not in files.schema.names:
        return files
    urls = files["url"].combine_chunks()
    unknown = pc.and_(pc.and_(pc.is_null(files["member_packing"]), pc.is_null(files["code"])), pc.not_equal(places_of(urls), urls))
    if not pc.any(unknown).as_py():
        return files
    rows = files.to_pylist()
    found: dict[str, dict[str, object]] = {}
    for archive in dict.fromkeys(archive_of(row["url"]) for row, lacking in zip(rows, unknown.to_pylist(), strict=True) if lacking):
        if archive is not None:
            members = list_archive(open_file, archive, None, _UNBOUNDED).members
            found |= {row["url"]: row for row in members.select(["url", *RANGE_COLUMNS]).to_pylist()}
    placed = [row | found.get(row["url"], {}) if row["member_packing"] is None else row for row in rows]
    placed.sort(key=lambda row: (archive_of(row["url"]) or "", row["member_offset"] or 0))
    return pa.Table.from_pylist(placed, schema=files.schema)


def _format_of(reader: ByteSource, url: str) -> ArchiveFormat | None:
    head = reader.read(0, HEAD_BYTES)
    form = recognise(head)
    if form is None and url.lower().endswith(".zip") and not is_dicom(head) and ends_as_zip(reader):
        return ArchiveFormat.ZIP
    return form


def _list_members(
    reader: ByteSource, url: str, form: ArchiveFormat, expansion_limit: float
) -> tuple[pa.Table, FileCode | None, str | None]:
    rows = MemberRows(form.scheme, url)
    code: FileCode | None = FileCode.ARCHIVE
    message = None
    try:
        if form is ArchiveFormat.ZIP:
            list_zip(reader, rows)
        elif form.codec is None:
            list_tar(PlainStream(reader), rows, Packing.PLAIN)
        elif is_tar_header(head := PackedStream(reader, form.codec, 0).read(HEAD_BYTES)):
            list_tar(PackedStream(reader, form.codec, expansion_limit), rows, Packing(form.codec))
        elif is_dicom(head):
            message = f"it is one DICOM file packed by {form.codec}, which is not read; unpack it, or pack its folder as a tar"
        else:
            code = None  # packed, but not a tar
    except ArchiveDamaged as damage:
        code, message = damage.code, damage.reason
    members, repeated = rows.table()
    if repeated and message is None:
        message = f"{repeated:,} members are not listed, because later ones have the same names"
    return members, code, message
