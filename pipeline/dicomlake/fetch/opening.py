"""From a url to an open file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dicomlake.fetch.local import LocalSource
from dicomlake.fetch.remote import RemoteSource
from dicomlake.fetch.source import ByteSource
from dicomlake.fetch.url import is_local, local_path


def open_source(url: str, storage_options: Mapping[str, Any], size: int | None = None) -> ByteSource:
    """Open what a url stands for.

    Args:
        url: as in the column `url` of `files`.
        storage_options: for urls that are not local.
        size: bytes, where a listing says; spares an object store a request.

    Raises:
        ReadingStopped: it is not there, is no regular file, or can't be read.
    """
    if is_local(url):
        return LocalSource(local_path(url))
    return RemoteSource(url, storage_options, size)
