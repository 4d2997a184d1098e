"""Reading part files into polars, by column; the partition column, which Delta keeps out of the file, is put back.

Polars is loaded when a part file is first read: a worker that only writes them starts sooner without it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dicomlake.errors import LakeDamaged
from dicomlake.parts.location import Location
from dicomlake.parts.part import PartFile

if TYPE_CHECKING:
    import polars as pl


def read_part(location: Location, part: PartFile, columns: Sequence[str] | None = None, *, partition_by: str | None = None) -> pl.DataFrame:
    """Read a part file (all columns, or some).

    Raises:
        LakeDamaged: the file is not there or can't be read.
    """
    import polars as pl  # noqa: PLC0415

    try:
        return _read(location, part, columns, partition_by)
    except (OSError, pl.exceptions.PolarsError) as error:
        lake = location.url
        raise LakeDamaged(
            f"part file {part.path} of table '{part.table}' of {lake} can't be read; run 'dicomlake verify {lake}'"
        ) from error


def _read(location: Location, part: PartFile, columns: Sequence[str] | None, partition_by: str | None) -> pl.DataFrame:
    import polars as pl  # noqa: PLC0415

    inside = None if columns is None else [name for name in columns if name != partition_by]
    path = location.join(part.table, *part.path.split("/"))
    if location.is_local:
        if os.stat(path).st_size != part.size:  # polars answers a file that was cut with a panic
            raise OSError(errno.EIO, "its size is not the one that was recorded")
        frame = pl.read_parquet(path, columns=inside, glob=False, hive_partitioning=False)
    else:
        with location.filesystem.open(path, "rb") as file:
            frame = pl.read_parquet(file, columns=inside)
    if partition_by is not None and (columns is None or partition_by in columns):
        frame = frame.with_columns(pl.lit(part.partition, dtype=pl.String).alias(partition_by))
        if columns is not None:
            frame = frame.select(columns)
    return frame


def read_parts(
    location: Location, parts: Iterable[PartFile], columns: Sequence[str] | None = None, *, partition_by: str | None = None
) -> pl.DataFrame | None:
    """Read several part files as one frame; None where there is none."""
    import polars as pl  # noqa: PLC0415

    frames = [read_part(location, part, columns, partition_by=partition_by) for part in parts]
    return pl.concat(frames, how="diagonal") if frames else None
