"""A DICOMDIR as a listing. Its records name files relative to its folder (PS3.3 F.3, PS3.10 8), and are compared with that folder.

Names in a DICOMDIR are upper case and have no suffix, but a mounted medium or a copy of it may show them in lower case, or with ``.dcm``.
So a name that does not exist is replaced by one that differs only in case, else by one that differs only in a
suffix. The caller reads the records (`ReadFileIDs`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from dicomlake.urls import url_of_path

ReadFileIDs = Callable[[BinaryIO], Sequence[Sequence[str]]]
"""Answers the Referenced File ID (0004,1500) of each record that has one; raises ValueError for a file that can't be read."""

_BATCH_ROWS = 65_536
_BESIDE_FILES = {".", "..", ""}


@dataclass(frozen=True)
class DicomdirListing:
    """The files that a DICOMDIR names, as urls in its order, and messages about it."""

    urls: list[str]
    messages: tuple[str, ...]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Batches like those of a reader of lists; see `formats`."""
        for start in range(0, len(self.urls), _BATCH_ROWS):
            urls = self.urls[start : start + _BATCH_ROWS]
            yield pa.RecordBatch.from_arrays(
                [pa.array(range(start + 1, start + 1 + len(urls)), pa.int64()), pa.array(urls, pa.string())], names=["row", "url"]
            )


def is_dicomdir(opener: Callable[[], BinaryIO], location: str) -> bool:
    """Whether a list is DICOM by its content (PS3.10 7.1); lists of other formats can't be."""
    with closing(opener()) as stream:
        start = stream.read(132)
    return start[128:] == b"DICM" and not location.lower().endswith((".csv", ".parquet", ".pq", ".txt"))


def read_dicomdir(opener: Callable[[], BinaryIO], location: str, read_file_ids: ReadFileIDs, *, is_local: bool) -> DicomdirListing:
    """Read a DICOMDIR, and compare it with its folder if that is on this machine.

    Args:
        opener: opens it.
        location: its absolute path or url.
        read_file_ids: reads its records.
        is_local: whether ``location`` is a path.

    Raises:
        ValueError: it can't be read.
    """
    with closing(opener()) as stream:
        file_ids = read_file_ids(stream)
    names = [list(file_id) for file_id in file_ids]
    sound = [name for name in names if name and not any(part in _BESIDE_FILES or "/" in part or "\0" in part for part in name)]
    messages = []
    if len(sound) < len(names):
        messages.append(f"{len(names) - len(sound):,} of its file IDs do not name files below its folder, and were ignored")
    folder, _, own_name = location.rpartition("/")
    if not is_local:
        return DicomdirListing(["/".join((folder, *name)) for name in sound], tuple(messages))
    found = _Folders(folder)
    paths = [found.path_of(name) for name in sound]
    unnamed = _files_below(folder) - len({path for path in paths if os.path.isfile(path)}) - 1
    if unnamed > 0:
        messages.append(f"{unnamed:,} files beside {own_name} are not named in it, and were not indexed; index the folder to include them")
    return DicomdirListing([url_of_path(path) for path in paths], tuple(messages))


class _Folders:
    """The names in folders, regardless of case."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._names: dict[str, dict[str, str]] = {}

    def path_of(self, names: Sequence[str]) -> str:
        """The path of a file ID: as it is written, unless only another spelling exists."""
        path = self._root
        for name in names:
            there = self._names_in(path)
            known = there.get(name) or there.get(name.casefold()) or _with_suffix(name, there)
            path = f"{path}/{known or name}"
        return path

    def _names_in(self, folder: str) -> dict[str, str]:
        if folder not in self._names:
            try:
                names = sorted(os.listdir(folder or "/"))
            except OSError:
                names = []
            self._names[folder] = {name.casefold(): name for name in names} | {name: name for name in names}
        return self._names[folder]


def _with_suffix(name: str, there: dict[str, str]) -> str | None:
    """The name ``name.dcm``, else the only one that differs in a suffix or in a version number of ISO 9660."""
    folded = name.casefold()
    found = sorted({known for key, known in there.items() if key.startswith((f"{folded}.", f"{folded};"))})
    return there.get(f"{folded}.dcm") or (found[0] if len(found) == 1 else None)


def _files_below(folder: str) -> int:
    return sum(len(files) for _, _, files in os.walk(folder or "/"))
