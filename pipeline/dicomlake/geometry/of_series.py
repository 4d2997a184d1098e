"""The geometry of a series, from that of its stacks."""

from __future__ import annotations

import polars as pl

from dicomlake.geometry.irregular import is_localizer
from dicomlake.geometry.stacks import REGULARITY_COLUMNS

SERIES_GEOMETRY_SCHEMA = pl.Schema(
    {
        "series_key": pl.String(),
        "stack_count": pl.Int64(),
        **dict.fromkeys(REGULARITY_COLUMNS, pl.Boolean()),
        "regularly_spaced_3d_volume": pl.Boolean(),
    }
)
"""The columns that `series` has of its stacks."""


def geometry_of_series(stacks: pl.DataFrame) -> pl.DataFrame:
    """Whether each series is a regular volume, or all of the volumes that it holds are.

    A column is true if it is true of each stack that is not a localizer, and false if it is false of one. It is null where all stacks are
    localizers, or where it is null of one stack and false of none.

    Args:
        stacks: rows of `stacks`, at least series_key, ImageType and the columns of regularity; all stacks of each series.

    Returns:
        A frame with ``SERIES_GEOMETRY_SCHEMA``, by series_key. ``stack_count`` counts all stacks, localizers too. A series without a stack
        has no row.

    Example:
        >>> stacks = pl.DataFrame(
        ...     {"series_key": ["a", "a"], "ImageType": [["ORIGINAL", "PRIMARY", "LOCALIZER"], ["ORIGINAL", "PRIMARY", "AXIAL"]]}
        ... ).with_columns(**{name: pl.Series([False, True]) for name in SERIES_GEOMETRY_SCHEMA.names()[2:]})
        >>> geometry_of_series(stacks).select("stack_count", "regularly_spaced_3d_volume").row(0)
        (2, True)
    """
    counted = ~is_localizer()
    names = [*REGULARITY_COLUMNS, "regularly_spaced_3d_volume"]
    folded = [pl.when(counted.any()).then(pl.col(name).filter(counted).all(ignore_nulls=False)).alias(name) for name in names]
    return (
        stacks.group_by("series_key")
        .agg(pl.len().cast(pl.Int64).alias("stack_count"), *folded)
        .sort("series_key")
        .select(pl.col(name).cast(type_) for name, type_ in SERIES_GEOMETRY_SCHEMA.items())
    )
