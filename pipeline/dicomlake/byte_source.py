"""The protocol of an open file, so that readers of headers and archives need not know disks from object stores.

Reads are positioned and answer bytes. A source by itself neither reads ahead nor caches.
"""

from __future__ import annotations

from typing import Protocol

from dicomlake.errors import FileCode


class ReadingStopped(Exception):
    """Reading one file can't go on. It never leaves an engine: it becomes the file's code and message.

    ``reason`` is one line for a person; no value of the header and no credential may appear in it.
    """

    def __init__(self, code: FileCode, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class ByteSource(Protocol):
    """An open file or object."""

    @property
    def size(self) -> int | None:
        """Its length in bytes; None where the store does not say."""
        ...

    @property
    def bytes_read(self) -> int:
        """Bytes that were fetched."""
        ...

    @property
    def requests(self) -> int:
        """Reads that it took."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Read ``length`` bytes at ``offset``; fewer only where the file ends.

        Raises:
            ReadingStopped: the store or disk refuses.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
