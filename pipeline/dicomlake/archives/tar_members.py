"""The members of a tar, header by header (POSIX.1 pax "ustar Interchange Format" and "pax Header Block", and GNU's additions).

``tarfile`` is not fit for hostile input: it reads an extended header of any length, and may follow lengths backwards. Here a stream only
advances, and a long name or an extended header is read up to a megabyte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from dicomlake.archives.formats import is_tar_header
from dicomlake.archives.forward import ArchiveDamaged, ForwardReader
from dicomlake.archives.members import MEMBERS_LIMIT, MemberRange, MemberRows, Packing
from dicomlake.errors import FileCode

BLOCK_BYTES = 512
_EXTENDED_BYTES_LIMIT = 1 << 20
_NAME_BYTES_LIMIT = 65_535
_HEADERS_LIMIT = 3 * MEMBERS_LIMIT
_LARGEST = 1 << 62
_FOLDER = b"5"
_SPECIAL_TYPES = {b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"6": "a FIFO"}
_WITHOUT_DATA = frozenset({*_SPECIAL_TYPES, _FOLDER})
_GNU_SPARSE = b"S"
_SPARSE_RECORDS = b"GNU.sparse."
_USED_RECORDS = frozenset({b"path", b"size", b"mtime", b"GNU.sparse.name"})


@dataclass
class _Ahead:
    """The long name and the extended header before a member's header."""

    name: bytes | None = None
    records: dict[bytes, bytes] = field(default_factory=dict)


def list_tar(stream: ForwardReader, rows: MemberRows, packing: Packing) -> None:
    """Gather the members of a tar; folders have no row.

    Args:
        stream: the unpacked tar, at its beginning.
        rows: gathers the members.
        packing: the packing of the tar itself.

    Raises:
        ArchiveDamaged: the tar is damaged or cut; the members before that are gathered.
    """
    ahead = _Ahead()
    everywhere: dict[bytes, bytes] = {}
    for headers in count():
        at = stream.position
        block = stream.read(BLOCK_BYTES)
        if not block or not block.strip(b"\0"):
            # Many tars lack the two blocks of zeros at the end. Bytes after these blocks do not belong to the tar.
            if ahead.name is not None or ahead.records:
                raise ArchiveDamaged(f"it ends at byte {at:,} before the member that a long name or extended header announces")
            return
        if len(block) < BLOCK_BYTES or not is_tar_header(block):
            what = "is cut" if len(block) < BLOCK_BYTES else "is damaged"
            raise ArchiveDamaged(f"it {what} at byte {at:,}; members after that are not listed")
        if rows.full or headers >= _HEADERS_LIMIT:
            raise ArchiveDamaged(f"it holds more members than are listed; those after byte {at:,} are not")
        kind = block[156:157]
        if kind in (b"L", b"K", b"x", b"X", b"g"):
            content = _content(stream, _size(block, at), at)
            if kind == b"L":
                ahead.name = content.partition(b"\0")[0]
            elif kind == b"g":
                everywhere |= _records(content)
            elif kind != b"K":
                ahead.records |= _records(content)
            continue
        ahead.records = {**everywhere, **ahead.records}
        if not _member(stream, rows, block, at, ahead, packing):
            raise ArchiveDamaged(f"it is cut inside the member whose header is at byte {at:,}")
        ahead = _Ahead()


