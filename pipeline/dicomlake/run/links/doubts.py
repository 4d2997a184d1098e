"""The rows of a part file of `instance_references` whose `in_lake` may be wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from dicomlake.parts import Location, OpenPart, PartFile, RowGroup, open_part
from dicomlake.rollup.references import TARGET_COLUMNS, members, target_level, target_uid, uid_hashes
from dicomlake.run.links.changes import Hashes

_JUDGED = ("in_lake", "snapshot", *TARGET_COLUMNS)
_OTHERS = ("series_key", "PatientID")


@dataclass(frozen=True)
class Doubts:
    """Says which rows are doubtful.

    * A new row that says `false`: its unit knew its own instances alone.
    * A new row that says `true`, where a run that died may have written it.
    * An old row that says `false` where its target may have come.
    * Any row that says `true` where its target may have vanished.

    Attributes:
        first_new: the number of the run, which new rows have as their ``snapshot``.
        trusts_units: whether a new `true` is right unless its target vanished.
        came: the targets that came.
        vanished: the targets that vanished.
    """

    first_new: int
    trusts_units: bool
    came: Hashes
    vanished: Hashes

    def look_for(self, *, in_new: bool) -> bool:
        """Whether a part file can hold any; ``in_new`` says whether it may have new rows."""
        return in_new or any(map(len, (*self.came.values(), *self.vanished.values())))

    def rows_of(self, location: Location, part: PartFile, *, in_new: bool) -> pl.DataFrame:
        """The doubtful rows of a part file.

        Returns:
            ``group`` and ``row``, which say where a row stands, ``level`` and ``uid`` of its target, ``in_lake``, ``is_new``,
            ``series_key`` and ``PatientID``.

        Raises:
            LakeDamaged: the file can't be read.
        """
        with open_part(location, part) as opened:
            return pl.concat([_NO_DOUBTS, *(self._in_group(opened, group, in_new=in_new) for group in opened.groups)])

    def _in_group(self, opened: OpenPart, group: RowGroup, *, in_new: bool) -> pl.DataFrame:
        may_be_true = any(map(len, self.vanished.values())) or (in_new and not self.trusts_units)
        # Rows without a target in the lake are few: this column alone tells of most row groups that they hold none.
        if not may_be_true and opened.frame(group, ["in_lake"])["in_lake"].all():
            return _NO_DOUBTS
        rows = opened.frame(group, _JUDGED).with_row_index("row").filter(pl.col("in_lake").is_not_null())
        rows = rows.select(
            "row", "in_lake", level=target_level(), uid=target_uid(), is_new=(pl.col("snapshot") >= self.first_new) & pl.lit(in_new)
        )
        in_lake, is_new = rows["in_lake"].to_numpy(), rows["is_new"].to_numpy()
        doubtful = is_new & (~in_lake | (not self.trusts_units))
        doubtful |= ~in_lake & _are_among(rows, self.came)
        doubtful |= in_lake & _are_among(rows, self.vanished)
        chosen = rows.filter(pl.Series(doubtful))
        if chosen.height == 0:
            return _NO_DOUBTS
        others = opened.some_columns(group, _OTHERS, chosen["row"].to_numpy())
        found = chosen.hstack(others).with_columns(group=pl.lit(group.number, dtype=pl.UInt32))
        return found.select(_NO_DOUBTS.columns)


def _are_among(rows: pl.DataFrame, hashes: Hashes) -> np.ndarray:
    found = np.zeros(rows.height, dtype=bool)
    if not any(map(len, hashes.values())):
        return found
    of_rows = uid_hashes(rows["uid"])
    for level, ordered in hashes.items():
        found |= (rows["level"] == level).to_numpy() & members(of_rows, ordered)
    return found


_NO_DOUBTS = pl.DataFrame(
    schema={
        "group": pl.UInt32,
        "row": pl.UInt32,
        "level": pl.DataFrame(schema=dict.fromkeys(TARGET_COLUMNS, pl.String)).select(target_level()).to_series().dtype,
        "uid": pl.String,
        "in_lake": pl.Boolean,
        "is_new": pl.Boolean,
        "series_key": pl.String,
        "PatientID": pl.String,
    }
)
