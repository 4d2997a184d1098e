"""References from one object to another: their targets, and whether a target is in the lake.

A row of `instance_references` is judged: `in_lake` says whether its target has a row in `instances`. Some rows are not judged, and null:
a performed procedure step, a patient or a visit is not an object that files hold.

A unit judges its rows by its own instances, so most are right as it writes them. A `false` of a unit is a guess: the target may stand in
another unit, or in the lake. The run corrects these guesses when all units are there (`dicomlake.run.links`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl
import pyarrow as pa

from dicomlake.errors import FindingCode

LEVELS = {"instance": "SOPInstanceUID", "series": "SeriesInstanceUID", "study": "StudyInstanceUID"}
"""The levels of targets, and the column of `instances` that has their UIDs."""

LEVEL = pl.Enum(list(LEVELS))
"""The type of a column of levels."""

TARGET_UIDS = ("ReferencedSOPInstanceUID", "ReferencedSeriesInstanceUID", "ReferencedStudyInstanceUID")
"""The columns that may name the target, in the order in which they count."""

TARGET_COLUMNS = ("ReferencedSOPClassUID", *TARGET_UIDS, "element_path")
"""The columns that `target_level` and `target_uid` need; `is_judged` needs `relation` too."""

FINDING_COLUMNS = (
    "series_key",
    "study_key",
    "patient_key",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "relation",
    "element_path",
)
"""The columns of rows from which findings are made, beside those of the targets."""

_MANAGEMENT_CLASSES = "1.2.840.10008.3.1."
_STUDY_CLASSES = ("1.2.840.10008.3.1.2.3.1", "1.2.840.10008.3.1.2.3.2")
_STUDY_SEQUENCES = r"(^|\.)(RT)?ReferencedStudySequence$"
_MANAGED_SEQUENCES = r"(^|\.)Referenced(Patient|Visit)Sequence$"
_PROCEDURE_STEP = "performed-procedure-step"
_GROUP = ("series_key", "relation")


def is_judged() -> pl.Expr:
    """Whether the target of a row is an object that files hold.

    Service classes of management (PS3.4, UIDs below 1.2.840.10008.3.1) tell of patients, visits and procedure steps. Only Detached Study
    Management and its components name something that files hold: a study. Where the class is missing, the sequence tells.
    """
    sop_class = pl.col("ReferencedSOPClassUID")
    is_managed = sop_class.str.starts_with(_MANAGEMENT_CLASSES) & ~sop_class.is_in(_STUDY_CLASSES)
    is_managed = is_managed.fill_null(pl.col("element_path").str.contains(_MANAGED_SEQUENCES))
    names_any = pl.any_horizontal(pl.col(name).is_not_null() for name in TARGET_UIDS)
    return names_any & ~is_managed.fill_null(value=False) & pl.col("relation").ne_missing(_PROCEDURE_STEP)


def target_level() -> pl.Expr:
    """The level of a row's target: a key of ``LEVELS``."""
    is_study = pl.col("ReferencedSOPClassUID").is_in(_STUDY_CLASSES)
    is_study = is_study.fill_null(pl.col("element_path").str.contains(_STUDY_SEQUENCES)).fill_null(value=False)
    is_instance = pl.col("ReferencedSOPInstanceUID").is_not_null()
    level = (
        pl.when(is_instance & is_study)
        .then(pl.lit("study"))
        .when(is_instance)
        .then(pl.lit("instance"))
        .when(pl.col("ReferencedSeriesInstanceUID").is_not_null())
        .then(pl.lit("series"))
        .otherwise(pl.lit("study"))
    )
    return level.cast(LEVEL)


def target_uid() -> pl.Expr:
    """The UID of a row's target: of the instance, else of the series, else of the study."""
    return pl.coalesce(TARGET_UIDS)


def uid_hashes(uids: pl.Series) -> np.ndarray:
    """64-bit hashes of UIDs, stable within a process."""
    return uids.hash(seed=0).to_numpy()


