"""The rows that a run takes away from `instances` and `instance_references`, noted while it commits; and which targets came and vanished.

The notes spare the run a second look at part files that it wrote again. A run that died leaves changes without a note. They
are found by comparing the part files of now with those that the last snapshot pins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from dicomlake.lake import LakeWriter, RemovedKeys, Rewritten
from dicomlake.parts import Location, PartFile, open_part, side_by_side
from dicomlake.rollup.references import LEVELS, members, sorted_hashes, uid_hashes

Hashes = Mapping[str, np.ndarray]
"""Sorted hashes of UIDs, by level."""

_NOTED = {"instances": tuple(LEVELS.values()), "instance_references": ("series_key", "in_lake")}
_MOST_CHUNKS = 64


class LinkChanges:
    """The changes of a run that matter to references; memory is bounded by the rows that went, 8 bytes each.

    Args:
        writer: the lake, before the first commit of the run.

    Attributes:
        trusts_units: whether every new `true` was written by a unit of this run. A run that died leaves rows of units whose targets may
            have vanished since.
        removed_references: the series of which a reference went whose `in_lake` was false.
    """

    def __init__(self, writer: LakeWriter) -> None:
        table = writer.tables["instance_references"]
        self.trusts_units = table.parts.keys() == writer.pinned_parts(table.name).keys()
        self.removed_references = RemovedKeys(["series_key"])
        self._went: dict[str, list[np.ndarray]] = {level: [] for level in LEVELS}

    def noted(self, table: str) -> tuple[str, ...]:
        """The columns of a table that are to be noted of rows that go."""
        return _NOTED.get(table, ())

    def follow(self, table: str, rewritten: Rewritten) -> None:
        """Take note of part files in the lake that were written again with fewer rows."""
        if table == "instances":
            self._note_instances(rewritten, LEVELS)
        elif table == "instance_references":
            false = [None if noted is None else noted.filter(pl.col("in_lake").not_()) for noted in rewritten.noted]
            self.removed_references.follow(replace(rewritten, noted=tuple(false)))

    def follow_copies(self, table: str, rewritten: Rewritten) -> None:
        """Likewise of part files that were not committed yet. Their rows go because the lake has a better copy of each instance."""
        if table == "instances":
            self._note_instances(rewritten, ("series", "study"))

    def went(self) -> dict[str, np.ndarray]:
        """The UIDs of all instances that were noted, and of their series and studies: sorted hashes."""
        return {level: sorted_hashes(chunks) for level, chunks in self._went.items()}

    def _note_instances(self, rewritten: Rewritten, levels: Iterable[str]) -> None:
        for noted in rewritten.noted:
            if noted is None:
                continue
            for level in levels:
                chunks = self._went[level]
                chunks.append(np.unique(uid_hashes(noted[LEVELS[level]].drop_nulls())))
                if len(chunks) > _MOST_CHUNKS:
                    chunks[:] = [sorted_hashes(chunks)]


def uids_in(location: Location, parts: Iterable[PartFile], levels: Mapping[str, str], partition_by: str | None) -> dict[str, np.ndarray]:
    """The UIDs in some part files, as sorted hashes.

    Args:
        location: the lake.
        parts: the part files.
        levels: by level, the column that holds its UIDs.
        partition_by: the column by which their table is partitioned.

    Raises:
        LakeDamaged: a part file can't be read.
    """

    def of_part(part: PartFile) -> dict[str, np.ndarray]:
        hashes: dict[str, list[np.ndarray]] = {level: [] for level in levels}
        with open_part(location, part, partition_by=partition_by) as opened:
            for group in opened.groups:
                frame = opened.frame(group, list(levels.values()))
                for level, name in levels.items():
                    hashes[level].append(np.unique(uid_hashes(frame[name].drop_nulls())))
        return {level: sorted_hashes(chunks) for level, chunks in hashes.items()}

    found = side_by_side(of_part, list(parts))
    return {level: sorted_hashes(hashes[level] for hashes in found) for level in levels}


def without_hashes(hashes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The hashes that do not stand among others; both are sorted."""
    left: np.ndarray = hashes[~members(hashes, others)]
    return left
