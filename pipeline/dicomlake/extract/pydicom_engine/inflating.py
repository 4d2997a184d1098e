"""Deflated data sets (PS3.5 A.5) as a stream: inflated as far as the walk looks, never more than ``header_limit``.

What came before a corrupt place is kept: zlib drops the whole output of a call that fails, so the call is made again on a copy, byte by
byte, up to the place.
"""

from __future__ import annotations

import contextlib
import zlib

from dicomlake.errors import FileCode
from dicomlake.fetch import HeaderWindow, ReadingStopped

_CHUNK = 16 * 1024
"""Bytes to inflate, and to take of the output, at a time."""


class InflatingWindow:
    """A window over the inflated bytes; positions count from the first of them. See ``Window``."""

    def __init__(self, compressed: HeaderWindow, position: int, header_limit: int) -> None:
        """Begin at a position of the file; ``header_limit`` is the most bytes to inflate."""
        self.data = b""
        self.start = 0
        self.size: int | None = None
        self.shortage = FileCode.TRUNCATED
        self.whole = False
        self._compressed = compressed
        self._position = position
        self._limit = header_limit
        self._inflated = 0
        self._ended = False
        # PS3.5 A.5 wants RFC 1951 alone; some writers put zlib's two bytes (RFC 1950) before it.
        compressed.reach(position, 2)
        head = compressed.data[:2]
        zlib_header = len(head) == 2 and head[0] & 0x0F == 8 and head[0] >> 4 <= 7 and int.from_bytes(head, "big") % 31 == 0
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)

    def reach(self, position: int, length: int) -> int:
        """Hold ``length`` bytes from ``position`` on, and forget those before; answer how many are held from there.

        Raises:
            ReadingStopped: the bytes can't be had, or are more than may be inflated.
        """
        self._forget_before(position)
        parts = [self.data]
        held = len(self.data)
        while (self.start < position or held < length) and not self._ended:
            more = self._inflate()
            if self.start < position:  # what is jumped over has to be inflated all the same
                passed = min(len(more), position - self.start)
                self.start += passed
                more = more[passed:]
            parts.append(more)
            held += len(more)
        self.data = b"".join(parts)
        return held if self.start == position else 0

    def _forget_before(self, position: int) -> None:
        passed = min(position - self.start, len(self.data))
        self.data = self.data[passed:]
        self.start += passed

    def _inflate(self) -> bytes:
        if self._inflated >= self._limit:
            raise ReadingStopped(FileCode.HEADER_TOO_LARGE, f"the header goes on after {self._limit} inflated bytes (header_limit)")
        most = min(_CHUNK, self._limit - self._inflated)
        data = self._inflater.unconsumed_tail
        if not data:
            self._compressed.reach(self._position, 1)
            data = self._compressed.data[:_CHUNK]
            self._position += len(data)
        more = self._inflated_part(data, most)
        self._inflated += len(more)
        if self._inflater.eof:
            self._ended = self.whole = True
        elif not data and not more:
            self._ended = True
        return more

    def _inflated_part(self, data: bytes, most: int) -> bytes:
        before = self._inflater.copy()
        try:
            return self._inflater.decompress(data, most)
        except zlib.error:
            self._ended = True
            self.shortage = FileCode.CORRUPT_DEFLATE
        kept = bytearray()
        with contextlib.suppress(zlib.error):
            for index in range(len(data)):
                kept += before.decompress(data[index : index + 1], most)
        return bytes(kept)
