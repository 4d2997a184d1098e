"""Finding every copy of an instance: among the units being committed, those that this run committed, and those that were there before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import polars as pl

from dicomlake.duplicates.key_index import KeyIndex
from dicomlake.duplicates.resolution import COPY_COLUMNS, resolve
from dicomlake.errors import FileStatus
from dicomlake.parts import Location, PartFile, compact, open_part, side_by_side

_IS_READABLE = pl.col("status").is_in([FileStatus.INDEXED.value, FileStatus.DUPLICATE.value])


class FilesTable(Protocol):
    """The table `files`: where it is, and its part files by path, as they are now."""

    location: Location
    parts: dict[str, PartFile]


class CopyFinder:
    """Knows where SOPInstanceUIDs stand.

    Part files that this run added are looked up in an index of hashes. Those that it found in the lake are read through, one column, for
    the first group of units that is committed, which is all that most nights have; for the second they are put into the index too, so
    that a long run does not read the lake again and again.
    """

    def __init__(self, files: FilesTable) -> None:
        self._files = files
        self._index = KeyIndex()
        self._indexed_paths: list[str] = []
        self._numbers: dict[str, int] = {}
        self._read_through = False

    def resolve(self, own_parts: Sequence[PartFile], former_uids: pl.Series, gone_urls: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """Decide between copies wherever a group of units makes a difference.

        Args:
            own_parts: the group's part files of `files`, not yet committed.
            former_uids: SOPInstanceUIDs that replaced or vanished files had.
            gone_urls: urls (column ``url``) whose rows in the lake are about to go.

        Returns:
            The resolved copies (see ``resolution.resolve``) with ``committed``, whether the row is in the lake already; and all
            SOPInstanceUIDs that were looked at again.
        """
        own = _read_copies(self._files, own_parts, None)
        plain = self._not_indexed(any_wanted=own.height + former_uids.len() > 0)
        hashes = KeyIndex.hashes(own["SOPInstanceUID"])
        known, part_numbers = self._index.find(hashes)
        suspects = own["SOPInstanceUID"].filter(pl.Series(known | _repeated(hashes), dtype=pl.Boolean))
        _, former_numbers = self._index.find(KeyIndex.hashes(former_uids))
        looked_up = [
            self._files.parts[self._indexed_paths[number]]
            for number in sorted(part_numbers | former_numbers)
            if self._indexed_paths[number] in self._files.parts
        ]
        committed = [_read_copies(self._files, looked_up, pl.concat([suspects, former_uids]))]
        committed.append(_read_copies(self._files, plain, pl.concat([own["SOPInstanceUID"], former_uids])))
        there = pl.concat(committed).join(gone_urls, on="url", how="anti").with_columns(committed=pl.lit(value=True))
        affected = pl.concat([suspects, former_uids, there["SOPInstanceUID"]]).unique()
        if affected.len() == 0:
            return resolve(own.clear()).with_columns(committed=pl.lit(value=True)), affected
        copies = pl.concat([own.with_columns(committed=pl.lit(value=False)), there])
        return resolve(copies.filter(pl.col("SOPInstanceUID").is_in(affected.implode()))), affected

    def remember(self, parts: Sequence[PartFile], moved: Mapping[str, str]) -> None:
        """Take note of a commit: part files that it added, and the paths of those that were written anew, by the former one."""
        for former, path in moved.items():
            # It holds no more than the former one did.
            if (number := self._numbers.pop(former, None)) is not None:
                self._indexed_paths[number] = path
                self._numbers[path] = number
        for part in parts:
            self._add(part)

    def _not_indexed(self, *, any_wanted: bool) -> list[PartFile]:
        """The part files that are to be read through."""
        plain = [part for path, part in self._files.parts.items() if path not in self._numbers]
        if not any_wanted or not plain:
            return []
        if not self._read_through:
            self._read_through = True
            return plain
        for part in plain:
            self._add(part)
        return []

    def _add(self, part: PartFile) -> None:
        number = self._numbers[part.path] = len(self._indexed_paths)
        self._indexed_paths.append(part.path)
        with open_part(self._files.location, part) as opened:
            for group in opened.groups:
                rows = opened.frame(group, ("SOPInstanceUID", "status")).filter(_IS_READABLE)
                self._index.add(KeyIndex.hashes(rows["SOPInstanceUID"]), number)


def _repeated(hashes: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    return counts[inverse] > 1


def _read_copies(table: FilesTable, parts: Sequence[PartFile], wanted: pl.Series | None) -> pl.DataFrame:
    looked_for = None if wanted is None else wanted.unique().implode()

    def copies_in(part: PartFile) -> list[pl.DataFrame]:
        found = []
        with open_part(table.location, part) as opened:
            for group in opened.groups:
                # One column tells of nearly every row group that it holds none of them.
                if looked_for is not None and not opened.frame(group, ("SOPInstanceUID",))["SOPInstanceUID"].is_in(looked_for).any():
                    continue
                rows = opened.frame(group, COPY_COLUMNS).filter(_IS_READABLE)
                found.append(rows if looked_for is None else compact(rows.filter(pl.col("SOPInstanceUID").is_in(looked_for))))
        return found

    return pl.concat([_EMPTY, *(frame for found in side_by_side(copies_in, parts) for frame in found)])


_EMPTY = pl.DataFrame(schema=dict.fromkeys(COPY_COLUMNS, pl.String))
