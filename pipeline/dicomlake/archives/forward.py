"""An archive read forward from its beginning: directly, with jumps, or through a decompressor without jumps.

A multiple of the archive's size bounds the bytes that are unpacked, and the size of a piece bounds the memory.
"""

from __future__ import annotations

from typing import Protocol

from dicomlake.archives.decoders import DECODER_ERRORS, decoder_of
from dicomlake.byte_source import ByteSource
from dicomlake.errors import FileCode

UNPACKED_BYTES = 64 * 1024
_FREE_BYTES = 64 * 1024 * 1024


class ArchiveDamaged(Exception):
    """An archive can't be read further; ``reason`` is one line with the position. Members before that stay."""

    def __init__(self, reason: str, code: FileCode = FileCode.CORRUPT_ARCHIVE) -> None:
        super().__init__(reason, code)
        self.reason = reason
        self.code = code


class ForwardReader(Protocol):
    """A stream whose position only grows."""

    position: int

    def read(self, length: int) -> bytes:
        """The next ``length`` bytes; fewer only where the stream ends."""
        ...

    def skip(self, length: int) -> int:
        """Skip the next ``length`` bytes, and answer how many of them may exist."""
        ...


class ReadAhead:
    """An open file in a store, where requests are expensive: consecutive reads are answered from larger and larger requests.

    A read follows the last one if the gap between them is at most as long as that one was. Any other read begins again with ``least``. So
    small members are read in a few large requests, and large members are skipped.

    Args:
        reader: the file.
        least: the least bytes of a request.
        most: the limit of its growth.
    """

    def __init__(self, reader: ByteSource, least: int, most: int) -> None:
        self._reader = reader
        self._least = self._ahead = least
        self._most = most
        self._held = b""
        self._held_from = 0

    @property
    def size(self) -> int | None:
        """See ``ByteSource``."""
        return self._reader.size

    @property
    def bytes_read(self) -> int:
        """The bytes read from the file."""
        return self._reader.bytes_read

    @property
    def requests(self) -> int:
        """The number of reads of the file."""
        return self._reader.requests

    def read(self, offset: int, length: int) -> bytes:
        """See ``ByteSource``."""
        start, held = offset - self._held_from, self._held
        if not (start >= 0 and start + length <= len(held)):
            follows = 0 <= start <= 2 * len(held) and bool(held)
            self._ahead = min(2 * max(self._ahead, length), self._most) if follows else self._least
            kept = held[start:] if start >= 0 else b""
            lacking = max(length - len(kept), self._ahead)
            if self.size is not None:
                lacking = min(lacking, max(self.size - offset - len(kept), 0))
            self._held = kept + (self._reader.read(offset + len(kept), lacking) if lacking else b"")
            self._held_from, start = offset, 0
        return self._held[start : start + length]

    def close(self) -> None:
        """Close the file."""
        self._held = b""
        self._reader.close()


class PlainStream:
    """A file that is not packed. Skipped bytes are not read."""

    def __init__(self, reader: ByteSource) -> None:
        self.position = 0
        self._reader = reader

    def read(self, length: int) -> bytes:
        """See `ForwardReader`."""
        data = self._reader.read(self.position, length)
        self.position += len(data)
        return data

    def skip(self, length: int) -> int:
        """See `ForwardReader`."""
        there = length if self._reader.size is None else max(min(self._reader.size - self.position, length), 0)
        self.position += length
        return there


class PackedStream:
    """A file packed by gzip, bzip2, xz or Zstandard, in one frame or several, and unpacked as it is read.

    Args:
        reader: the file.
        codec: ``gzip``, ``bzip2``, ``xz`` or ``zstd``.
        expansion_limit: how many times its own size a file may unpack to (64 MiB are always allowed).
    """

    def __init__(self, reader: ByteSource, codec: str, expansion_limit: float) -> None:
        self.position = 0
        size = reader.size or 1
        self._most = _FREE_BYTES + expansion_limit * size
        self._limit = expansion_limit
        self._unpacked, self._begin = b"", 0
        self._decoder = decoder_of(codec, reader)

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
        """See `ForwardReader`; raises the errors of ``read``."""
        there = 0
        while there < length and (piece := self._next(length - there)):
            there += len(piece)
        return there

    def _next(self, most: int) -> bytes:
        """Some of the next bytes, at most ``most``; none at the end. The decoder unpacks larger pieces."""
        if self._begin == len(self._unpacked):
            self._unpack()
        data = self._unpacked[self._begin : self._begin + most]
        self._begin += len(data)
        self.position += len(data)
        return data

    def _unpack(self) -> None:
        if self.position >= self._most:
            raise ArchiveDamaged(
                f"it unpacks to more than {self._limit:g} times its size (listing.archive_expansion_limit); members after the first "
                f"{self.position:,} bytes are not listed"
            )
        try:
            self._unpacked, self._begin = self._decoder.next(UNPACKED_BYTES), 0
        except (*DECODER_ERRORS, EOFError) as error:
            what = "ends too early" if isinstance(error, EOFError) or "runcated" in str(error) else "can't be unpacked"
            raise ArchiveDamaged(f"it {what} after {self.position:,} unpacked bytes") from None
