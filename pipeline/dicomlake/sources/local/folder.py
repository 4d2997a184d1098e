"""Folders of this machine, listed with ``os.scandir`` and one ``stat`` a file; only folders are opened.

``stat`` follows links, so one call answers for a file and for a link to it. Nearly all time is spent in ``scandir`` and ``stat``: the other
code is comprehensions over plain lists, which Arrow reads a batch at a time.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from dicomlake.errors import AccessDenied, FileCode
from dicomlake.printable import printable_line
from dicomlake.sources.batches import BatchBuilder, Defect
from dicomlake.sources.local.file import add_path, modified_times, reason, refusal
from dicomlake.sources.pattern import Pattern
from dicomlake.sources.walk import Opened, walk
from dicomlake.urls import path_of_url, url_of_path

_TYPE_BITS = stat.S_IFMT(0o777777)

_Identity = tuple[int, int]
_Chain = tuple["_Identity", "_Chain | None"]


@dataclass(frozen=True)
class LocalRules:
    """The rules of a walk: if it follows links to folders, and the folders it leaves out, by path, or by inode if it follows links."""

    follow_folder_links: bool
    excluded_paths: frozenset[str]
    excluded_identities: frozenset[tuple[int, int]]

    @classmethod
    def of(cls, root: str, exclude: Sequence[str], *, follow_folder_links: bool) -> LocalRules:
        """The rules for a walk from ``root``. If links are not followed, each folder below it has only one path to compare."""
        paths = set()
        identities = set()
        real_root = os.path.realpath(root)
        for folder in exclude:
            real = os.path.realpath(folder)
            if real == real_root or real.startswith(real_root.rstrip("/") + "/"):
                paths.add(os.path.normpath(os.path.join(root, os.path.relpath(real, real_root))))
            try:
                identities.add(_identity(os.stat(real)))
            except OSError:
                continue
        return cls(follow_folder_links, frozenset(paths), frozenset(identities))


def list_folder(path: str, rules: LocalRules, pattern: Pattern | None = None) -> Iterator[pa.RecordBatch]:
    """The batches of all files below a folder, or of those that match ``pattern``.

    Raises:
        SourceNotFound, AccessDenied: the folder itself can't be listed. No file may be taken for vanished then.
    """
    try:
        os.scandir(path).close()
    except OSError as error:
        raise refusal(path, error) from None
    root, defect = _open(path, rules, pattern, None)
    if defect is not None:
        raise AccessDenied(
            f"source {printable_line(path)}: {defect.message}; no file was marked as missing; check the folder and run again"
        )
    if root is not None:
        yield from walk(root)


class _LocalFolder:
    def __init__(
        self,
        path: str,
        entries: list[os.DirEntry[str]],
        rules: LocalRules,
        pattern: Pattern | None,
        chain: _Chain | None,
    ) -> None:
        self._path = path.rstrip("/") + "/"
        self._prefix = url_of_path(self._path)
        self._rules = rules
        self._pattern = pattern
        self._chain = chain
        follow = rules.follow_folder_links
        folders = [entry for entry in entries if _is_folder(entry, follow=follow)]
        if folders:
            entries = [entry for entry in entries if not _is_folder(entry, follow=follow)]
        if pattern is not None:
            entries = [entry for entry in entries if pattern.matches(entry.name)]
        names = [entry.name for entry in entries]
        # A plain path is the url too, without another string. Only names are kept, since an entry holds its whole path.
        self._is_plain = self._prefix == self._path and _are_plain(names)
        self.leaves: Sequence[str] = sorted(names if self._is_plain else map(url_of_path, names))
        self.folders: Sequence[str] = [url_of_path(entry.name) for entry in folders]

    def append(self, builder: BatchBuilder, start: int, stop: int) -> None:
        prefix = self._prefix
        urls = [prefix + name for name in self.leaves[start:stop]]
        paths: Sequence[str | bytes] = urls if self._is_plain else [path_of_url(url) for url in urls]
        look = os.stat
        try:
            status = [look(path) for path in paths]
        except OSError:
            status = []
        if {value.st_mode & _TYPE_BITS for value in status} == {stat.S_IFREG}:
            builder.extend(urls, [value.st_size for value in status], modified_times([value.st_mtime_ns for value in status]))
            return
        for url, path in zip(urls, paths, strict=True):
            add_path(builder, url, path)

    def open(self, name: str) -> Opened:
        raw = os.fsdecode(path_of_url(name))
        pattern = self._pattern
        if pattern is not None:
            pattern = pattern.below(raw)
            if pattern.nothing:
                return Opened(None, None)
            pattern = None if pattern.everything else pattern
        return _open(self._path + raw, self._rules, pattern, self._chain)


def _open(path: str, rules: LocalRules, pattern: Pattern | None, parents: _Chain | None) -> Opened:
    if path in rules.excluded_paths:
        return Opened(None, None)
    chain: _Chain | None = None
    entries: list[os.DirEntry[str]] = []
    defect = None
    try:
        if rules.follow_folder_links:
            identity = _identity(os.stat(path))
            if identity in rules.excluded_identities:
                return Opened(None, None)
            if _is_in(identity, parents):
                return Opened(
                    None, Defect(url_of_path(path), FileCode.NOT_REGULAR, "link loop: leads back to a folder above; not followed")
                )
            chain = (identity, parents)
        with os.scandir(path) as scan:
            entries.extend(scan)  # keeps what came before an error
    except OSError as error:
        defect = Defect(url_of_path(path), FileCode.UNREADABLE, f"folder can't be listed: {reason(error)}")
        if not entries:
            return Opened(None, defect)
    return Opened(_LocalFolder(path, entries, rules, pattern, chain), defect)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _is_in(identity: tuple[int, int], chain: _Chain | None) -> bool:
    while chain is not None:
        if chain[0] == identity:
            return True
        chain = chain[1]
    return False


def _is_folder(entry: os.DirEntry[str], *, follow: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:
        return False


def _are_plain(names: list[str]) -> bool:
    """Whether urls hold all names unchanged. In a locale without UTF-8, Python decodes names otherwise than urls do."""
    joined = "".join(names)
    if "\\" in joined:
        return False
    if joined.isascii():
        return True
    if sys.getfilesystemencoding() != "utf-8":
        return False
    try:
        joined.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
