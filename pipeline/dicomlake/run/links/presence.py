"""Which targets are in the lake: looked up where their patients stand, then wherever the statistics of UIDs allow them to be."""

from __future__ import annotations

import polars as pl

from dicomlake.lake import KeyFinder, LakeWriter, Table
from dicomlake.parts import PartFile, open_part, side_by_side
from dicomlake.rollup.references import LEVEL, LEVELS, members, sorted_hashes, uid_hashes

_TABLES = {"instance": "instances", "series": "series", "study": "studies"}


def present_targets(writer: LakeWriter, wanted: pl.DataFrame) -> pl.DataFrame:
    """Find targets in the tables of the lake, which are rolled up already.

    Nearly all references stay within a patient, so a few row groups tell of most targets. Each row group is read once at most.

    Args:
        writer: the lake.
        wanted: ``level`` and ``uid`` of the targets, and ``PatientID`` of the objects that refer to them.

    Returns:
        ``level`` and ``uid`` of the targets that are there.

    Raises:
        LakeDamaged: a part file can't be read.
    """
    found = []
    for level, name in LEVELS.items():
        of_level = wanted.filter(pl.col("level") == level)
        if of_level.height:
            uids = _Search(writer.tables[_TABLES[level]], name).find(of_level.select(pl.col("uid").alias(name), "PatientID"))
            found.append(uids.alias("uid").to_frame().select(pl.lit(level, dtype=LEVEL).alias("level"), "uid"))
    return pl.concat([wanted.select("level", "uid").clear(), *found])


class _Search:
    """Looks for UIDs in one column of a table."""

    def __init__(self, table: Table, column: str) -> None:
        self._table = table
        self._column = column
        self._visited: set[tuple[str, int]] = set()

    def find(self, wanted: pl.DataFrame) -> pl.Series:
        """The UIDs that the table has; ``wanted`` has them in the column of that name, and ``PatientID`` where they may stand."""
        uids = wanted[self._column].unique()
        near = self._in_groups(uids, KeyFinder(wanted.drop_nulls().unique()))
        rest = uids.filter(~uids.is_in(near.implode()))
        return pl.concat([near, self._in_groups(rest, KeyFinder(rest.to_frame()))])

    def _in_groups(self, uids: pl.Series, finder: KeyFinder) -> pl.Series:
        """Those of some UIDs that stand in row groups of which the finder says that they may; not in row groups that were read."""
        looked_for, hashes = uids.implode(), sorted_hashes([uid_hashes(uids)])

        def found_in(part: PartFile) -> tuple[list[tuple[str, int]], list[pl.Series]]:
            visited, found = [], []
            with open_part(self._table.location, part, partition_by=self._table.partition_by) as opened:
                for group in opened.groups:
                    if (part.path, group.number) in self._visited or not finder.may_be_in(group):
                        continue
                    visited.append((part.path, group.number))
                    here = opened.frame(group, [self._column])[self._column]
                    # Most row groups have none, as their hashes tell; texts are looked up for the few others.
                    near = here.filter(pl.Series(members(uid_hashes(here), hashes), dtype=pl.Boolean))
                    if near.len():
                        found.append(near.filter(near.is_in(looked_for)).unique())
            return visited, found

        parts = [part for part in self._table.parts.values() if finder.may_be_in(part)]
        answers = side_by_side(found_in, parts)
        self._visited.update(place for visited, _ in answers for place in visited)
        return pl.concat([uids.clear(), *(series for _, found in answers for series in found)]).unique()
