"""Local files by positioned reads. Only regular files are read, since others could block."""

from __future__ import annotations

import errno
import os
import stat

from dicomlake.byte_source import ReadingStopped
from dicomlake.errors import FileCode


class LocalSource:
    """A regular file of this machine; see ``ByteSource``."""

    __slots__ = ("_descriptor", "bytes_read", "requests", "size")

    def __init__(self, path: bytes) -> None:
        """Open a file.

        Raises:
            ReadingStopped: it is not a regular file (``not-regular``), or it can't be opened (``unreadable``).
        """
        self.bytes_read = 0
        self.requests = 0
        try:
            # O_NONBLOCK: a FIFO without a writer would block open() for ever; a regular file is not affected.
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _refusal(error) from None
        except ValueError:
            raise ReadingStopped(FileCode.UNREADABLE, "the name holds a NUL byte") from None
        found = os.fstat(self._descriptor)
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise ReadingStopped(FileCode.NOT_REGULAR, "this is not a regular file")
        self.size: int | None = found.st_size

    def read(self, offset: int, length: int) -> bytes:
        """Read ``length`` bytes at ``offset``; fewer only where the file ends.

        Raises:
            ReadingStopped: the disk refuses.
        """
        try:
            data = os.pread(self._descriptor, length, offset)
            self.requests += 1
            while 0 < len(data) < length:
                # A read that is interrupted or crosses 2 GiB gives parts; only an empty answer is the end of the file.
                more = os.pread(self._descriptor, length - len(data), offset + len(data))
                self.requests += 1
                if not more:
                    break
                data += more
        except OSError as error:
            raise _refusal(error) from None
        self.bytes_read += len(data)
        return data

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _refusal(error: OSError) -> ReadingStopped:
    if error.errno == errno.ENXIO:  # a socket, or a device without a driver: open() answers "no such device or address"
        return ReadingStopped(FileCode.NOT_REGULAR, "this is not a regular file")
    return ReadingStopped(FileCode.UNREADABLE, f"the file can't be read: {os.strerror(error.errno or 0)}")
