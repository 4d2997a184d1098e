"""What came, went and changed between two snapshots of a lake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from dicomlake.errors import NotALake, UsageError
from dicomlake.lake.changed_counts import counted, counted_by_status, matched_files, matched_instances
from dicomlake.lake.changed_entities import LEVEL_KEYS, changed_entities
from dicomlake.lake.own_parts import OwnParts, own_parts

if TYPE_CHECKING:
    from dicomlake.lake.reader import Lake  # which imports this module


@dataclass(frozen=True, eq=False)
class LakeDiff:
    """The difference between two snapshots, as polars frames.

    Attributes:
        before: the number of the earlier snapshot.
        after: that of the later one.
        counts: for each ``table`` its rows ``before`` and ``after``, and how many ``came``, ``went`` and ``changed``. An instance changed
            where its header or its file did, a file where a listing or its reading says so.
        files: by ``status``, how many files ``came`` to have it, how many ``went`` from it, and how many ``changed`` and have it still.
        patients: those that are not the same in both: ``change`` (``came``, ``went`` or ``changed``), keys, ``instances_before``,
            ``instances_after``, and ``changed_attributes``, the names of the columns in which a row that changed differs.
        studies: studies likewise, with their parents' keys, date and description.
        series: series likewise, with modality and description.
    """

    before: int
    after: int
    counts: pl.DataFrame
    files: pl.DataFrame
    patients: pl.DataFrame
    studies: pl.DataFrame
    series: pl.DataFrame

    def level(self, name: str) -> pl.DataFrame:
        """``patients``, ``studies`` or ``series``."""
        return {"patients": self.patients, "studies": self.studies, "series": self.series}[name]


def diff(before: Lake, after: Lake) -> LakeDiff:
    """Compare a lake with itself at a later snapshot. What is read is what changed, and the rows beside it in the same part files.

    Raises:
        UsageError: the first is the later one.
        LakeDamaged: one of the two can't be read, any more perhaps.
    """
    if before.snapshot > after.snapshot:
        raise UsageError(f"snapshot {before.snapshot} is later than {after.snapshot}; name the earlier one first")
    counts: dict[str, dict[str, int]] = {}
    levels: dict[str, pl.DataFrame] = {}
    for level in LEVEL_KEYS:
        own = own_parts(before, after, level)
        levels[level] = changed_entities(level, *own)
        changes = levels[level]["change"]
        counts[level] = _counts(*own, {change: int((changes == change).sum()) for change in ("came", "went", "changed")})
    own = own_parts(before, after, "instances")
    counts["instances"] = _counts(*own, counted(matched_instances(*own)))
    own = own_parts(before, after, "files")
    files = matched_files(*own)
    counts["files"] = _counts(*own, counted(files))
    table = pl.DataFrame([{"table": name, **row} for name, row in counts.items()])
    return LakeDiff(before.snapshot, after.snapshot, table, counted_by_status(files), **levels)


def last_index(lake: Lake) -> tuple[int, int]:
    """The numbers of the last `index` that a lake shows, after that of the snapshot before it: what lies between them is what it brought.

    Upkeep that came later (an `optimize`, say) changed no row, but may have written all of them anew: with it, there would be much to read.

    Raises:
        NotALake: there are no two such snapshots.
    """
    runs = lake.snapshots.select("snapshot", "kind").collect()
    last = runs.filter(pl.col("kind") == "index")["snapshot"].max()
    earlier = runs.filter(pl.col("snapshot") < last)["snapshot"].max() if last is not None else None
    if not isinstance(last, int) or not isinstance(earlier, int):
        raise NotALake(f"{lake.location.url} has no snapshot before {lake.snapshot} to compare it with; the next run makes one")
    return earlier, last


def _counts(before: OwnParts, after: OwnParts, changes: dict[str, int]) -> dict[str, int]:
    return {"before": before.rows, "after": after.rows, **changes}
