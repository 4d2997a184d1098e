"""Urls with a scheme, by fsspec: ranged requests to object stores, members of archives as streams.

The file objects of fsspec read megabytes ahead, a thousand times the size of a header. Requests for ranges (``cat_file``) read only the
range. A member of an archive would be unpacked from its start for every range, so only members are opened and read forward.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import fsspec
from fsspec.archive import AbstractArchiveFileSystem
from fsspec.core import split_protocol

from dicomlake.byte_source import ReadingStopped
from dicomlake.errors import ConfigurationError, FileCode
from dicomlake.stores.built_in import built_in_filesystem
from dicomlake.stores.options import resolved


class RemoteSource:
    """A file of an fsspec file system; see ``ByteSource``."""

    def __init__(self, url: str, storage_options: Mapping[str, Any], size: int | None = None) -> None:
        """Find a file.

        Args:
            url: as ``fsspec.open`` takes it, chained ones included.
            storage_options: for the store; of a chained url for the innermost one, unless they are keyed by protocol.
            size: its size in bytes, if a listing has it; otherwise the store is asked.

        Raises:
            ConfigurationError: an option refers to an environment variable that is not set.
            ReadingStopped: the store refuses.
        """
        self.bytes_read = 0
        self.requests = 0
        self.size = size
        self._member: Any = None
        try:
            self._store, self._path = filesystem_and_path(url, storage_options)
            if isinstance(self._store, AbstractArchiveFileSystem):
                self._member = self._store.open(self._path, "rb")
            if self.size is None:
                self.size = self._store.size(self._path)
                self.requests += 1
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 - stores raise whatever their clients raise
            raise _refusal(error) from None

    def read(self, offset: int, length: int) -> bytes:
        """Read ``length`` bytes at ``offset``; fewer only where the file ends.

        Raises:
            ReadingStopped: the store refuses.
        """
        if self.size is not None:
            length = min(length, self.size - offset)
        if length <= 0:
            return b""
        try:
            if self._member is not None:
                self._member.seek(offset)
                data = bytes(self._member.read(length))
            else:
                data = bytes(self._store.cat_file(self._path, start=offset, end=offset + length))
        except Exception as error:  # noqa: BLE001 - likewise
            raise _refusal(error) from None
        self.requests += 1
        self.bytes_read += len(data)
        return data

    def close(self) -> None:
        """Close the file."""
        if self._member is not None:
            self._member.close()


def filesystem_and_path(url: str, storage_options: Mapping[str, Any]) -> tuple[fsspec.AbstractFileSystem, str]:
    """The filesystem of a url and its path there; buckets of Google and Azure are read by the client that is built in.

    Raises:
        ConfigurationError: an option refers to an environment variable that is not set.
        Exception: whatever the filesystem raises where it can't be set up.
    """
    built_in = built_in_filesystem(url, storage_options, is_cached=True)
    if built_in is not None:
        return built_in
    filesystem, path = fsspec.core.url_to_fs(url, **options_of_chain(url, resolved(storage_options)))
    return filesystem, path


def options_of_chain(url: str, storage_options: Mapping[str, Any]) -> dict[str, Any]:
    """Storage options as fsspec wants them: of a chained url they are for the innermost store, unless they are keyed by protocol."""
    if "::" not in url:
        return dict(storage_options)
    protocols = [split_protocol(link)[0] or link for link in url.split("::")]
    if not storage_options or set(storage_options) <= set(protocols):
        return dict(storage_options)
    return {protocols[-1]: dict(storage_options)}


def _refusal(error: Exception) -> ReadingStopped:
    # The text of an error may hold urls and request ids, so only its type is shown.
    if isinstance(error, zipfile.BadZipFile | tarfile.TarError | zlib.error):
        return ReadingStopped(FileCode.CORRUPT_ARCHIVE, "the archive that holds it can't be unpacked")
    if isinstance(error, IsADirectoryError):
        return ReadingStopped(FileCode.NOT_REGULAR, "this is a folder")
    return ReadingStopped(FileCode.UNREADABLE, f"the file can't be read: {type(error).__name__}")
