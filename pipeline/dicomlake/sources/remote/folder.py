"""Any filesystem of fsspec: object stores, http indexes, memory, chains. One ``ls`` lists a folder, and no file costs a request.

Size, modified time and etag come from the listing itself. Memory holds the entries of one folder: for a flat prefix of many millions of
keys an inventory (``@list``) is better.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.errors import FileCode, SourceNotFound
from dicomlake.printable import printable_line
from dicomlake.sources.batches import BatchBuilder, Defect
from dicomlake.sources.pattern import Pattern
from dicomlake.sources.remote.entry import etag_of, modified_of, size_of
from dicomlake.sources.remote.filesystem import refusal
from dicomlake.sources.remote.root import RemoteRoot
from dicomlake.sources.walk import Opened, walk

_Entry = Mapping[str, Any]


Bounds = tuple[str | None, str | None]


def list_root(root: RemoteRoot, pattern: Pattern | None = None, *, within: Bounds | None = None) -> Iterator[pa.RecordBatch]:
    """The batches of all files below a url, or of those that match ``pattern``, or the one row of a file.

    Args:
        root: the url.
        pattern: a glob that rows must match.
        within: only rows whose url is after the first of these and no later than the second; folders outside are not opened.

    Raises:
        SourceNotFound, AccessDenied: the url can't be listed, or the connection was lost. No file may be taken for vanished then.
    """
    info = root.info()
    if root.is_folder(info):
        opened = _open(root, root.path, "", pattern, within)
        if opened.folder is not None:
            for batch in walk(opened.folder):
                yield batch if within is None else _cut(batch, within)
    elif pattern is None:
        builder = BatchBuilder()
        builder.extend([_text(root.url)], [size_of(info)], [modified_of(info)], [etag_of(info)])
        yield builder.flush()
    else:
        raise SourceNotFound(f"source {printable_line(root.url)} is a file, not a folder: nothing can match below it")


class _RemoteFolder:
    def __init__(
        self, root: RemoteRoot, path: str, below: str, entries: list[_Entry], pattern: Pattern | None, within: Bounds | None
    ) -> None:
        self._root = root
        self._within = within
        self._path = path.strip("/")
        self._below = below  # the names of the folders between the source and this one, each followed by a slash
        self._pattern = pattern
        found: dict[str, _Entry] = {}
        folders: dict[str, tuple[str, str]] = {}
        for entry in entries:
            path_of_entry = self._path_of(entry)
            name = self._name(entry, path_of_entry)
            if name is None:
                continue
            if name and entry.get("type") == "directory":
                folders[_text(name)] = (name, path_of_entry)
            elif pattern is None or pattern.matches(name):
                found[_text(name + root.tail)] = entry
        self.leaves = sorted(found)
        self.folders = list(folders)
        self._entries: list[_Entry] = [found[leaf] for leaf in self.leaves]
        self._opened_as = folders

    def append(self, builder: BatchBuilder, start: int, stop: int) -> None:
        prefix = _text(self._root.prefix + self._below)
        urls = [prefix + leaf for leaf in self.leaves[start:stop]]
        entries = self._entries[start:stop]
        defects = {row: entry for row, entry in enumerate(entries) if entry.get("type") in ("directory", "other")}
        done = 0
        for row in [*defects, len(entries)]:
            files = entries[done:row]
            builder.extend(
                urls[done:row], [size_of(file) for file in files], [modified_of(file) for file in files], [etag_of(file) for file in files]
            )
            if row in defects:
                what = "keys below a folder without a name; not listed" if defects[row]["type"] == "directory" else "no regular file"
                builder.add(Defect(urls[row], FileCode.NOT_REGULAR, what))
            done = row + 1

    def open(self, name: str) -> Opened:
        own_name, path = self._opened_as[name]
        pattern = self._pattern
        if pattern is not None:
            pattern = pattern.below(own_name)
            if pattern.nothing:
                return Opened(None, None)
            pattern = None if pattern.everything else pattern
        if self._root.prefix + self._below + own_name in self._root.excluded:
            return Opened(None, None)
        if self._within is not None and _is_outside(_text(f"{self._root.prefix}{self._below}{own_name}/"), self._within):
            return Opened(None, None)
        return _open(self._root, path, f"{self._below}{own_name}/", pattern, self._within)

    def _path_of(self, entry: _Entry) -> str:
        """The path of an entry in the filesystem. Links of a web page are HTML text, and may have http for https."""
        path = str(entry["name"])
        if not self._root.is_http:
            return path
        return self._root.path.partition("://")[0] + "://" + html.unescape(path).partition("://")[2]

    def _name(self, entry: _Entry, path: str) -> str | None:
        """The name of an entry in this folder; empty for a key with an empty folder name; None for an entry of another folder."""
        folder = self._path
        rest = path.lstrip("/")
        if folder and not rest.startswith(folder):
            return None
        name = rest[len(folder) :].strip("/")
        if name == "":
            # Some tools mark a folder by an empty object with the name of the folder and a slash.
            is_marker = entry.get("type") != "directory" and not entry.get("size")
            return None if is_marker or rest == folder else name
        is_link_elsewhere = self._root.is_http and ("/" in name or name.startswith(("?", "#")))
        return None if is_link_elsewhere or (folder and rest[len(folder)] != "/") else name


def _open(root: RemoteRoot, path: str, below: str, pattern: Pattern | None, within: Bounds | None) -> Opened:
    try:
        entries = root.filesystem.ls(path.rstrip("/") + "/" if root.is_http else path.rstrip("/"), detail=True)
    except Exception as error:  # noqa: BLE001  (each fsspec implementation raises what it likes)
        if below and isinstance(error, (FileNotFoundError, PermissionError)):
            what = "no access" if isinstance(error, PermissionError) else "vanished while listing"
            url = _text(root.prefix + below.rstrip("/") + root.tail)
            return Opened(None, Defect(url, FileCode.UNREADABLE, f"folder can't be listed: {what}"))
        raise refusal(root.url, error, root.storage_options) from None
    root.filesystem.dircache.clear()  # otherwise a listing of millions of folders stays in memory
    return Opened(_RemoteFolder(root, path, below, entries, pattern, within), None)


def _is_outside(folder: str, within: Bounds) -> bool:
    """Whether no url in a folder (with a slash at its end) is between the bounds."""
    after, end = within
    return (after is not None and after >= folder and not after.startswith(folder)) or (end is not None and folder > end)


def _cut(batch: pa.RecordBatch, within: Bounds) -> pa.RecordBatch:
    after, end = within
    if after is not None:
        batch = batch.filter(pc.greater(batch.column("url"), after))
    return batch if end is None else batch.filter(pc.less_equal(batch.column("url"), end))


def _text(name: str) -> str:
    """A name as in a url: halves of surrogate pairs, which UTF-8 can't hold, become escapes."""
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode("utf-8")
