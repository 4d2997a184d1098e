"""The meaning of a SOURCE, from its text and from the existence of a local path."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum

from dicomlake.errors import ConfigurationError, SourceNotFound
from dicomlake.printable import printable_line
from dicomlake.sources.pattern import has_magic
from dicomlake.sources.remote.root import canonical_url, parts_of
from dicomlake.urls import FILE_SCHEME, is_local, url_of_path, without_credentials

STANDARD_INPUT = "-"
_DATED_MANIFEST = re.compile(r"/(?:\d{4}-\d\d-\d\dT\d\d-\d\dZ|\d{4}/\d\d/\d\d/\d\d-\d\d-\d\d)/(?=(?:[^/]+/)?[^/]*manifest\.json$)")
_FILE_SCHEME = re.compile(FILE_SCHEME)


class AddressKind(Enum):
    """The lister that a SOURCE needs."""

    LOCAL = "local"
    REMOTE = "remote"
    GIVEN = "given"


@dataclass(frozen=True)
class Address:
    """A SOURCE after parsing.

    Attributes:
        kind: the lister that it needs.
        location: the absolute local path, the url or the list; for a glob, the folder to search.
        pattern: the names of a glob below ``location``; empty if it is not a glob.
        name: see `Source`.
    """

    kind: AddressKind
    location: str
    pattern: tuple[str, ...]
    name: str


def address_of(text: str) -> Address:
    """Parse a SOURCE.

    ``@`` begins a list. An existing local path is taken as it is, with any letters in it. Otherwise ``scheme://`` begins a url, and ``*``,
    ``?`` or ``[`` make a glob (``?`` not in a web address).

    Raises:
        ConfigurationError: the text is empty, or can't be a path.
    """
    if not text or "\0" in text:
        raise ConfigurationError("SOURCE is empty; name a folder, a file, a glob, a url or @list")
    if text.startswith("@"):
        return _given(text[1:])
    if not os.path.lexists(text):
        if match := _FILE_SCHEME.match(text):
            return _local(text[match.end() :])
        if not is_local(text):
            return _remote(text)
    return _local(text)


def name_of_source(text: str) -> str:
    """The name that ``open_source(text, ...)`` gives, also for a source that does not exist any more.

    Raises:
        ConfigurationError: the text is empty, or can't be a path.
    """
    return address_of(text).name


def is_url(text: str) -> bool:
    """Whether a text is a url of fsspec and not a local path."""
    return not is_local(text) and _FILE_SCHEME.match(text) is None


def absolute_path(text: str) -> str:
    """The absolute form of a local path: ``~`` is expanded, links are not resolved, and a slash at the end is dropped.

    Raises:
        SourceNotFound: the path is relative, and the current folder was removed.
    """
    try:
        path = os.path.abspath(os.path.expanduser(text))
    except FileNotFoundError:
        raise SourceNotFound(
            f"{printable_line(text)} can't be found from the current folder, which was removed; name an absolute path"
        ) from None
    return "/" + path.lstrip("/")


def _local(text: str) -> Address:
    path = absolute_path(text)
    folder = path
    pattern: tuple[str, ...] = ()
    if has_magic(path) and not os.path.lexists(path):
        folder, pattern = _split_glob(path)
    try:
        name = url_of_path(path)
    except UnicodeEncodeError:
        raise ConfigurationError(f"SOURCE {printable_line(text)} holds half of a surrogate pair; name an existing path") from None
    return Address(AddressKind.LOCAL, folder, pattern, name)


def _split_glob(path: str) -> tuple[str, tuple[str, ...]]:
    """Split at the first name that is a pattern and does not exist as a name."""
    names = path.strip("/").split("/")
    for index, name in enumerate(names):
        above = "/" + "/".join(names[:index])
        if has_magic(name) and not os.path.lexists(os.path.join(above, name)):
            return above, tuple(names[index:])
    return path, ()


def _remote(text: str) -> Address:
    url = canonical_url(_with_absolute_end(text))
    name = without_credentials(url)
    head, tail = parts_of(url)
    scheme, slashes, path = head.rpartition("://")
    is_web = scheme in ("http", "https")
    names = path.split("/")
    magic = [index for index, part in enumerate(names) if has_magic(part.replace("?", "") if is_web else part)]
    if magic:
        folder = scheme + slashes + "/".join(names[: magic[0]]) + ("/" if is_web else "")
        return Address(AddressKind.REMOTE, folder + tail, tuple(names[magic[0] :]), name)
    # Only the slash at the end tells a folder of a web server from a file.
    typed_as_folder = is_web and (text.endswith("/") or "/" not in path)
    return Address(AddressKind.REMOTE, url + "/" if typed_as_folder else url, (), name)


def _with_absolute_end(url: str) -> str:
    """The url with an absolute path, where it is a chain that ends in a local path."""
    chain, separator, last = url.rpartition("::")
    if separator and "://" not in last:
        return chain + separator + absolute_path(last)
    return url


def _given(location: str) -> Address:
    if location == STANDARD_INPUT:
        return Address(AddressKind.GIVEN, location, (), "@-")
    if not location:
        raise ConfigurationError("SOURCE @ names no list; write @list.parquet, @list.csv, @list.txt, or @- for standard input")
    if is_url(location):
        url = canonical_url(location)
        return Address(AddressKind.GIVEN, url, (), "@" + _undated(without_credentials(url)))
    match = _FILE_SCHEME.match(location)
    path = absolute_path(location[match.end() :] if match else location)
    return Address(AddressKind.GIVEN, path, (), "@" + _undated(url_of_path(path)))


def _undated(manifest: str) -> str:
    """The name of a list without the date that a store put into it: the inventories of all nights are one source."""
    return _DATED_MANIFEST.sub("/", manifest)