def _member(stream: ForwardReader, rows: MemberRows, block: bytes, at: int, ahead: _Ahead, packing: Packing) -> bool:
    """Gather the member of a header, skip it, and answer whether it is complete."""
    kind = block[156:157]
    records = ahead.records
    name = records.get(b"path") or ahead.name or _name(block)
    in_tar = _number_of(records.get(b"size")) if b"size" in records else _size(block, at)
    if in_tar is None or not 0 <= in_tar < _LARGEST:
        raise ArchiveDamaged(f"a member's size can't be read at byte {at:,}; members after that are not listed")
    modified = _modified(block, records)
    size = 0 if kind in _WITHOUT_DATA else in_tar
    is_folder = kind == _FOLDER or (kind in (b"0", b"\0") and name.endswith(b"/"))
    is_sparse = kind == _GNU_SPARSE or _SPARSE_RECORDS in records or b"GNU.sparse.name" in records
    if kind == _GNU_SPARSE:
        _skip_sparse_map(stream, block, at)
    name = records.get(b"GNU.sparse.name") or name
    if len(name) > _NAME_BYTES_LIMIT:
        raise ArchiveDamaged(f"a name of {len(name):,} bytes stands at byte {at:,}; members after that are not listed")
    if is_sparse:
        rows.add_defect(name, None, modified, FileCode.UNSUPPORTED_MEMBER, "the member is a sparse file")
    elif kind in _SPECIAL_TYPES:
        rows.add_defect(name, None, modified, FileCode.NOT_REGULAR, f"{_SPECIAL_TYPES[kind]} in an archive")
    start, there = stream.position, 0
    try:
        there = stream.skip(size)
    except ArchiveDamaged:
        there = stream.position - start
        raise
    finally:
        if not (is_folder or is_sparse or kind in _SPECIAL_TYPES):
            # A cut member has the size of its existing part, so it counts as changed when the rest has come.
            rows.add(name, there, modified, None, MemberRange(start, there, packing))
    stream.skip(-size % BLOCK_BYTES)  # the padding of the last member may be missing
    return there == size


def _content(stream: ForwardReader, size: int, at: int) -> bytes:
    if size > _EXTENDED_BYTES_LIMIT:
        raise ArchiveDamaged(f"an extended header of {size:,} bytes stands at byte {at:,}; members after that are not listed")
    padded = stream.read(-(-size // BLOCK_BYTES) * BLOCK_BYTES)
    if len(padded) < size:
        raise ArchiveDamaged(f"it is cut inside the extended header at byte {at:,}")
    return padded[:size]


def _skip_sparse_map(stream: ForwardReader, block: bytes, at: int) -> None:
    goes_on = block[482]
    while goes_on:
        more = stream.read(BLOCK_BYTES)
        if len(more) < BLOCK_BYTES:
            raise ArchiveDamaged(f"it is cut inside the map of the sparse member at byte {at:,}")
        goes_on = more[504]


def _records(content: bytes) -> dict[bytes, bytes]:
    """The records of an extended header: ``length SP key=value LF``. An invalid record ends them, but not the tar."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(content):
        length_text, space, _ = content[position : position + 24].partition(b" ")
        length = _number_of(length_text) if space else None
        if length is None or length < len(length_text) + 3 or position + length > len(content):
            return records
        key, equals, value = content[position + len(length_text) + 1 : position + length - 1].partition(b"=")
        if not equals:
            return records
        # Other records are not used, and there may be any number of them.
        if key in _USED_RECORDS:
            records[key] = value
        elif key.startswith(_SPARSE_RECORDS):
            records[_SPARSE_RECORDS] = b""
        position += length
    return records


def _name(block: bytes) -> bytes:
    name = block[0:100].partition(b"\0")[0]
    # GNU's own format ("ustar  ") has other fields at the place of ustar's prefix.
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _size(block: bytes, at: int) -> int:
    size = _number(block[124:136])
    if size is None or not 0 <= size < _LARGEST:
        raise ArchiveDamaged(f"a member's size can't be read at byte {at:,}; members after that are not listed")
    return size


def _number(text: bytes) -> int | None:
    """A number of a header: octal, or two's complement if its first bit is set (GNU)."""
    if text[0] & 0x80:
        value = int.from_bytes(text, "big", signed=True)
        return value + (1 << (8 * len(text) - 1)) if text[0] != 0xFF else value  # noqa: PLR2004  (without the marking bit)
    digits = text.partition(b"\0")[0].strip(b" ")
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        return None


def _number_of(text: bytes | None) -> int | None:
    return int(text) if text is not None and len(text) <= 20 and text.isdigit() else None  # noqa: PLR2004  (digits of 2 to the power 64)


def _modified(block: bytes, records: dict[bytes, bytes]) -> int | None:
    """Microseconds since 1970 (UTC)."""
    if (text := records.get(b"mtime")) is not None:
        whole, _, fraction = text[:40].partition(b".")
        sign = -1 if whole.startswith(b"-") else 1
        seconds = _number_of(whole.lstrip(b"-")) if len(whole) <= 15 else None  # noqa: PLR2004
        if seconds is not None:
            part = int(fraction[:6].ljust(6, b"0")) if fraction.isdigit() else 0
            return sign * (seconds * 1_000_000 + part)
    seconds = _number(block[136:148])
    return seconds * 1_000_000 if seconds is not None else None
