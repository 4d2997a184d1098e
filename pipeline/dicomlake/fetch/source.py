"""Where bytes come from: one small protocol, so that what reads headers does not know disks from object stores.

Reads are positioned and answer bytes; nothing here reads ahead, caches, or asks for a file's end.
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
    """An open file or object.

    ``size`` is its length in bytes, None where the store does not say; ``bytes_read`` and ``requests`` count what was fetched.
    """

    size: int | None
    bytes_read: int
    requests: int

    def read(self, offset: int, length: int) -> bytes:
        """Read ``length`` bytes at ``offset``; fewer only where the file ends.

        Raises:
            ReadingStopped: the store or disk refuses.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
