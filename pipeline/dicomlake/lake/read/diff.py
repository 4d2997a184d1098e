"""The differences between two snapshots of a lake: rows that came, went and changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from dicomlake.errors import NotALake, UsageError
from dicomlake.lake.read.changed_counts import counted, counted_by_status, matched_rows
from dicomlake.lake.read.changed_entities import changed_entities
from dicomlake.lake.read.own_parts import OwnParts, own_parts
from dicomlake.lake.read.show import diff_html, diff_text
from dicomlake.lake.read.snapshot_view import SnapshotView
from dicomlake.schema import LakeSchema


@dataclass(frozen=True, eq=False, repr=False)
class LakeDiff:
    """The difference between two snapshots, as polars frames.

    Each level is an attribute too: ``diff.patients``, ``diff.studies``, ``diff.series``.

    Attributes:
        before: the number of the earlier snapshot.
        after: that of the later one.
        counts: for each ``table`` its rows ``before`` and ``after``, and how many ``came``, ``went`` and ``changed``. An instance changed
            where its header or its file did, a file where a listing or its reading says so.
        files: by ``status``, how many files ``came`` to have it, how many ``went`` from it, and how many ``changed`` and have it still.
        levels: by table, the patients, studies and series that are not the same in both: ``change`` (``came``, ``went`` or ``changed``),
            their DICOM keys and those of their parents, a description, ``instances_before``, ``instances_after``, and
            ``changed_attributes``, the names of the columns in which a row that changed differs.

    Example:
        >>> diff = dicomlake.Lake("lake").at(2).diff(1)
        >>> diff.before, diff.after, diff.studies.height
        (1, 2, 0)
    """

    before: int
    after: int
    counts: pl.DataFrame
    files: pl.DataFrame
    levels: Mapping[str, pl.DataFrame]

    def __repr__(self) -> str:
        """How much came, went and changed."""
        return diff_text(self)

    def _repr_html_(self) -> str:
        """Likewise for a notebook, with the first entities of each level."""
        return diff_html(self)

    def __getattr__(self, name: str) -> pl.DataFrame:
        """Each level is an attribute."""
        if name.startswith("_") or name == "levels" or name not in self.levels:
            raise AttributeError(f"LakeDiff has no attribute and no level '{name}'")
        return self.levels[name]


def diff(before: SnapshotView, after: SnapshotView) -> LakeDiff:
    """Compare a lake with itself at a later snapshot. Only part files that one of the two has are read.

    Raises:
        UsageError: the first is the later one.
        LakeDamaged: one of the two can't be read, any more perhaps.
    """
    if before.snapshot > after.snapshot:
        raise UsageError(f"snapshot {before.snapshot} is later than {after.snapshot}; name the earlier one first")
    counts: dict[str, dict[str, int]] = {}
    levels: dict[str, pl.DataFrame] = {}
    files = pl.DataFrame()
    schema = LakeSchema.build()
    for table in reversed(schema.roll_ups):
        if table.entity is not None:
            own = own_parts(before, after, table.name)
            levels[table.name] = changed_entities(table.key, table.entity, *own)
            changes = levels[table.name]["change"]
            counts[table.name] = _counts(*own, {change: int((changes == change).sum()) for change in ("came", "went", "changed")})
    for table in (*schema.roll_ups, *schema.unit_tables):
        if table.key and table.entity is None:
            own = own_parts(before, after, table.name)
            matched = matched_rows(table, *own, kept=["status"] if table.name == "files" else [])
            counts[table.name] = _counts(*own, counted(matched))
            if table.name == "files":
                files = counted_by_status(matched)
    rows = pl.DataFrame([{"table": name, **row} for name, row in counts.items()])
    return LakeDiff(before.snapshot, after.snapshot, rows, files, levels)


def last_index(lake: SnapshotView) -> tuple[int, int]:
    """The number of the snapshot before the last `index` that a lake shows, and that of this `index`.

    Later upkeep (an `optimize`, say) changed no row, but may have written all of them again: with it, there would be much to read.

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
