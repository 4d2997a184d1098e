"""A whole file, with its pixels, as a binary file object: for people and programs, where engines read ranges of headers."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Mapping
from contextlib import closing
from typing import Any, BinaryIO, cast

from dicomlake.byte_source import ByteSource, ReadingStopped
from dicomlake.errors import ConfigurationError, FileUnreadable
from dicomlake.fetch.opener import Opener
from dicomlake.fetch.remote import filesystem_and_path
from dicomlake.printable import printable_line
from dicomlake.urls import archive_of, is_local, path_of_url

_PIECE_BYTES = 1 << 20
_NO_LIMIT = 1 << 62
"""The caller asks for the whole member, so nothing of it is too much. It is read in pieces, and ends where its data ends."""


def open_binary(url: str, storage_options: Mapping[str, Any]) -> BinaryIO:
    r"""Open a file at its first byte; it can be sought in.

    Args:
        url: as in the column ``url``; its escapes (``\xHH``, a doubled backslash) are undone. A member of an archive is read into memory.
        storage_options: of fsspec, for urls that are not local.

    Raises:
        ConfigurationError: an option refers to an environment variable that is not set.
        FileUnreadable: it is not there, is not a regular file, or can't be read.
    """
    if is_local(url):
        return _open_local(url)
    if archive_of(url) is not None:
        return _read_member(url, storage_options)
    try:
        store, path = filesystem_and_path(url, storage_options)
        return cast("BinaryIO", store.open(path, "rb"))
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - stores raise whatever their clients raise
        # The text of an error may hold urls and request ids, so only its type is shown.
        reason = "it is not there" if isinstance(error, FileNotFoundError) else type(error).__name__
        raise _unreadable(url, reason) from None


def _open_local(url: str) -> BinaryIO:
    try:
        path = path_of_url(url)
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise _unreadable(url, "it is not a regular file")
        return open(path, "rb")
    except OSError as error:
        raise _unreadable(url, os.strerror(error.errno or 0)) from None
    except ValueError:
        raise _unreadable(url, "the name holds a NUL byte") from None


def _read_member(url: str, storage_options: Mapping[str, Any]) -> BinaryIO:
    try:
        with closing(Opener(storage_options, unpacked_limit=_NO_LIMIT)) as opener, closing(opener(url, None)) as member:
            return io.BytesIO(_whole(member))
    except ReadingStopped as stopped:
        raise _unreadable(url, stopped.reason) from None


def _whole(member: ByteSource) -> bytes:
    pieces = []
    offset = 0
    while piece := member.read(offset, _PIECE_BYTES):
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)


def _unreadable(url: str, reason: str) -> FileUnreadable:
    return FileUnreadable(f"{printable_line(url)} can't be opened: {reason}; index its source again to see what is there now")
