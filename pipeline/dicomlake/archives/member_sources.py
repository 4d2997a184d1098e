"""Members of an archive as byte sources; see ``ByteSource``.

``bytes_read`` counts the unpacked bytes of the member; ``requests`` counts the reads of the archive.
"""

from __future__ import annotations

import zlib

from dicomlake.archives.forward import ArchiveDamaged, ForwardReader
from dicomlake.archives.zip_directory import LOCAL_HEADER_BYTES, local_header_length
from dicomlake.byte_source import ByteSource, ReadingStopped
from dicomlake.errors import FileCode

_HEADER_SLACK = 320
"""Bytes read with a member of a zip for the variable part of its header: a name and times."""
_PIECE_BYTES = 64 * 1024
_RAW_DEFLATE = -15


class _Member:
    """The common part of members that are read by position; ``counted`` counts the reads of the archive."""

    __slots__ = ("_counted", "bytes_read", "requests", "size")

    def __init__(self, counted: ByteSource, size: int) -> None:
        self._counted = counted
        self.size: int | None = size
        self.bytes_read = 0
        self.requests = 0

    def read(self, offset: int, length: int) -> bytes:
        """See ``ByteSource``."""
        length = min(length, (self.size or 0) - offset)
        if length <= 0:
            return b""
        before = self._counted.requests
        data = self._read(offset, length)
        self.requests += self._counted.requests - before
        self.bytes_read += len(data)
        return data

    def close(self) -> None:
        """The archive stays open."""

    def _read(self, offset: int, length: int) -> bytes:
        """Read bytes that are inside the member."""
        raise NotImplementedError


class PlainMember(_Member):
    """A member of a tar that is not packed: a range of the archive."""

    __slots__ = ("_archive", "_offset")

    def __init__(self, archive: ByteSource, offset: int, size: int) -> None:
        super().__init__(archive, size)
        self._archive = archive
        self._offset = offset

    def _read(self, offset: int, length: int) -> bytes:
        return self._archive.read(self._offset + offset, length)


class StoredMember(_Member):
    """A member of a zip that is not packed: a range of the archive after a header, which is read with the first bytes."""

    __slots__ = ("_archive", "_header", "_start")

    def __init__(self, archive: ByteSource, header: int, size: int) -> None:
        super().__init__(archive, size)
        self._archive = archive
        self._header = header
        self._start: int | None = None

    def _read(self, offset: int, length: int) -> bytes:
        data = b""
        if self._start is None:
            self._start, data = _behind_header(self._archive, self._header, offset + length)
            data = data[offset : offset + length]
        if len(data) < length:
            data += self._archive.read(self._start + offset + len(data), length - len(data))
        return data


class DeflatedMember:
    """A deflated member of a zip, inflated from its beginning as far as needed, up to ``unpacked_limit`` bytes."""

    def __init__(self, archive: ByteSource, header: int, packed: int, size: int, unpacked_limit: int) -> None:
        self._archive = archive
        self._header = header
        self._packed = packed
        self._limit = unpacked_limit
        self._start: int | None = None
        self.size: int | None = size
        self.bytes_read = 0
        self.requests = 0
        self._rewind()

    def read(self, offset: int, length: int) -> bytes:
        """See ``ByteSource``."""
        length = min(length, (self.size or 0) - offset)
        if length <= 0:
            return b""
        if offset < self._position:
            self._rewind()
        while self._position < offset:
            if not self._inflate(min(offset - self._position, _PIECE_BYTES)):
                return b""
        pieces = []
        lacking = length
        while lacking > 0 and (piece := self._inflate(lacking)):
            pieces.append(piece)
            lacking -= len(piece)
        data = b"".join(pieces)
        self.bytes_read += len(data)
        return data

    def close(self) -> None:
        """The archive stays open."""

    def _rewind(self) -> None:
        self._inflater = zlib.decompressobj(_RAW_DEFLATE)
        self._position = 0
        self._fetched = 0
        self._waiting = b""

    def _inflate(self, most: int) -> bytes:
        """Some of the next bytes, at most ``most``; none at the end of the member."""
        if self._position >= self._limit:
            raise ReadingStopped(FileCode.HEADER_TOO_LARGE, f"the header goes on after {self._limit} inflated bytes (header_limit)")
        while not self._inflater.eof:
            if not self._waiting:
                self._fetch(most)
            if not self._waiting:
                return b""
            try:
                data = self._inflater.decompress(self._waiting, most)
            except zlib.error:
                raise ReadingStopped(
                    FileCode.CORRUPT_ARCHIVE, f"the member can't be inflated after its first {self._position} bytes"
                ) from None
            self._waiting = self._inflater.unconsumed_tail
            if data:
                self._position += len(data)
                return data
        return b""

    def _fetch(self, wanted: int) -> None:
        """Read the next packed bytes, about as many as are wanted unpacked: deflating hardly ever makes data longer."""
        most = min(self._packed - self._fetched, min(wanted, _PIECE_BYTES) + 64)
        if most <= 0:
            return
        before = self._archive.requests
        if self._start is None:
            self._start, data = _behind_header(self._archive, self._header, most)
            data = data[:most]
        else:
            data = self._archive.read(self._start + self._fetched, most)
        self.requests += self._archive.requests - before
        self._fetched += len(data)
        self._waiting = data


class StreamMember(_Member):
    """A member of a packed tar, from a stream without jumps."""

    __slots__ = ("_offset", "_stream")

    def __init__(self, stream: ForwardStream, offset: int, size: int) -> None:
        super().__init__(stream.source, size)
        self._stream = stream
        self._offset = offset

    def _read(self, offset: int, length: int) -> bytes:
        return self._stream.read_at(self._offset + offset, length)


class ForwardStream:
    """The only stream of a packed archive, with its position."""

    def __init__(self, source: ByteSource, stream: ForwardReader) -> None:
        self.source = source
        self._stream = stream

    @property
    def position(self) -> int:
        """The number of unpacked bytes that were read or skipped."""
        return self._stream.position

    def go_to(self, position: int) -> bool:
        """Skip to a position, and answer whether the stream reaches it.

        Raises:
            ReadingStopped: the archive is damaged before that.
        """
        try:
            lacking = position - self._stream.position
            return self._stream.skip(lacking) == lacking
        except ArchiveDamaged as damage:
            raise ReadingStopped(FileCode.CORRUPT_ARCHIVE, f"the archive that holds it can't be unpacked: {damage.reason}") from None

    def read_at(self, position: int, length: int) -> bytes:
        """Bytes at a position that was not passed yet.

        Raises:
            ReadingStopped: the archive is damaged before their end.
        """
        if not self.go_to(position):
            return b""
        try:
            return self._stream.read(length)
        except ArchiveDamaged as damage:
            raise ReadingStopped(FileCode.CORRUPT_ARCHIVE, f"the archive that holds it can't be unpacked: {damage.reason}") from None


def _behind_header(archive: ByteSource, header: int, wanted: int) -> tuple[int, bytes]:
    """The position of a member after its header in a zip, and its first bytes: about as many as wanted."""
    data = archive.read(header, LOCAL_HEADER_BYTES + _HEADER_SLACK + wanted)
    length = local_header_length(data)
    if length is None:
        raise ReadingStopped(FileCode.CORRUPT_ARCHIVE, f"no member stands at byte {header} of the archive")
    return header + length, data[length:]
