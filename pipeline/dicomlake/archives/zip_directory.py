"""The members of a zip, only from its central directory (PKWARE APPNOTE 6.3, sections 4.3 and 4.4), by a few positioned reads.

The real length of the directory bounds the memory. Names and times are those of Python's ``zipfile``: a name is CP437 unless it is marked
as UTF-8, and a time without zone is taken as UTC unless the entry has a UTC time too.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from datetime import UTC, datetime

from dicomlake.archives.forward import ArchiveDamaged
from dicomlake.archives.members import MemberRange, MemberRows, Packing
from dicomlake.byte_source import ByteSource
from dicomlake.errors import FileCode

LOCAL_HEADER_BYTES = 30
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_END = struct.Struct("<4s4H2LH")
_END_64_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_COMMENT_BYTES = 65_535
_PIECE_BYTES = 1 << 20
_NOT_HERE = 0xFFFFFFFF

_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_UTF_8 = 0x0800
_STORED, _DEFLATED = 0, 8
_EXTRA_64, _EXTRA_NTFS, _EXTRA_UNIX_TIME = 0x0001, 0x000A, 0x5455
_SPECIAL_TYPES = {stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def local_header_length(header: bytes) -> int | None:
    """The length of the header before a member, from the first 30 bytes; None if this is not a header."""
    if len(header) < LOCAL_HEADER_BYTES:
        return None
    signature, name_length, extra_length = _LOCAL_HEADER.unpack_from(header)
    return LOCAL_HEADER_BYTES + name_length + extra_length if signature == b"PK\x03\x04" else None


def list_zip(reader: ByteSource, rows: MemberRows) -> None:
    """Gather the members of a zip; folders have no row.

    Raises:
        ArchiveDamaged: there is no directory, or it is damaged; the members before the damage are gathered.
    """
    with_end = _WithEnd(reader)
    offset, length, shift = _find_directory(with_end)
    for number, (entry, name, extra) in enumerate(_entries(with_end, offset, length)):
        if rows.full:
            raise ArchiveDamaged(f"it holds more members than are listed; those after the first {number:,} are not")
        _add(rows, entry, name, extra, shift, offset)


def ends_as_zip(reader: ByteSource) -> bool:
    """Whether a file ends with the directory of a zip. A zip that extracts itself begins with a program."""
    try:
        _, length, _ = _find_directory(_WithEnd(reader))
    except ArchiveDamaged:
        return False
    return length > 0


class _WithEnd:
    """A file whose end is in memory, to search the end of the directory; it often holds the whole directory of a small zip."""

    def __init__(self, reader: ByteSource) -> None:
        if reader.size is None:
            raise ArchiveDamaged("its size is not known, so that its directory can't be found")
        self.size = reader.size
        self._reader = reader
        self.end_from = max(self.size - _END.size - _COMMENT_BYTES, 0)
        self.end = reader.read(self.end_from, self.size - self.end_from)

    def read(self, offset: int, length: int) -> bytes:
        """See ``ByteSource``."""
        if offset < self.end_from:
            return self._reader.read(offset, length)
        return self.end[offset - self.end_from : offset - self.end_from + length]


def _find_directory(reader: _WithEnd) -> tuple[int, int, int]:
    """The position of the directory, its length, and the length of the data before the zip, by which its offsets are too small."""
    size, tail_from, tail = reader.size, reader.end_from, reader.end
    at = tail.rfind(b"PK\x05\x06", 0, len(tail) - _END.size + 4)
    if at < 0:
        raise ArchiveDamaged("it has no directory at its end; it may have been cut")
    length, offset = _END.unpack_from(tail, at)[5:7]
    end = tail_from + at
    locator = tail[max(at - _END_64_LOCATOR.size, 0) : at]
    if locator.startswith(b"PK\x06\x07") and len(locator) == _END_64_LOCATOR.size:
        length, offset, end = _end_64(reader, size, _END_64_LOCATOR.unpack(locator)[2], end)
    start = end - length
    if start < 0 or start < offset:
        raise ArchiveDamaged(f"its directory is said to take {length:,} bytes at byte {offset:,}, which it has not")
    return start, length, start - offset


def _end_64(reader: _WithEnd, size: int, stated: int, end: int) -> tuple[int, int, int]:
    """Length and offset of the directory by the record of 64 bits, and the position of that record."""
    # With other data before the zip, the stated position is wrong.
    for at in (stated, end - _END_64_LOCATOR.size - _END_64.size):
        record = reader.read(at, _END_64.size) if 0 <= at <= size - _END_64.size else b""
        if record.startswith(b"PK\x06\x06") and len(record) == _END_64.size:
            length, offset = _END_64.unpack(record)[8:10]
            return length, offset, at
    raise ArchiveDamaged("the record of its size (zip64) is damaged")


def _entries(reader: _WithEnd, offset: int, length: int) -> Iterator[tuple[tuple[int, ...], bytes, bytes]]:
    """The fixed fields, the name and the extra field of each entry."""
    held, position, end = b"", 0, offset + length
    while offset < end or position < len(held):
        lacking = _lacking(held, position)
        if lacking:
            piece = reader.read(offset, min(max(_PIECE_BYTES, lacking), end - offset))
            if len(piece) < min(lacking, 1):
                raise ArchiveDamaged(f"its directory is cut at byte {offset:,}")
            held, position = held[position:] + piece, 0
            offset += len(piece)
            continue
        entry = _ENTRY.unpack_from(held, position)
        if entry[0] != b"PK\x01\x02":
            raise ArchiveDamaged(f"its directory is damaged at byte {offset - len(held) + position:,}; members after that are not listed")
        name_length, extra_length, comment_length = entry[10:13]
        name_at = position + _ENTRY.size
        extra_at = name_at + name_length
        yield entry[1:], held[name_at:extra_at], held[extra_at : extra_at + extra_length]
        position = extra_at + extra_length + comment_length


def _lacking(held: bytes, position: int) -> int:
    """The number of missing bytes of the entry at a position."""
    there = len(held) - position
    if there < _ENTRY.size:
        return _ENTRY.size - there
    name_length, extra_length, comment_length = struct.unpack_from("<3H", held, position + 28)
    return max(_ENTRY.size + int(name_length) + int(extra_length) + int(comment_length) - there, 0)


def _add(rows: MemberRows, entry: tuple[int, ...], raw_name: bytes, extra: bytes, shift: int, directory: int) -> None:
    _, _, flags, method, dos_time, dos_date, crc, packed, size, _, _, _, _, _, attributes, offset = entry
    name = raw_name if raw_name.isascii() or flags & _UTF_8 else raw_name.decode("cp437").encode()
    name = name.partition(b"\0")[0]
    if name.endswith(b"/"):
        return
    fields = dict(_extra_fields(extra)) if extra else {}
    if _NOT_HERE in (size, packed, offset) and (wide := fields.get(_EXTRA_64)) is not None:
        values = iter(struct.unpack_from(f"<{len(wide) // 8}Q", wide))
        size = next(values, size) if size == _NOT_HERE else size
        packed = next(values, packed) if packed == _NOT_HERE else packed
        offset = next(values, offset) if offset == _NOT_HERE else offset
    modified = _modified(dos_date, dos_time, fields)
    offset += shift
    if special := _SPECIAL_TYPES.get(stat.S_IFMT(attributes >> 16)):
        rows.add_defect(name, size, modified, FileCode.NOT_REGULAR, f"{special} in an archive")
    elif flags & _ENCRYPTED:
        rows.add_defect(name, size, modified, FileCode.UNSUPPORTED_MEMBER, "the member is encrypted")
    elif method not in (_STORED, _DEFLATED):
        message = f"the member is packed by method {method}; only stored and deflated ones can be read"
        rows.add_defect(name, size, modified, FileCode.UNSUPPORTED_MEMBER, message)
    elif size >= 1 << 62 or offset + LOCAL_HEADER_BYTES + packed > directory:
        rows.add_defect(name, None, modified, FileCode.CORRUPT_ARCHIVE, "the directory places the member outside the archive")
    elif method == _STORED:
        rows.add(name, packed, modified, f"{crc:08x}", MemberRange(offset, packed, Packing.STORED))
    else:
        rows.add(name, size, modified, f"{crc:08x}", MemberRange(offset, packed, Packing.DEFLATED))


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        yield kind, extra[position + 4 : position + 4 + length]
        position += 4 + length


def _modified(dos_date: int, dos_time: int, fields: dict[int, bytes]) -> int | None:
    """Microseconds since 1970 (UTC)."""
    unix = fields.get(_EXTRA_UNIX_TIME, b"")
    if len(unix) >= 5 and unix[0] & 1:  # noqa: PLR2004  (flags and one time)
        return int(struct.unpack_from("<l", unix, 1)[0]) * 1_000_000
    ntfs = fields.get(_EXTRA_NTFS, b"")
    if len(ntfs) >= 16 and ntfs[4:8] == b"\x01\x00\x18\x00":  # noqa: PLR2004
        return (int.from_bytes(ntfs[8:16], "little") - 116_444_736_000_000_000) // 10
    try:
        moment = datetime(
            (dos_date >> 9) + 1980,
            (dos_date >> 5) & 15,
            dos_date & 31,
            dos_time >> 11,
            (dos_time >> 5) & 63,
            min((dos_time & 31) * 2, 59),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return int(moment.timestamp()) * 1_000_000
