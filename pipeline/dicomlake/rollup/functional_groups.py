"""Attributes of a series that its enhanced objects carry in functional groups alone.

An enhanced instance has no SliceThickness at top level: its frames have it. In `series` the frames then count as instances do. Each
distinct set of values is a row that stands for so many frames, and says nothing else of the instance.
"""

from __future__ import annotations

import polars as pl

from dicomlake.rollup.agree import WEIGHT
from dicomlake.schema import LakeSchema

OF_FRAMES = "_of_frames"
"""Marks the rows that stand for frames: whatever counts instances passes over them."""

_OTHER_NAMES = {
    "EchoTime": "EffectiveEchoTime",
    "InversionTime": "InversionTimes",
    "XRayTubeCurrent": "XRayTubeCurrentInmA",
    "ExposureTime": "ExposureTimeInms",
}
"""Attributes of `series` whose values frames have under another keyword, in the same unit."""


def attributes_of_frames(schema: LakeSchema) -> dict[str, str]:
    """The attributes of `series` that functional groups have too, each with its column of `frames`."""
    of_frames = {attribute.name for attribute in schema.frame_attributes}
    carried = [column.name for column in schema.declaration("series").carried(schema.columns)]
    names = {name: _OTHER_NAMES.get(name, name) for name in carried}
    return {name: column for name, column in names.items() if column in of_frames}


def frame_columns_needed(schema: LakeSchema) -> list[str]:
    """The columns of `frames` that `with_frames` needs."""
    return list(dict.fromkeys(["url", *attributes_of_frames(schema).values()]))


def with_frames(instances: pl.DataFrame, frames: pl.DataFrame | None, schema: LakeSchema) -> pl.DataFrame:
    """Add rows for the frames of instances that lack an attribute at top level.

    Args:
        instances: the rows from which `series` is rolled up, condensed, with ``url``.
        frames: ``frame_columns_needed``; None where there are none.
        schema: the lake's schema.

    Returns:
        The rows of ``instances``, and rows with ``OF_FRAMES`` beside those of their series.
    """
    if frames is None or frames.height == 0:
        return instances
    names = attributes_of_frames(schema)
    lacking = instances.select("url", "series_key", *(pl.col(name).is_null().alias(f"{name}:lacks") for name in names))
    joined = frames.select("url", *dict.fromkeys(names.values())).join(lacking, on="url", how="inner", maintain_order="left")
    types = instances.schema
    values = joined.select("series_key", *(_value(name, column, types[name], frames.schema[column]) for name, column in names.items()))
    values = values.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in names))
    if values.height == 0:
        return instances
    counted = values.group_by(values.columns, maintain_order=True).agg(pl.len().cast(pl.Int64).alias(WEIGHT))
    rows = [instances.with_columns(pl.lit(value=False).alias(OF_FRAMES)), counted.with_columns(pl.lit(value=True).alias(OF_FRAMES))]
    return pl.concat(rows, how="diagonal").sort("series_key", maintain_order=True)


def _value(name: str, column: str, wanted: pl.DataType, given: pl.DataType) -> pl.Expr:
    value = pl.col(column)
    if isinstance(given, pl.List) and not isinstance(wanted, pl.List):
        value = value.list.first()
    if wanted.is_integer():
        value = value.round()
    return pl.when(pl.col(f"{name}:lacks")).then(value.cast(wanted, strict=False)).alias(name)
