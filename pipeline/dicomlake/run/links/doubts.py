"""The rows of a part file of `instance_references` whose `in_lake` may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
import pyarrow as pa

from dicomlake.parts import Location, OpenPart, PartFile, RowGroup, open_part
from dicomlake.rollup.references import LEVEL, TARGET_COLUMNS, members, sorted_hashes, target_level, target_uid, uid_hashes
from dicomlake.run.links.changes import Hashes

_READ = ("in_lake", "snapshot", *TARGET_COLUMNS, "series_key", "PatientID")


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
        near = self._near(opened, group, in_new=in_new)
        if len(near) == 0:
            return _NO_DOUBTS
        rows = opened.some_columns(group, _READ, near).with_columns(row=pl.Series(near, dtype=pl.UInt32)).drop_nulls("in_lake")
        rows = rows.with_columns(level=target_level(), uid=target_uid(), is_new=(pl.col("snapshot") >= self.first_new) & pl.lit(in_new))
        in_lake, is_new = rows["in_lake"].to_numpy(), rows["is_new"].to_numpy()
        doubtful = is_new & (~in_lake | (not self.trusts_units))
        doubtful |= ~in_lake & _are_among(rows, self.came)
        doubtful |= in_lake & _are_among(rows, self.vanished)
        found = rows.filter(pl.Series(doubtful, dtype=pl.Boolean)).with_columns(group=pl.lit(group.number, dtype=pl.UInt32))
        return found.select(_NO_DOUBTS.columns)

    def _near(self, opened: OpenPart, group: RowGroup, *, in_new: bool) -> np.ndarray:
        """The indices of rows that are to be looked at more closely: most row groups have none."""
        if in_new and not self.trusts_units:
            return np.arange(group.rows)
        near = np.empty(0, dtype=np.int64)
        if in_new or any(map(len, self.came.values())):
            near = opened.frame(group, ["in_lake"])["in_lake"].not_().fill_null(value=False).arg_true().to_numpy()
        lost = {name: hashes for name, hashes in self._lost_by_column().items() if len(hashes)}
        if lost:
            near = np.union1d(near, opened.rows_where(group, {name: partial(_have_hash, hashes) for name, hashes in lost.items()}))
        return near

    def _lost_by_column(self) -> dict[str, np.ndarray]:
        """The hashes of targets that vanished, by the column in which they may stand."""
        gone = self.vanished
        return {
            "ReferencedSOPInstanceUID": sorted_hashes([gone["instance"], gone["study"]]),
            "ReferencedSeriesInstanceUID": gone["series"],
            "ReferencedStudyInstanceUID": gone["study"],
        }


def _have_hash(hashes: np.ndarray, texts: pa.Array) -> np.ndarray:
    return members(uid_hashes(pl.Series(texts)), hashes)


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
        "level": LEVEL,
        "uid": pl.String,
        "in_lake": pl.Boolean,
        "is_new": pl.Boolean,
        "series_key": pl.String,
        "PatientID": pl.String,
    }
)
