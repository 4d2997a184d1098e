"""The digest of a header: by it two copies of an instance are told to be the same or not.

Exactly: 128-bit XXH3 (seed 0, hex in lower case, most significant byte first) over the bytes of the data set as they stand in the
file (as inflated, for deflated transfer syntaxes), in order, where

* group 2, the preamble and a command set before the data set are left out: the first byte is that of the first element's tag;
* it ends before the tag of the element that ends the header (pixel data at top level), else with the last byte of the data set;
* of a value of more than 16 KiB (16,384 bytes) only the element's tag, VR and length count. Sequences are no values but what is in
  them: their own tags, items and delimitations count, and in turn each value inside;
* an element of undefined length that is no sequence (fragments) counts token by token: the bytes of each fragment's item tag and length,
  those of each fragment's value unless it is of more than 16 KiB, and of the delimitation;
* bytes that are passed over because what they are can't be known are left out: the rest of a container after a corrupt element, a stray
  item at top level, the value of a defined length at which nesting grew too deep;
* where reading stopped early it covers what was walked: up to the tag of the element at which it stopped.
"""

from __future__ import annotations

import xxhash

LARGE_VALUE = 16 * 1024
"""Values of more bytes than this count by tag, VR and length only."""


class HeaderDigest:
    """Takes bytes as the walk passes over them, each once, in order."""

    __slots__ = ("_hash", "position")

    def __init__(self, position: int) -> None:
        """Begin at a position of the stream."""
        self._hash = xxhash.xxh3_128()
        self.position = position

    def cover(self, data: bytes, start: int, to: int) -> None:
        """Count the bytes from where it stands up to ``to``; ``data`` holds them, and ``start`` is the position of its first byte."""
        if to > self.position:
            self._hash.update(data[self.position - start : to - start])
            self.position = to

    def leave_out(self, to: int) -> None:
        """Pass over the bytes up to ``to``."""
        self.position = max(self.position, to)

    def text(self) -> str:
        """The digest, in hex."""
        return self._hash.hexdigest()
