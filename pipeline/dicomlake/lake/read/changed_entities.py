"""Patients, studies and series that came, went or changed between two snapshots, a row each."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dicomlake.lake.read.own_parts import OwnParts
from dicomlake.schema import Entity

_NOW = "_now"  # no column begins with an underscore


def changed_entities(key: Sequence[str], entity: Entity, before: OwnParts, after: OwnParts) -> pl.DataFrame:
    """The entities of one level that are not the same in both snapshots, in the order of their DICOM keys.

    Whole rows are read only of those that both snapshots have and that a run in between wrote: a row carries the number of the run in
    which it last changed, so one with an earlier number only stood in the same part file as another that changed.

    Args:
        key: the key of their table.
        entity: the entity that a row stands for.
        before: the earlier snapshot's part files.
        after: the later one's.

    Returns:
        ``change`` (``came``, ``went``, ``changed``), DICOM keys and description (of a changed one as it is now), ``instances_before``,
        ``instances_after``, and ``changed_attributes``: the names of the columns whose values differ, keys and snapshot aside; null
        except for ``changed``.
    """
    shown = (*entity.identifiers, *entity.description)
    was, now = (_known(own, key, entity) for own in (before, after))
    written = now.filter(pl.col("snapshot") > before.lake.snapshot)
    came = written.join(was, on=key, how="anti")
    went = was.join(now, on=key, how="anti")
    both = written.join(was.select(*key, instances_before="instances"), on=key, how="inner")
    differing = _differing(key, before.rows_with(both.select(key)), after.rows_with(both.select(key)))
    changed = both.join(differing, on=key, how="inner")
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
    return rows.select("change", *shown, "instances_before", "instances_after", "changed_attributes").sort(entity.identifiers)


def _known(own: OwnParts, key: Sequence[str], entity: Entity) -> pl.DataFrame:
    columns = [*key, *entity.identifiers, *entity.description, entity.instance_count, "snapshot"]
    empty = pl.DataFrame(own.lake.schema(own.table).empty_table()).select(columns)
    return pl.concat([empty, *own.read(columns)]).rename({entity.instance_count: "instances"})


def _differing(key: Sequence[str], was: pl.DataFrame | None, now: pl.DataFrame | None) -> pl.DataFrame:
    """Keys of rows that differ, and the names of the columns in which they do; a column that one side lacks is null there."""
    if was is None or now is None:
        return pl.DataFrame(schema={**dict.fromkeys(key, pl.String), "changed_attributes": pl.List(pl.String)})
    names = [name for name in dict.fromkeys([*now.columns, *was.columns]) if not name.endswith("_key") and name != "snapshot"]
    was = was.with_columns(pl.lit(None, now.schema[name]).alias(name) for name in names if name not in was.columns)
    now = now.with_columns(pl.lit(None, was.schema[name]).alias(name) for name in names if name not in now.columns)
    both = was.join(now, on=key, how="inner", suffix=_NOW)
    differs = [pl.when(pl.col(name).ne_missing(pl.col(name + _NOW))).then(pl.lit(name)) for name in names]
    named = both.select(*key, changed_attributes=pl.concat_list(differs).list.drop_nulls())
    return named.filter(pl.col("changed_attributes").list.len() > 0)
