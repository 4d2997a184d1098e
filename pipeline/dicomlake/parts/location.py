"""Where a lake is: a local folder, or a prefix of any store that fsspec knows."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

if TYPE_CHECKING:
    from dicomlake.stores import StoreFilesystem


@dataclass(frozen=True)
class Location:
    """A lake's root. ``url`` is an absolute local path, or a url with a scheme; ``storage_options`` go to fsspec.

    ``repr`` leaves the options out: they can hold credentials.
    """

    url: str
    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, url: str | os.PathLike[str], storage_options: Mapping[str, Any] | None = None) -> Location:
        """Make a location of what a user gave: a relative path becomes absolute, ``file://`` goes."""
        text = os.fspath(url)
        if text.startswith("file://"):
            text = text.removeprefix("file://")
        if "://" not in text:
            text = os.path.abspath(os.path.expanduser(text))
        if text.startswith("gcs://"):
            text = "gs" + text.removeprefix("gcs")  # deltalake understands another client by the longer name
        return cls(text.rstrip("/") or "/", dict(storage_options or {}))

    @cached_property
    def filesystem(self) -> fsspec.AbstractFileSystem:
        """The fsspec filesystem: in a bucket `StoreFilesystem`. It keeps no listings: tables are written past it."""
        return self._filesystem_and_path[0]

    @cached_property
    def _filesystem_and_path(self) -> tuple[fsspec.AbstractFileSystem, str]:
        from dicomlake.sources.remote.filesystem import options_of  # noqa: PLC0415 - a query of a local lake needs none of these
        from dicomlake.stores import StoreFilesystem, is_object_store  # noqa: PLC0415
        from dicomlake.stores.options import resolved  # noqa: PLC0415

        if is_object_store(self.url):
            return StoreFilesystem(self.url, self.storage_options), self.url.partition("://")[2].partition("/")[2]
        options = options_of(self.url, resolved(self.storage_options))
        filesystem, path = fsspec.core.url_to_fs(self.url, **(options if self.is_local else {**options, "use_listings_cache": False}))
        return filesystem, path

    @property
    def _store(self) -> StoreFilesystem | None:
        """The filesystem, where it is that of a bucket."""
        from dicomlake.stores import StoreFilesystem  # noqa: PLC0415 - likewise

        return self.filesystem if isinstance(self.filesystem, StoreFilesystem) else None

    @property
    def is_local(self) -> bool:
        """Whether the lake is a folder of this machine."""
        return "://" not in self.url

    def join(self, *names: str) -> str:
        """A path below the root, as the filesystem wants it."""
        root = self.url if self.is_local else self._filesystem_and_path[1]
        return "/".join((root, *names) if root else names)

    def open_part(self, path: str, size: int) -> IO[bytes]:
        """Open a file that is there for reading; ``size`` is what the log says of it, and spares a bucket the question."""
        store = self._store
        return cast("IO[bytes]", self.filesystem.open(path, "rb") if store is None else store.open(path, "rb", size=size))

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """The bytes of a file from ``start`` up to ``end``; several threads may ask at once.

        Raises:
            OSError: they can't be read, or are not there.
            DicomlakeError: the store refuses or fails.
        """
        if self.is_local:
            content = _pread(path, start, end)
        elif (store := self._store) is not None:
            content = store.read_range(path, start, end)
        else:
            content = cast("bytes", self.filesystem.cat_file(path, start=start, end=end))
        if len(content) != end - start:
            raise OSError(errno.EIO, "the file is shorter than it was", path)
        return content

    def open_new(self, *names: str) -> IO[bytes]:
        """Open a new file below the root for writing; folders are made, for the owner alone."""
        path = self.join(*names)
        if isinstance(self.filesystem, LocalFileSystem):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        return cast("IO[bytes]", self.filesystem.open(path, "wb"))

    def __getstate__(self) -> dict[str, Any]:
        """A filesystem holds connections and threads, and is made again where the location arrives."""
        return {"url": self.url, "storage_options": dict(self.storage_options)}


def _pread(path: str, start: int, end: int) -> bytes:
    """A range of a local file. One call of the system reads 2 GiB at most."""
    pieces = []
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while start < end and (piece := os.pread(descriptor, end - start, start)):
            pieces.append(piece)
            start += len(piece)
    finally:
        os.close(descriptor)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
