"""Which of the entities that units rolled up are final: those that have no instance elsewhere, and lost none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from dicomlake.parts import Location, PartFile, open_part
from dicomlake.rollup.of_unit import UnitRollUp

_MOST = 1 / 2
_ENTITIES = {"key": pl.Binary, "unit": pl.UInt32, "instances": pl.Int32}


def entities_of_units(units: Sequence[UnitRollUp], level: str) -> pl.DataFrame:
    """The entities of a level in all units: ``key`` (16 bytes), ``unit`` (its index) and ``instances``, how many the unit has of it."""
    frames = [
        pl.DataFrame({"key": of_level.keys.cast("binary"), "instances": of_level.instances}).select(
            "key", pl.lit(number, dtype=pl.UInt32).alias("unit"), "instances"
        )
        for number, of_level in enumerate(unit.levels[level] for unit in units)
    ]
    return pl.concat([pl.DataFrame(schema=_ENTITIES), *frames])


def not_final(entities: pl.DataFrame, left: Mapping[int, pl.DataFrame], elsewhere: pl.Series) -> pl.DataFrame:
    """The entities of which a unit does not have all rows, or of which it lost some.

    Where that is so of most entities of a unit, all of them are answered: nearly nothing of its part file would stay.

    Args:
        entities: as `entities_of_units` answers them.
        left: of each unit with rows that went, the entities that it has still (``key``, ``left``); a unit loses rows and gains none, so an
            entity with as many rows as before has the same ones.
        elsewhere: keys (16 bytes) of entities that have or had rows outside these units.

    Returns:
        Rows of ``entities``.
    """
    lost = pl.lit(value=False)
    if left:
        counted = pl.concat([frame.with_columns(pl.lit(unit, dtype=pl.UInt32).alias("unit")) for unit, frame in left.items()])
        entities = entities.join(counted, on=["key", "unit"], how="left", maintain_order="left")
        lost = pl.col("unit").is_in(list(left)) & pl.col("left").ne_missing(pl.col("instances"))
    is_open = pl.col("key").is_duplicated() | pl.col("key").is_in(elsewhere.implode()) | lost
    share = is_open.mean().over("unit") if entities.height else pl.lit(0.0)
    return entities.filter(is_open | (share > _MOST)).select(list(_ENTITIES))


def keys_in(location: Location, parts: Iterable[PartFile], column: str, *, partition_by: str | None = None) -> Iterator[pl.Series]:
    """The keys in some part files, row group by row group, as binary values of 16 bytes.

    Raises:
        LakeDamaged: a part file can't be read.
    """
    for part in parts:
        with open_part(location, part, partition_by=partition_by) as opened:
            for group in opened.groups:
                yield opened.frame(group, [column])[column].str.decode("hex")


def in_hex(keys: pl.Series, name: str) -> pl.DataFrame:
    """Keys of 16 bytes as the tables have them."""
    return keys.bin.encode("hex").alias(name).to_frame()


def in_bytes(keys: pl.DataFrame) -> pl.Series:
    """Keys as the tables have them, in one column, as binary values of 16 bytes."""
    return keys.to_series().str.decode("hex")
