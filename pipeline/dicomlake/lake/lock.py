"""One writer at a time: a lock on a file of the lake, which ends with the process that holds it, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from datetime import UTC, datetime

from dicomlake.errors import AccessDenied, LakeLocked
from dicomlake.parts import Location

LOCK_NAME = ".lock"


class LakeLock:
    """The lock of a local lake; of a lake elsewhere there is none yet, and writers find each other out when they commit."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether no other run can be writing."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            LakeLocked: another run holds it.
            AccessDenied: the lake can't be written.
        """
        if not self._location.is_local:
            return
        path = self._location.join(LOCK_NAME)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise AccessDenied(f"lake {self._location.url} can't be written: {error.strerror}; check its permissions") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another process"
            os.close(descriptor)
            raise LakeLocked(f"lake {self._location.url} is being written by {holder}; run again when that has ended") from None
        except OSError:  # a filesystem without locks: writers find each other out when they commit
            os.close(descriptor)
            return
        holder = f"process {os.getpid()} on {socket.gethostname()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder.encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
