"""Finding every copy of an instance: among the units being committed, those that this run committed, and those that were there before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from dicomlake.duplicates import COPY_COLUMNS, KeyIndex, resolve
from dicomlake.errors import FileStatus
from dicomlake.lake import Table
from dicomlake.parts import PartFile, read_part

_READABLE = (FileStatus.INDEXED.value, FileStatus.DUPLICATE.value)


class CopyFinder:
    """Knows where SOPInstanceUIDs stand.

    Part files that this run added are looked up in an index of hashes; all others, those that the run found in the lake or wrote
    anew, are read through, one column, once for each group of units that is committed.
    """

    def __init__(self, files: Table) -> None:
        self._files = files
        self._index = KeyIndex()
        self._indexed_paths: list[str] = []

    def resolve(self, own_parts: Sequence[PartFile], former_uids: pl.Series, gone_urls: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """Decide between copies wherever a group of units makes a difference.

        Args:
            own_parts: the group's part files of `files`, not yet committed.
            former_uids: SOPInstanceUIDs that replaced or vanished files had.
            gone_urls: urls (column ``url``) whose rows in the lake are about to go.

        Returns:
            The resolved copies (see ``duplicates.resolve``) with ``committed``, whether the row is in the lake already; and all
            SOPInstanceUIDs that were looked at again.
        """
        own = _read_copies(self._files, own_parts, None)
        hashes = KeyIndex.hashes(own["SOPInstanceUID"])
        known, part_numbers = self._index.find(hashes)
        suspects = own["SOPInstanceUID"].filter(pl.Series(known | _repeated(hashes), dtype=pl.Boolean))
        _, former_numbers = self._index.find(KeyIndex.hashes(former_uids))
        indexed = set(self._indexed_paths)
        plain = [part for path, part in self._files.parts.items() if path not in indexed]
        looked_up = [
            self._files.parts[self._indexed_paths[number]]
            for number in sorted(part_numbers | former_numbers)
            if self._indexed_paths[number] in self._files.parts
        ]
        wanted = pl.concat([suspects, former_uids])
        committed = [_read_copies(self._files, looked_up, wanted)]
        if plain:
            committed.append(_read_copies(self._files, plain, pl.concat([own["SOPInstanceUID"], former_uids])))
        there = pl.concat(committed).join(gone_urls, on="url", how="anti").with_columns(committed=pl.lit(value=True))
        affected = pl.concat([suspects, former_uids, there["SOPInstanceUID"]]).unique()
        if affected.len() == 0:
            return resolve(own.clear()).with_columns(committed=pl.lit(value=True)), affected
        copies = pl.concat([own.with_columns(committed=pl.lit(value=False)), there])
        return resolve(copies.filter(pl.col("SOPInstanceUID").is_in(affected.implode()))), affected

    def remember(self, parts: Sequence[PartFile]) -> None:
        """Put part files that were just committed into the index."""
        for part in parts:
            uids = _read_copies(self._files, [part], None)["SOPInstanceUID"]
            self._index.add(KeyIndex.hashes(uids), len(self._indexed_paths))
            self._indexed_paths.append(part.path)


def _repeated(hashes: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    return counts[inverse] > 1


def _read_copies(table: Table, parts: Sequence[PartFile], wanted: pl.Series | None) -> pl.DataFrame:
    frames = [_EMPTY]
    for part in parts:
        if wanted is not None:
            # One column tells of nearly every part file that it holds none of them.
            uids = read_part(table.location, part, ["SOPInstanceUID"])["SOPInstanceUID"]
            if not uids.is_in(wanted.implode()).any():
                continue
        rows = read_part(table.location, part, COPY_COLUMNS).filter(pl.col("status").is_in(_READABLE))
        frames.append(rows if wanted is None else rows.filter(pl.col("SOPInstanceUID").is_in(wanted.implode())))
    return pl.concat(frames)


_EMPTY = pl.DataFrame(schema=dict.fromkeys(COPY_COLUMNS, pl.String))
