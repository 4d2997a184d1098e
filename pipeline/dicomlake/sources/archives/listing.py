"""One archive as a list of its members."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from dicomlake.errors import FileCode
from dicomlake.sources.archives.formats import HEAD_BYTES, ArchiveFormat, is_dicom, is_tar_header, recognise
from dicomlake.sources.archives.forward import ArchiveDamaged, PackedStream, PlainStream, PositionedReader
from dicomlake.sources.archives.members import MemberRows, Packing
from dicomlake.sources.archives.tar_members import list_tar
from dicomlake.sources.archives.zip_directory import ends_as_zip, list_zip

_PACKING = {None: Packing.PLAIN, "gzip": Packing.GZIP, "zstd": Packing.ZSTANDARD}


@dataclass(frozen=True)
class ListedArchive:
    """What is in an archive: its members in `MEMBER_SCHEMA`, in their order there, and the code and message of its own row."""

    members: pa.Table
    code: FileCode
    message: str | None


def list_members(reader: PositionedReader, url: str, *, expansion_limit: float) -> ListedArchive | None:
    """List an archive; None for a file that is none.

    Args:
        reader: the open file.
        url: its url.
        expansion_limit: how many times its own size a packed tar may unpack to while it is listed.
    """
    head = reader.read(0, HEAD_BYTES)
    form = recognise(head)
    if form is None and url.lower().endswith(".zip") and not is_dicom(head) and ends_as_zip(reader):
        form = ArchiveFormat.ZIP
    if form is None:
        return None
    rows = MemberRows(form.scheme, url)
    code, message = FileCode.ARCHIVE, None
    try:
        if form is ArchiveFormat.ZIP:
            list_zip(reader, rows)
        elif form.codec is None:
            list_tar(PlainStream(reader), rows, Packing.PLAIN)
        elif not is_tar_header(PackedStream(reader, form.codec, 0).read(HEAD_BYTES)):
            return None
        else:
            list_tar(PackedStream(reader, form.codec, expansion_limit), rows, _PACKING[form.codec])
    except ArchiveDamaged as damage:
        code, message = damage.code, damage.reason
    members, repeated = rows.table()
    if repeated and message is None:
        message = f"{repeated:,} members are not listed, because later ones have the same names"
    return ListedArchive(members, code, message)
