"""One writer at a time: a lock on a file of the lake, which ends with the process that holds it, however it ends.

The lock is the system's (``flock``), the text in the file only says who holds it: what a dead process left there keeps nobody out. On a
network filesystem that passes locks on (NFS does) the holder may be on another machine, so its name stands there too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dicomlake.errors import AccessDenied, LakeLocked
from dicomlake.lake.write.lease import Lease
from dicomlake.parts import Location
from dicomlake.stores import is_object_store

LOCK_NAME = ".lock"

SHORTEST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
"""Whoever waits looks again after a pause that doubles up to this. A blocking ``flock`` has no time limit, and a pause hears signals."""


@dataclass(frozen=True)
class Waiting:
    """How long a writer waits for another one (not at all by default), and who is told, once, for whom."""

    limit: timedelta = timedelta(0)
    tell: Callable[[str], None] = lambda _: None


NO_WAITING = Waiting()


class LakeLock:
    """The lock of a local lake, or the lease of one on an object store; elsewhere writers find each other out when they commit.

    Args:
        location: the lake.
        waiting: how long to wait while another run holds the lock.
    """

    def __init__(self, location: Location, waiting: Waiting = NO_WAITING) -> None:
        self._location = location
        self._waiting = waiting
        self._descriptor: int | None = None
        self._lease = Lease(location) if is_object_store(location.url) else None

    @property
    def is_held(self) -> bool:
        """Whether no other run can be writing."""
        return self._descriptor is not None

    @property
    def is_contested(self) -> bool:
        """Whether another run may have opened the lake and go on, so that tables must be made to move."""
        return self._descriptor is None and (self._lease is None or self._lease.is_contested)

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            LakeLocked: another run holds it, and did so all the time.
            AccessDenied: the lake can't be written.
        """
        if self._lease is None and not self._location.is_local:
            return
        limit, started, pause = self._waiting.limit.total_seconds(), time.monotonic(), SHORTEST_PAUSE_SECONDS
        told = False
        while (holder := self._try()) is not None:
            waited = time.monotonic() - started
            if limit <= 0:
                raise LakeLocked(
                    f"lake {self._location.url} is being written by {holder}; run again when that has ended, or wait for it with --wait 2h"
                )
            if waited >= limit:
                raise LakeLocked(
                    f"lake {self._location.url} is being written by {holder}; waited {waited:,.0f} s for it; "
                    "run again when that has ended, or wait longer"
                )
            if not told:
                self._waiting.tell(f"lake {self._location.url} is being written by {holder}; waiting for it, {limit:,.0f} s at most")
                told = True
            time.sleep(min(pause, limit - waited))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _try(self) -> str | None:
        """Take the lock if it is free; else answer who holds it. The file is opened each time: it may be another lake's by now."""
        if self._lease is not None:
            return self._lease.try_acquire()
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
            return holder
        except OSError:  # a filesystem without locks: writers find each other out when they commit
            os.close(descriptor)
            return None
        holder = f"process {os.getpid()} on {socket.gethostname()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder.encode(), 0)
        self._descriptor = descriptor
        return None

    def release(self, *, clean: bool = True) -> None:
        """Give the lock back; ``clean`` says whether nothing that was begun under it can still take effect."""
        if self._lease is not None:
            self._lease.release(clean=clean)
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)  # the next one must not be taken for this one until it has written its own name
            os.close(self._descriptor)
            self._descriptor = None
