"""A url that can be listed: its filesystem, and the spelling of the urls below it.

These urls are the SOURCE as it was typed plus names, because the paths of many filesystems lack the host or account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import fsspec
from fsspec.implementations.chained import ChainedFileSystem

from dicomlake.errors import ConfigurationError
from dicomlake.printable import printable_line
from dicomlake.sources.remote.filesystem import filesystem_of, refusal
from dicomlake.stores.built_in import BucketFilesystem
from dicomlake.stores.kinds import BUCKET_KINDS, CANONICAL_SCHEMES


@dataclass(frozen=True)
class RemoteRoot:
    """A child's url is ``prefix`` + its name + ``tail``; its path in ``filesystem`` is ``path`` + "/" + its name."""

    filesystem: fsspec.AbstractFileSystem
    path: str
    head: str
    tail: str
    typed_as_folder: bool
    excluded: frozenset[str]
    storage_options: Mapping[str, Any]

    @classmethod
    def of(cls, url: str, storage_options: Mapping[str, Any], exclude: Sequence[str] = ()) -> RemoteRoot:
        """Set up the filesystem of a url, without a request if the filesystem allows that.

        Raises:
            ConfigurationError, AccessDenied, SourceNotFound: see `filesystem_of`.
        """
        filesystem, path = filesystem_of(canonical_url(url), storage_options)
        head, tail = parts_of(url)
        is_folder = url.partition("::")[0].endswith("/")
        excluded = frozenset(canonical_url(folder) for folder in exclude)
        return cls(filesystem, path.rstrip("/"), head, tail, is_folder, excluded, storage_options)

    def naming_every_key(self) -> RemoteRoot:
        """The same url by a filesystem that can name all keys, also ``a//b`` and ``a/../b``. The client that is built in can't.

        Raises:
            ConfigurationError: its package is missing.
        """
        if not isinstance(self.filesystem, BucketFilesystem):
            return self
        try:
            filesystem, path = filesystem_of(self.url, self.storage_options, is_built_in=False)
        except ConfigurationError:
            package = BUCKET_KINDS[self.url.partition("://")[0]].fsspec_package
            raise ConfigurationError(
                f"source {printable_line(self.url)} holds keys that only {package} can name, such as a//b; "
                f"install it (pip install {package}), or rename them"
            ) from None
        return replace(self, filesystem=filesystem, path=path.rstrip("/"))

    @property
    def url(self) -> str:
        """The url itself."""
        return self.head + self.tail

    @property
    def prefix(self) -> str:
        """The beginning of the urls of all children."""
        return self.head if self.head.endswith("://") else self.head + "/"

    @property
    def is_http(self) -> bool:
        """Whether this is a web server, whose folders are pages of links."""
        return self.head.startswith(("http://", "https://"))

    def info(self) -> Mapping[str, Any]:
        """The description of the url itself: the only request for a SOURCE that is a file.

        Raises:
            SourceNotFound, AccessDenied: it is not there, or must not be read.
        """
        path = self.path + "/" if self.is_http and self.typed_as_folder else self.path
        try:
            found: Mapping[str, Any] = self.filesystem.info(path)
        except Exception as error:  # noqa: BLE001  (each fsspec implementation raises what it likes)
            raise refusal(self.url, error, self.storage_options) from None
        return found

    def is_folder(self, info: Mapping[str, Any]) -> bool:
        """Whether the url is a folder. On a web server only a slash at the end, typed or after a redirect, marks a folder."""
        if self.is_http:
            return self.typed_as_folder or str(info.get("url", "")).endswith("/")
        return info.get("type") == "directory"


def parts_of(url: str) -> tuple[str, str]:
    """Head and tail of a url, with the names of children between; ``zip://::s3://bucket/a.zip`` has the tail ``::s3://bucket/a.zip``."""
    first, separator, rest = canonical_url(url).partition("::")
    return (first, separator + rest) if separator and "://" in first else (first + separator + rest, "")


def canonical_url(url: str) -> str:
    """One spelling for equal urls: no slash at the end, ``zip::a`` as ``zip://::a``, the shortest name of a protocol."""
    first, separator, rest = url.partition("::")
    if separator and "://" not in first and not _wraps(first):
        first += "://"
    if separator and "://" not in first:
        return f"{first}::{canonical_url(rest)}"
    protocol, slashes, path = first.partition("://")
    protocol = CANONICAL_SCHEMES.get(protocol.lower(), protocol.lower())
    path = path.rstrip("/")
    if protocol == "memory":
        path = path.lstrip("/")
    return protocol + slashes + path + separator + rest


def _wraps(protocol: str) -> bool:
    """Whether a filesystem has no paths of its own and shows those of the next one, as a cache does."""
    try:
        return issubclass(fsspec.get_filesystem_class(protocol), ChainedFileSystem)
    except (ImportError, ValueError):
        return True
