"""A window that moves forward over a file: it holds the bytes that are being looked at, and fetches more as they are asked for.

How much to read first and how to grow is decided here alone. No byte is fetched twice, bytes that were jumped over are never
fetched, and never more than ``header_limit`` bytes are fetched of one file: what is held is bounded by that, whatever lengths a
file claims.
"""

from __future__ import annotations

from typing import Protocol

from dicomlake.byte_source import ByteSource, ReadingStopped
from dicomlake.errors import FileCode

_GROWTH_LIMIT = 256 * 1024
"""The most bytes fetched at once beyond those asked for."""


class Window(Protocol):
    """A stream of bytes, seen through a window that only moves forward.

    ``data`` are the bytes held, ``start`` the position in the stream of the first of them, ``size`` the stream's length where it is
    known. Once ``reach`` answered fewer bytes than asked, ``shortage`` is the code for that, and ``whole`` says whether the stream
    itself ended as it should.
    """

    data: bytes
    start: int
    size: int | None
    shortage: FileCode
    whole: bool

    def reach(self, position: int, length: int) -> int:
        """Hold ``length`` bytes from ``position`` on, and forget those before; answer how many are held from there.

        Raises:
            ReadingStopped: the bytes can't be had, or are more than may be read.
        """
        ...


class HeaderWindow:
    """The window over a file; see ``Window``."""

    __slots__ = ("_growth", "_limit", "_source", "data", "shortage", "size", "start", "whole")

    def __init__(self, source: ByteSource, first_read: int, header_limit: int) -> None:
        """Read the first bytes.

        Args:
            source: the open file.
            first_read: bytes to read first, and by how much to grow at first.
            header_limit: the most bytes to read in all.

        Raises:
            ReadingStopped: the bytes can't be had.
        """
        self._source = source
        self._growth = first_read
        self._limit = header_limit
        self.size = source.size
        self.start = 0
        self.shortage = FileCode.TRUNCATED
        self.whole = True
        first = min(first_read, header_limit)
        if self.size is not None:
            first = min(first, self.size)  # asking beyond the end would take a second read to see that it is the end
        self.data = source.read(0, first)
        if len(self.data) < first:
            self._ends_at(len(self.data))

    def reach(self, position: int, length: int) -> int:
        """Hold ``length`` bytes from ``position`` on, and forget those before; answer how many are held from there.

        Raises:
            ReadingStopped: the bytes can't be had, or are more than may be read.
        """
        held_to = self.start + len(self.data)
        if position + length <= held_to or (self.size is not None and held_to >= self.size):
            self._forget_before(position)
            return len(self.data)
        self._forget_before(position)
        lacking = length - len(self.data)
        room = self._limit - self._source.bytes_read
        most = room
        if self.size is not None:
            there = max(self.size - position - len(self.data), 0)
            lacking = min(lacking, there)
            most = min(room, there)
        if lacking > room:
            raise ReadingStopped(FileCode.HEADER_TOO_LARGE, f"the header goes on after {self._limit} bytes (header_limit)")
        asked = min(max(lacking, self._growth), most)
        fetched = self._source.read(position + len(self.data), asked)
        self._growth = min(self._growth * 2, max(_GROWTH_LIMIT, self._growth))
        if len(fetched) < asked:
            self._ends_at(position + len(self.data) + len(fetched))
        self.data += fetched
        return len(self.data)

    def _forget_before(self, position: int) -> None:
        self.data = self.data[position - self.start :]
        self.start = position

    def _ends_at(self, position: int) -> None:
        # A file may be shorter than its listing or its inode said a moment ago: what could be read is what there is.
        if self.size is None or position < self.size:
            self.size = position
