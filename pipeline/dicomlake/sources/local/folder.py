"""Folders of this machine, with one ``stat`` a file; only folders are opened.

``stat`` follows links, so one call answers for a file and for a link to it. The compiled core reads a folder of plain files in one call.
Everything else is looked at here. Where the disk is slow, files are looked at side by side, and the next folders are opened ahead of the
walk; the order of the rows stays that of the walk.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from dicomlake._core import look_at_folder
from dicomlake.errors import AccessDenied, FileCode
from dicomlake.printable import printable_line
from dicomlake.sources.batches import BatchBuilder, Defect
from dicomlake.sources.local.file import Found, add_found, modified_times, reason, refusal, status_of
from dicomlake.sources.local.looks import Looks
from dicomlake.sources.pattern import Pattern
from dicomlake.sources.walk import Opened, walk
from dicomlake.urls import path_of_url, url_of_path

_TYPE_BITS = stat.S_IFMT(0o777777)

_FOLDERS_AHEAD = 8
"""Of each folder on the way down so many next ones are opened ahead of the walk, where the disk is slow."""
_LEVELS_AHEAD = 3
"""So many levels below the folder that the walk is in."""
_FILES_AHEAD = 256
"""So many files of each such folder are looked at."""
_NAMES_AHEAD = 200_000
"""While so many names are held ahead of the walk, no other folder is opened ahead."""

_FILES_WORTH_A_FOLDER = 8
"""So many files are looked at relative to their open folder: the system need not go down the whole path for each."""

_URLS_ARE_PATHS = sys.getfilesystemencoding() == "utf-8"
"""Whether Python decodes names as urls do."""

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", 0)

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
    ahead = _Ahead(Looks(), rules)
    try:
        root, defect = ahead.open(path, pattern, None)
        if defect is not None:
            raise AccessDenied(
                f"source {printable_line(path)}: {defect.message}; no file was marked as missing; check the folder and run again"
            )
        if root is not None:
            yield from walk(root)
    finally:
        ahead.looks.close()


class _LocalFolder:
    """An open folder.

    Args:
        path: its path, with a slash behind it.
        leaves: the ends of the urls of its files.
        folders: the names of the folders in it, as in urls.
        is_plain: whether urls hold the path and all names of files unchanged.
        known: sizes and times of the files, where they are known.
    """

    def __init__(
        self,
        path: str,
        leaves: Sequence[str],
        folders: Sequence[str],
        ahead: _Ahead,
        *,
        is_plain: bool = True,
        known: tuple[list[int], list[int]] | None = None,
        pattern: Pattern | None = None,
        chain: _Chain | None = None,
    ) -> None:
        self._path = path
        self._prefix = path if is_plain else url_of_path(path)
        self.leaves = leaves
        self.folders = folders
        self._ahead = ahead
        self._is_plain = is_plain
        self._known = known
        self._pattern = pattern
        self._chain = chain
        self._opened_ahead: dict[str, Future[Opened | None]] = {}
        self._next_ahead = 0
        self._found: list[Found] = []

    @classmethod
    def of_entries(
        cls, path: str, entries: list[os.DirEntry[str]], ahead: _Ahead, pattern: Pattern | None, chain: _Chain | None
    ) -> _LocalFolder:
        """A folder of which the entries were read."""
        are_folders = ahead.are_folders(entries)
        folders: list[os.DirEntry[str]] = []
        if True in are_folders:
            folders = [entry for entry, is_folder in zip(entries, are_folders, strict=True) if is_folder]
            entries = [entry for entry, is_folder in zip(entries, are_folders, strict=True) if not is_folder]
        if pattern is not None:
            entries = [entry for entry in entries if pattern.matches(entry.name)]
        names = [entry.name for entry in entries]
        # A plain path is the url too, without another string. Only names are kept, since an entry holds its whole path.
        is_plain = url_of_path(path) == path and _are_plain(names)
        leaves = sorted(names if is_plain else map(url_of_path, names))
        return cls(
            path, leaves, sorted(url_of_path(entry.name) for entry in folders), ahead, is_plain=is_plain, pattern=pattern, chain=chain
        )

    @property
    def names(self) -> int:
        """The number of names that it holds."""
        return len(self.leaves) + len(self.folders)

    def append(self, builder: BatchBuilder, start: int, stop: int) -> None:
        urls = [self._prefix + name for name in self.leaves[start:stop]]
        if self._known is not None:
            sizes, modified = self._known
            builder.extend(urls, sizes[start:stop], modified[start:stop])
            return
        found = self._found[start:stop]
        found += self._look(start + len(found), stop)
        if stop >= len(self._found):
            self._found = []
        status = [value for value in found if isinstance(value, os.stat_result)]
        if len(status) == len(found) and {value.st_mode & _TYPE_BITS for value in status} == {stat.S_IFREG}:
            builder.extend(urls, [value.st_size for value in status], modified_times([value.st_mtime_ns for value in status]))
            return
        for url, value in zip(urls, found, strict=True):
            add_found(builder, url, path_of_url(url), value)

    def open(self, name: str) -> Opened:
        future = self._opened_ahead.pop(name, None)
        opened = None
        if future is not None:
            opened = future.result()
            self._ahead.forget(opened)
        if opened is None:
            opened = self._open(name)
        if self._ahead.looks.are_slow:
            self.look_ahead(_LEVELS_AHEAD, behind=name)
            if isinstance(opened.folder, _LocalFolder):
                opened.folder.look_ahead(_LEVELS_AHEAD)
        return opened

    def look_ahead(self, levels: int, behind: str = "") -> None:
        """Begin to open the next folders, and those below them."""
        if not levels:
            return
        self._next_ahead = max(self._next_ahead, bisect_right(self.folders, behind))
        while self._next_ahead < len(self.folders) and len(self._opened_ahead) < _FOLDERS_AHEAD:
            name = self.folders[self._next_ahead]
            self._next_ahead += 1
            self._opened_ahead[name] = self._ahead.looks.begin(self._open_ahead, name, levels - 1)

    def _open_ahead(self, name: str, levels: int) -> Opened | None:
        """Open a folder and look at its first files; None where too much is held already."""
        if self._ahead.is_full:
            return None
        opened = self._open(name)
        folder = opened.folder
        if isinstance(folder, _LocalFolder):
            self._ahead.hold(folder)
            folder.look_at_first_files()
            folder.look_ahead(levels)
        return opened

    def look_at_first_files(self) -> None:
        """Look at some files before rows are made of them."""
        if self._known is None:
            self._found = self._look(0, min(_FILES_AHEAD, len(self.leaves)))

    def _open(self, name: str) -> Opened:
        raw = os.fsdecode(path_of_url(name))
        pattern = self._pattern
        if pattern is not None:
            pattern = pattern.below(raw)
            if pattern.nothing:
                return Opened(None, None)
            pattern = None if pattern.everything else pattern
        return self._ahead.open(self._path + raw, pattern, self._chain)

    def _look(self, start: int, stop: int) -> list[Found]:
        leaves = self.leaves[start:stop]
        looks = self._ahead.looks
        if len(leaves) < _FILES_WORTH_A_FOLDER:
            paths = [self._path + name if self._is_plain else path_of_url(self._prefix + name) for name in leaves]
            return looks.all_of(status_of, paths) if looks.are_slow else [status_of(path) for path in paths]
        names: Sequence[str | bytes] = leaves if self._is_plain else [path_of_url(name) for name in leaves]
        try:
            folder = os.open(self._path, _OPEN_FOLDER)
        except OSError as error:
            return [error] * len(leaves)
        try:
            return looks.all_of(partial(status_of, folder=folder), names)
        finally:
            os.close(folder)


class _Ahead:
    """Opens folders for one walk, and knows how much is held of those that the walk has not come to."""

    def __init__(self, looks: Looks, rules: LocalRules) -> None:
        self.looks = looks
        self.rules = rules
        self._names = 0

    def are_folders(self, entries: Sequence[os.DirEntry[str]]) -> list[bool]:
        """Whether each entry is a folder to enter. Most file systems tell that with the names."""
        follow = self.rules.follow_folder_links
        if self.looks.are_slow or len(entries) > _FILES_AHEAD:
            return self.looks.all_of(partial(_is_folder, follow=follow), entries, may_be_known=True)
        return [_is_folder(entry, follow=follow) for entry in entries]

    @property
    def is_full(self) -> bool:
        return self._names > _NAMES_AHEAD

    def hold(self, folder: _LocalFolder) -> None:
        self._names += folder.names

    def forget(self, opened: Opened | None) -> None:
        if opened is not None and isinstance(opened.folder, _LocalFolder):
            self._names -= opened.folder.names

    def open(self, path: str, pattern: Pattern | None, parents: _Chain | None) -> Opened:
        """Open a folder; ``parents`` are the identities of those above it."""
        rules = self.rules
        if path in rules.excluded_paths:
            return Opened(None, None)
        if pattern is None and not rules.follow_folder_links and not self.looks.are_slow and _URLS_ARE_PATHS:
            plain = self._open_plain(path)
            if plain is not None:
                return Opened(plain, None)
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
            started = time.perf_counter()
            with os.scandir(path) as scan:
                entries.extend(scan)  # keeps what came before an error
            self.looks.note(time.perf_counter() - started)
        except OSError as error:
            defect = Defect(url_of_path(path), FileCode.UNREADABLE, f"folder can't be listed: {reason(error)}")
            if not entries:
                return Opened(None, defect)
        return Opened(_LocalFolder.of_entries(path.rstrip("/") + "/", entries, self, pattern, chain), defect)

    def _open_plain(self, path: str) -> _LocalFolder | None:
        """The folder, where everything in it is usual, in one call that leaves Python to other threads."""
        path = path.rstrip("/") + "/"
        if url_of_path(path) != path:
            return None
        started = time.perf_counter()
        content, is_slow = look_at_folder(path.encode())
        looks = 3 + (len(content[1]) if content is not None else 0)
        self.looks.note(time.perf_counter() - started if is_slow else (time.perf_counter() - started) / looks)
        if content is None:
            return None
        folders, leaves, sizes, modified = content
        return _LocalFolder(path, leaves, folders, self, known=(sizes, modified))


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
    if not _URLS_ARE_PATHS:
        return False
    try:
        joined.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
