"""An archive read from its beginning on: as it stands, with jumps, or through a decompressor that can only go on.

What is unpacked is bounded by a multiple of the archive's size, what is held by a piece of it, whatever the archive claims.
"""

from __future__ import annotations

import io
import zlib
from typing import Protocol

import pyarrow as pa

from dicomlake.errors import FileCode

PIECE_BYTES = 256 * 1024
_FREE_BYTES = 64 * 1024 * 1024
_GZIP = 31


class ArchiveDamaged(Exception):
    """An archive can't be read on; ``reason`` is one line that says where. What was found before stays."""

    def __init__(self, reason: str, code: FileCode = FileCode.CORRUPT_ARCHIVE) -> None:
        super().__init__(reason, code)
        self.reason = reason
        self.code = code


class PositionedReader(Protocol):
    """An open file; see ``dicomlake.fetch.ByteSource``."""

    size: int | None

    def read(self, offset: int, length: int) -> bytes:
        """Read ``length`` bytes at ``offset``; fewer only where the file ends."""
        ...


class ForwardReader(Protocol):
    """Bytes from a position on that only grows."""

    position: int

    def read(self, length: int) -> bytes:
        """The next ``length`` bytes; fewer only where the stream ends."""
        ...

    def skip(self, length: int) -> int:
        """Go on without the next ``length`` bytes; how many of them may be there."""
        ...


class PlainStream:
    """A file that is no more packed: what is skipped is not read. ``read_ahead`` bytes are read at a time at least."""

    def __init__(self, reader: PositionedReader, read_ahead: int) -> None:
        self.position = 0
        self._reader = reader
        self._read_ahead = read_ahead
        self._held = b""
        self._held_from = 0

    def read(self, length: int) -> bytes:
        """See `ForwardReader`."""
        start = self.position - self._held_from
        if not (start >= 0 and start + length <= len(self._held)):
            self._held = self._reader.read(self.position, max(length, self._read_ahead))
            self._held_from, start = self.position, 0
        data = self._held[start : start + length]
        self.position += len(data)
        return data

    def skip(self, length: int) -> int:
        """See `ForwardReader`."""
        there = length if self._reader.size is None else max(min(self._reader.size - self.position, length), 0)
        self.position += length
        return there


class PackedStream:
    """A file packed by gzip or Zstandard, in one frame or several, unpacked on the way.

    Args:
        reader: the file.
        codec: ``gzip`` or ``zstd``.
        expansion_limit: how many times its own size a file may unpack to (64 MiB are always free).
    """

    def __init__(self, reader: PositionedReader, codec: str, expansion_limit: float) -> None:
        self.position = 0
        size = reader.size or 1
        self._most = _FREE_BYTES + expansion_limit * size
        self._limit = expansion_limit
        self._decoder: _Decoder = _Gzip(reader) if codec == "gzip" else _Zstandard(reader)

    def read(self, length: int) -> bytes:
        """See `ForwardReader`.

        Raises:
            ArchiveDamaged: the stream can't be unpacked, or unpacks to too much.
        """
        pieces = []
        while length > 0 and (piece := self._next(length)):
            pieces.append(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def skip(self, length: int) -> int:
        """See `ForwardReader`; raises as ``read`` does."""
        there = 0
        while there < length and (piece := self._next(min(length - there, PIECE_BYTES))):
            there += len(piece)
        return there

    def _next(self, most: int) -> bytes:
        if self.position >= self._most:
            raise ArchiveDamaged(
                f"it unpacks to more than {self._limit:g} times its size (listing.archive_expansion_limit); members after the first "
                f"{self.position:,} bytes are not listed"
            )
        try:
            data = self._decoder.next(min(most, PIECE_BYTES))
        except (zlib.error, EOFError, OSError, pa.ArrowException) as error:
            what = "ends too early" if isinstance(error, EOFError) or "runcated" in str(error) else "can't be unpacked"
            raise ArchiveDamaged(f"it {what} after {self.position:,} unpacked bytes") from None
        self.position += len(data)
        return data


def packed_stream(reader: PositionedReader, codec: str | None, expansion_limit: float, read_ahead: int) -> ForwardReader:
    """A file from its beginning on, unpacked where it has a codec."""
    return PlainStream(reader, read_ahead) if codec is None else PackedStream(reader, codec, expansion_limit)


class _Decoder(Protocol):
    def next(self, most: int) -> bytes:
        """Some of the next bytes, at most so many; none at the end. Raises EOFError where the file ends before the stream does."""
        ...


class _Gzip:
    """RFC 1952: members one after the other, zeros behind them ignored."""

    def __init__(self, reader: PositionedReader) -> None:
        self._reader = reader
        self._offset = 0
        self._packed = b""
        self._decoder = zlib.decompressobj(_GZIP)
        self._begun = True

    def next(self, most: int) -> bytes:
        while True:
            if self._decoder.eof:
                self._packed = self._decoder.unused_data.lstrip(b"\0")
                if not self._packed and not self._fill():
                    return b""
                if not self._packed.startswith(b"\x1f"):
                    if self._packed.strip(b"\0"):
                        return b""  # whatever stands behind the stream is none of it, as gzip has it
                    self._packed = b""
                    continue
                self._decoder = zlib.decompressobj(_GZIP)
            if not self._packed and not self._fill():
                raise EOFError
            data = self._decoder.decompress(self._packed, most)
            self._packed = self._decoder.unconsumed_tail
            if data:
                return data

    def _fill(self) -> bool:
        self._packed = self._reader.read(self._offset, PIECE_BYTES)
        self._offset += len(self._packed)
        return bool(self._packed)


class _Zstandard:
    """RFC 8878, through Arrow, which bounds the window."""

    def __init__(self, reader: PositionedReader) -> None:
        self._stream = pa.CompressedInputStream(pa.PythonFile(_Sequential(reader), mode="r"), "zstd")

    def next(self, most: int) -> bytes:
        data: bytes = self._stream.read(most)
        return data


class _Sequential(io.RawIOBase):
    def __init__(self, reader: PositionedReader) -> None:
        self._reader = reader
        self._offset = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._reader.read(self._offset, PIECE_BYTES if size < 0 else size)
        self._offset += len(data)
        return data
