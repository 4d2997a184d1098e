"""The files that a query may read, as a file system for DuckDB: the part files that a snapshot pins, and nothing else.

A file has a name of our own, such as ``dicomlake://series/0.parquet``. So no path of this machine and no url of a bucket means anything to
a query. Nothing can be written, removed or listed.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import fsspec

from dicomlake.errors import DicomlakeError, LakeDamaged
from dicomlake.parts.location import Location

PROTOCOL = "dicomlake"
_PREFIX = f"{PROTOCOL}://"
_WRITTEN = datetime(2000, 1, 1, tzinfo=UTC)
"""The time that every file bears: none of them ever changes."""


@dataclass(frozen=True)
class LakeFile:
    """A file of a lake: its path as the location's filesystem wants it, and its size in bytes."""

    location: Location
    path: str
    size: int

    def read_range(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` up to ``end``; several threads may ask at once.

        Raises:
            OSError: they can't be read.
            DicomlakeError: the store refuses or fails.
        """
        return self.location.read_range(self.path, start, end)


class LakeFiles(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """A read-only file system that knows some files by names of our own.

    Args:
        files: each file by its name below ``dicomlake://``.

    Example:
        >>> LakeFiles({}).exists("dicomlake://series/0.parquet")
        False
    """

    protocol = PROTOCOL
    cachable = False  # fsspec would give one lake's files to another lake

    def __init__(self, files: Mapping[str, LakeFile]) -> None:
        super().__init__()
        self._files = dict(files)
        self._trouble: BaseException | None = None

    @property
    def names(self) -> list[str]:
        """The names of the files, below ``dicomlake://``."""
        return list(self._files)

    def add(self, name: str, file: LakeFile) -> None:
        """Let a further file be read."""
        self._files[name] = file

    def note_trouble(self, error: BaseException) -> None:
        """Keep the error of a read: DuckDB reports only its text."""
        self._trouble = self._trouble or error

    def trouble_of(self, lake: str, table: str | None = None) -> DicomlakeError:
        """The error of a lake that can't be read: the one that was kept, where a store refused or failed."""
        trouble, self._trouble = self._trouble, None
        if isinstance(trouble, DicomlakeError):
            return trouble
        what = f"a table of {lake}" if table is None else f"table '{table}' of {lake}"
        reason = f": {trouble.strerror}" if isinstance(trouble, OSError) and trouble.strerror else ""
        return LakeDamaged(f"{what} can't be read{reason}; run 'dicomlake verify {lake}'")

    @property
    def had_trouble(self) -> bool:
        """Whether a read failed."""
        return self._trouble is not None

    def open(self, path: str, mode: str = "rb", **_: object) -> OpenFile:
        """Open a file for reading.

        Raises:
            PermissionError: the mode is not ``rb``.
            FileNotFoundError: the query may not read such a file.
        """
        if mode != "rb":
            raise PermissionError(errno.EROFS, "a query writes no file", path)
        return OpenFile(self._file(path), self.note_trouble)

    def exists(self, path: str, **_: object) -> bool:
        """Whether the query may read such a file."""
        return self._name(path) in self._files

    def glob(self, path: str, **_: object) -> list[str]:
        """The file of this very name; patterns mean nothing."""
        return [self._name(path)] if self.exists(path) else []

    def size(self, path: str) -> int:
        """The bytes of a file."""
        return self._file(path).size

    def modified(self, path: str) -> datetime:
        """The same time for every file: none of them changes."""
        self._file(path)
        return _WRITTEN

    def info(self, path: str, **_: object) -> dict[str, Any]:
        """Name, size and type of a file."""
        return {"name": self._name(path), "size": self._file(path).size, "type": "file"}

    def ls(self, path: str, *_: object, **__: object) -> NoReturn:
        """Nothing is listed."""
        raise PermissionError(errno.EACCES, "a query lists no files", path)

    def _file(self, path: str) -> LakeFile:
        name = self._name(path)
        if name not in self._files:
            raise FileNotFoundError(errno.ENOENT, "a query reads the lake's own files", path)
        return self._files[name]

    @staticmethod
    def _name(path: str) -> str:
        return path.removeprefix(_PREFIX)


class OpenFile:
    """An open file of a lake.

    DuckDB lets several threads read one open file. Each of them seeks, then reads. So every thread has a position of its own, and a read
    names the bytes that it wants. The threads are DuckDB's, and Python forgets what it keeps for such a thread when a call ends. So the
    positions are kept by the thread's number.
    """

    def __init__(self, file: LakeFile, note_trouble: Callable[[BaseException], None]) -> None:
        self._file = file
        self._note_trouble = note_trouble
        self._positions: dict[int, int] = {}

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position of this thread."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._file.size}[whence]
        self._positions[threading.get_ident()] = position = base + offset
        return position

    def tell(self) -> int:
        """The position of this thread."""
        return self._positions.get(threading.get_ident(), 0)

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes at this thread's position, or all the rest."""
        start = self.tell()
        end = self._file.size if size < 0 else min(start + size, self._file.size)
        try:
            content = self._file.read_range(start, end) if end > start else b""
        except Exception as error:
            self._note_trouble(error)
            raise
        self._positions[threading.get_ident()] = start + len(content)
        return content

    def close(self) -> None:
        """Nothing is held open: DuckDB keeps many files, and closes them late."""
