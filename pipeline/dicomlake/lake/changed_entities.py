"""Patients, studies and series that came, went or changed between two snapshots, a row each."""

from __future__ import annotations

import polars as pl

from dicomlake.lake.own_parts import OwnParts
from dicomlake.schema import PATIENT_KEY, SERIES_KEY, STUDY_KEY

LEVEL_KEYS: dict[str, tuple[str, ...]] = {"patients": PATIENT_KEY, "studies": STUDY_KEY, "series": SERIES_KEY}
_SHOWN: dict[str, tuple[str, ...]] = {
    "patients": PATIENT_KEY,
    "studies": (*PATIENT_KEY, *STUDY_KEY, "StudyDate", "StudyDescription"),
    "series": (*PATIENT_KEY, *SERIES_KEY, "Modality", "SeriesDescription"),
}
"""Keys of the level and of its parents, and what a person knows an entity by; of one that changed as it is now."""

_COUNTS = {
    "patients": "NumberOfPatientRelatedInstances",
    "studies": "NumberOfStudyRelatedInstances",
    "series": "NumberOfSeriesRelatedInstances",
}
_NOW = "_now"  # no column begins with an underscore


def changed_entities(level: str, before: OwnParts, after: OwnParts) -> pl.DataFrame:
    """The entities of one level that are not the same in both snapshots, in the order of their keys.

    Whole rows are read only of those that both snapshots have and that a run in between wrote: a row carries the number of the run in
    which it last changed, so one with an earlier number only stood in the same part file as another that changed.

    Args:
        level: ``patients``, ``studies`` or ``series``.
        before: the earlier snapshot's part files.
        after: the later one's.

    Returns:
        ``change`` (``came``, ``went``, ``changed``), keys, ``instances_before``, ``instances_after``, and ``changed_attributes``: the
        names of the columns whose values differ, snapshot aside; null but for ``changed``.
    """
    keys = list(LEVEL_KEYS[level])
    was, now = _known(level, before), _known(level, after)
    written = now.filter(pl.col("snapshot") > before.lake.snapshot)
    came = written.join(was, on=keys, how="anti", nulls_equal=True)
    went = was.join(now, on=keys, how="anti", nulls_equal=True)
    both = written.join(was.select(*keys, instances_before="instances"), on=keys, how="inner", nulls_equal=True)
    differing = _differing(keys, before.rows_with(both.select(keys)), after.rows_with(both.select(keys)))
    changed = both.join(differing, on=keys, how="inner", nulls_equal=True)
    shown = _SHOWN[level]
    rows = pl.concat(
        [
            came.select(pl.lit("came").alias("change"), *shown, pl.lit(0, pl.Int64).alias("instances_before"), instances_after="instances"),
            went.select(pl.lit("went").alias("change"), *shown, instances_before="instances", instances_after=pl.lit(0, pl.Int64)),
            changed.select(
                pl.lit("changed").alias("change"), *shown, "instances_before", "changed_attributes", instances_after="instances"
            ),
        ],
        how="diagonal",
    )
    return rows.select("change", *shown, "instances_before", "instances_after", "changed_attributes").sort(_order(level))


def _known(level: str, own: OwnParts) -> pl.DataFrame:
    columns = [*_SHOWN[level], _COUNTS[level], "snapshot"]
    empty = pl.DataFrame(own.lake.schema(level).empty_table()).select(columns)
    return pl.concat([empty, *own.read(columns)]).rename({_COUNTS[level]: "instances"})


def _differing(keys: list[str], was: pl.DataFrame | None, now: pl.DataFrame | None) -> pl.DataFrame:
    """Keys of rows that differ, and the names of the columns in which they do; a column that one side lacks is null there."""
    if was is None or now is None:
        return pl.DataFrame(schema={**dict.fromkeys(keys, pl.String), "changed_attributes": pl.List(pl.String)})
    names = [name for name in dict.fromkeys([*now.columns, *was.columns]) if name not in keys and name != "snapshot"]
    was = was.with_columns(pl.lit(None, now.schema[name]).alias(name) for name in names if name not in was.columns)
    now = now.with_columns(pl.lit(None, was.schema[name]).alias(name) for name in names if name not in now.columns)
    both = was.join(now, on=keys, how="inner", nulls_equal=True, suffix=_NOW)
    differs = [pl.when(pl.col(name).ne_missing(pl.col(name + _NOW))).then(pl.lit(name)) for name in names]
    named = both.select(*keys, changed_attributes=pl.concat_list(differs).list.drop_nulls())
    return named.filter(pl.col("changed_attributes").list.len() > 0)


def _order(level: str) -> list[str]:
    return [name for name in _SHOWN[level] if name in PATIENT_KEY or name in LEVEL_KEYS[level]]
