"""The row of one local path, from one ``stat``.

A path that is not a regular file gets the code ``not-regular``; a path without a ``stat`` gets ``unreadable``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

import pyarrow as pa

from dicomlake.errors import AccessDenied, DicomlakeError, FileCode, SourceNotFound
from dicomlake.printable import printable_line
from dicomlake.sources.batches import BatchBuilder, Defect
from dicomlake.sources.listing import EARLIEST_MODIFIED, LATEST_MODIFIED
from dicomlake.urls import url_of_path

_TYPE_NAMES = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFDIR: "a folder",
}

Found = os.stat_result | OSError | ValueError
"""The answer of a look at a path."""


def list_file(path: str) -> Iterator[pa.RecordBatch]:
    """One batch with the row of one path."""
    builder = BatchBuilder()
    add_found(builder, url_of_path(path), path, status_of(path))
    yield builder.flush()


def status_of(path: str | bytes, folder: int | None = None) -> Found:
    """What stands at a path, or below an open folder; links are followed."""
    try:
        return os.stat(path, dir_fd=folder)
    except (OSError, ValueError) as error:  # ValueError: a NUL in a listed name
        return error


def add_found(builder: BatchBuilder, url: str, path: str | bytes, found: Found) -> None:
    """Add the row of one path at which this was found."""
    if isinstance(found, Exception):
        builder.add(Defect(url, FileCode.UNREADABLE, reason(found)))
        return
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFREG:
        builder.extend([url], [found.st_size], modified_times([found.st_mtime_ns]))
    elif kind == stat.S_IFDIR and os.path.islink(path):
        builder.add(Defect(url, FileCode.NOT_REGULAR, "link to a folder; not followed"))
    else:
        builder.add(Defect(url, FileCode.NOT_REGULAR, _TYPE_NAMES.get(kind, "no regular file")))


def modified_times(nanoseconds: list[int]) -> Sequence[int | None]:
    """Modified times in microseconds since 1970 UTC; null before year 1 and after 9999."""
    times = [value // 1000 for value in nanoseconds]
    if times and min(times) >= EARLIEST_MODIFIED and max(times) <= LATEST_MODIFIED:
        return times
    return [value if EARLIEST_MODIFIED <= value <= LATEST_MODIFIED else None for value in times]


def refusal(path: str, error: OSError | ValueError) -> DicomlakeError:
    """The exception for a SOURCE that can't be listed at all."""
    if isinstance(error, PermissionError):
        return AccessDenied(f"source {printable_line(path)} can't be read: {reason(error)}; run as a user who may, or grant access")
    if isinstance(error, (FileNotFoundError, NotADirectoryError, ValueError)):
        return SourceNotFound(f"source {printable_line(path)} is not there; check its spelling, and that its disk is mounted")
    return AccessDenied(f"source {printable_line(path)} can't be read: {reason(error)}; check its disk")


def reason(error: OSError | ValueError) -> str:
    """The reason of the system, in its own words, without the path."""
    return getattr(error, "strerror", None) or (str(error) if isinstance(error, ValueError) else type(error).__name__)
