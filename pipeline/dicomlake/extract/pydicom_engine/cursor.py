"""A place in a stream: how the walk gets at bytes. Everything it passes goes into the digest, once, by the rules of `digest`."""

from __future__ import annotations

import time

from dicomlake.errors import FileCode
from dicomlake.extract.pydicom_engine import element as el
from dicomlake.extract.pydicom_engine.digest import LARGE_VALUE, HeaderDigest
from dicomlake.fetch import ReadingStopped, Window

_LOOKS_BETWEEN_CLOCKS = 1024


class Cursor:
    """A position in a window, and the digest of what lies before it."""

    __slots__ = ("_deadline", "_ticks", "digest", "position", "window")

    def __init__(self, window: Window, position: int, deadline: float) -> None:
        """Begin at a position of the stream; ``deadline`` is the ``time.monotonic()`` after which reading stops."""
        self.window = window
        self.position = position
        self.digest = HeaderDigest(position)
        self._deadline = deadline
        self._ticks = 0

    @property
    def at(self) -> int:
        """The position as an index into the window's bytes."""
        return self.position - self.window.start

    def held(self, length: int) -> int:
        """Hold ``length`` bytes from the position on, or as many as there are; answer how many there are, at most ``length``.

        Raises:
            ReadingStopped: the bytes can't be had, or are more than may be read; or it takes too long.
        """
        window = self.window
        if self.position + length <= window.start + len(window.data):
            return length
        self.tick(_LOOKS_BETWEEN_CLOCKS)
        self.digest.cover(window.data, window.start, self.position)
        return min(window.reach(self.position, length), length)

    def element(self, encoding: el.Encoding) -> el.ElementHeader | None:
        """The header of the element at the position; None where fewer bytes are left than it has."""
        self.held(12)
        header = el.element_header(self.window.data, self.at, encoding)
        if header is None or header.vr is None or header.vr in el.KNOWN_VRS:
            return header
        # What follows decides; how much of it is looked at must not depend on how much happens to be held.
        held = self.held(el.UNKNOWN_VR_LOOKED_AT)
        return el.without_known_vr(self.window.data, self.at, self.at + held, encoding, ended=held < el.UNKNOWN_VR_LOOKED_AT)

    def begins_item(self, skip: int) -> bool | None:
        """Whether an item's tag stands ``skip`` bytes further on: True in little, False in big endian; None where there is none."""
        if self.held(skip + 4) < skip + 4:
            return None
        tag = self.window.data[self.at + skip : self.at + skip + 4]
        return {b"\xfe\xff\x00\xe0": True, b"\xff\xfe\xe0\x00": False}.get(tag)

    def value(self, header_size: int, length: int) -> bytes | None:
        """The value of ``length`` bytes behind a header at the position; None where fewer bytes are left. The position stays."""
        size = header_size + length
        if self.held(size) < size:
            return None
        return self.window.data[self.at + header_size : self.at + size]

    def pass_value(self, header_size: int, length: int, *, opaque: bool = False) -> bool:
        """Move past an element; a large value is skipped by position. False, and the position stays, where fewer bytes are left.

        ``opaque`` leaves the value out of the digest whatever its length.
        """
        size = header_size + length
        if length > LARGE_VALUE or opaque:
            window = self.window
            end = self.position + size
            if self.held(header_size) < header_size or (window.size is not None and end > window.size):
                return False
            self.digest.cover(window.data, window.start, self.position + header_size)
            self.digest.leave_out(end)
            if window.size is None and length and end > window.start + len(window.data) and window.reach(end - 1, 1) < 1:
                return False
            self.position = end
            return True
        if self.held(size) < size:
            return False
        self.position += size
        return True

    def jump(self, position: int) -> None:
        """Go on further ahead; what lies between is left out of the digest."""
        self.digest.cover(self.window.data, self.window.start, self.position)
        self.digest.leave_out(position)
        self.position = position

    def tick(self, ticks: int = 1) -> None:
        """Look at the clock now and then.

        Raises:
            ReadingStopped: it takes too long.
        """
        self._ticks += ticks
        if self._ticks >= _LOOKS_BETWEEN_CLOCKS:
            self._ticks = 0
            if time.monotonic() > self._deadline:
                raise ReadingStopped(FileCode.TIMED_OUT, "reading took longer than file_seconds_limit")

    def finish(self) -> str:
        """The digest of everything up to the position."""
        window = self.window
        self.digest.cover(window.data, window.start, min(self.position, window.start + len(window.data)))
        return self.digest.text()