def judged_in_unit(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Fill `in_lake` of the references of a unit by the instances of the unit.

    Args:
        tables: the rows that an engine answered, by table.

    Returns:
        The same tables. In `instance_references`, `in_lake` is null where a row is not judged.
    """
    references = tables["instance_references"]
    rows = pl.DataFrame(references.select([*TARGET_COLUMNS, "relation"])).select(judged=is_judged(), level=target_level(), uid=target_uid())
    is_here = pl.lit(value=False)
    for level, name in LEVELS.items():
        uids = pl.Series(tables["instances"][name]).drop_nulls().unique()
        is_here |= (pl.col("level") == level) & pl.col("uid").is_in(uids.implode())
    in_lake = rows.select(pl.when("judged").then(is_here)).to_series()
    return {**tables, "instance_references": references.append_column("in_lake", in_lake.to_arrow())}


class DanglingTargets:
    """Counts the targets that are not in the lake, by series and relation.

    Rows come in any order and in any number of frames. A target is remembered by a hash, so that memory is small: some 40 bytes each.
    """

    def __init__(self) -> None:
        self._targets: list[pl.DataFrame] = []
        self._described: list[pl.DataFrame] = []
        self._waiting = 0

    def add(self, rows: pl.DataFrame) -> None:
        """Take rows whose `in_lake` is false, with ``TARGET_COLUMNS`` and ``FINDING_COLUMNS``."""
        if rows.height == 0:
            return
        target = pl.struct(target_level().to_physical(), target_uid()).hash(seed=0).alias("target")
        self._targets.append(rows.select(pl.col("series_key").str.decode("hex"), "relation", target).unique(maintain_order=True))
        self._described.append(_first_of_groups(rows.select(FINDING_COLUMNS)))
        self._waiting += self._targets[-1].height
        if self._waiting > 1 << 20:
            self._condense()

    def findings(self) -> pl.DataFrame:
        """The findings, as rows of `findings` without ``snapshot``: one for each series and relation."""
        if not self._targets:
            return pl.DataFrame(schema={"series_key": pl.String, "code": pl.String})
        self._condense()
        counted = self._targets[0].group_by(_GROUP).agg(pl.len().alias("targets")).with_columns(pl.col("series_key").bin.encode("hex"))
        rows = self._described[0].join(counted, on=_GROUP, how="left", nulls_equal=True, maintain_order="left")
        return rows.select(
            "patient_key",
            "study_key",
            "series_key",
            "SeriesInstanceUID",
            "StudyInstanceUID",
            "PatientID",
            "element_path",
            level=pl.lit("series"),
            code=pl.lit(FindingCode.DANGLING_REFERENCE.value),
            message=_message(),
        )

    def _condense(self) -> None:
        self._targets = [pl.concat(self._targets).unique(maintain_order=True)]
        self._described = [_first_of_groups(pl.concat(self._described))]
        self._waiting = 0


def _first_of_groups(rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each series and relation: the smallest patient, and the smallest path."""
    ordered = rows.sort("PatientID", "patient_key")
    others = [name for name in rows.columns if name not in (*_GROUP, "element_path")]
    return ordered.group_by(_GROUP, maintain_order=True).agg(*(pl.col(name).first() for name in others), pl.col("element_path").min())


def _message() -> pl.Expr:
    many = pl.format("{} objects that the series refers to ({}) are not in the lake", "targets", pl.col("relation").fill_null("other"))
    one = pl.format("an object that the series refers to ({}) is not in the lake", pl.col("relation").fill_null("other"))
    return pl.when(pl.col("targets") == 1).then(one).otherwise(many)


def members(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which of some hashes stand in a sorted array.

    Example:
        >>> members(np.array([3, 1]), np.array([1, 2])).tolist()
        [False, True]
    """
    if len(ordered) == 0:
        return np.zeros(len(values), dtype=bool)
    places = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: np.ndarray = ordered[places] == values
    return found


def sorted_hashes(chunks: Iterable[np.ndarray]) -> np.ndarray:
    """All hashes of some arrays, sorted, each once."""
    return np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *chunks]))
