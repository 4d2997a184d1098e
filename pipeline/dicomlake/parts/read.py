"""Reading part files, into polars by column or whole into Arrow; the partition column, which Delta keeps out of the file, is put back.

Polars is loaded when a part file is first read: a worker that only writes them starts sooner without it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from dicomlake.parts.groups import unreadable, with_schema
from dicomlake.parts.location import Location
from dicomlake.parts.part import PartFile

if TYPE_CHECKING:
    import polars as pl


def read_part(location: Location, part: PartFile, columns: Sequence[str] | None = None, *, partition_by: str | None = None) -> pl.DataFrame:
    """Read a part file (all columns, or some); of those that it lacks, which are text, the values are null.

    Raises:
        LakeDamaged: the file is not there or can't be read.
    """
    import polars as pl  # noqa: PLC0415

    try:
        return _read(location, part, columns, partition_by)
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise unreadable(location, part) from error


def _read(location: Location, part: PartFile, columns: Sequence[str] | None, partition_by: str | None) -> pl.DataFrame:
    import polars as pl  # noqa: PLC0415

    inside = None if columns is None else [name for name in columns if name != partition_by]
    path = location.join(part.table, *part.path.split("/"))
    if location.is_local:
        if os.stat(path).st_size != part.size:  # polars answers a file that was cut with a panic
            raise OSError(errno.EIO, "its size is not the one that was recorded")
        try:
            frame = pl.read_parquet(path, columns=inside, glob=False, hive_partitioning=False)
        except pl.exceptions.ColumnNotFoundError:  # it came to the table after this part file
            frame = pl.read_parquet(path, glob=False, hive_partitioning=False)
    else:
        with location.open_part(path, part.size) as file:
            # Polars would fetch all columns for the sake of one.
            frame = pl.DataFrame(pq.ParquetFile(file, pre_buffer=True).read(columns=inside))
    if partition_by is not None and (columns is None or partition_by in columns):
        frame = frame.with_columns(pl.lit(part.partition, dtype=pl.String).alias(partition_by))
    if columns is None:
        return frame
    absent = [name for name in columns if name not in frame.columns]
    return frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent).select(columns)


def read_part_arrow(location: Location, part: PartFile, schema: pa.Schema, *, partition_by: str | None = None) -> pa.Table:
    """Read a whole part file as Arrow, which a wide row of nulls costs less than polars; columns that it lacks are null.

    Raises:
        LakeDamaged: the file is not there or can't be read.
    """
    with _opened(location, part) as file:
        rows = file.read()
    return with_schema(rows, schema, part.partition, partition_by)


def uncompressed_size(location: Location, part: PartFile) -> int:
    """The bytes of a part file's rows before they were compressed, as its footer says.

    Raises:
        LakeDamaged: the file is not there or can't be read.
    """
    with _opened(location, part) as file:
        return sum(file.metadata.row_group(index).total_byte_size for index in range(file.num_row_groups))


@contextmanager
def _opened(location: Location, part: PartFile) -> Iterator[pq.ParquetFile]:
    path = location.join(part.table, *part.path.split("/"))
    try:
        with location.open_part(path, part.size) as file:
            yield pq.ParquetFile(file, pre_buffer=not location.is_local)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(location, part) from error


def read_parts(
    location: Location, parts: Iterable[PartFile], columns: Sequence[str] | None = None, *, partition_by: str | None = None
) -> pl.DataFrame | None:
    """Read several part files as one frame; None where there is none."""
    import polars as pl  # noqa: PLC0415

    frames = [read_part(location, part, columns, partition_by=partition_by) for part in parts]
    return pl.concat(frames, how="diagonal") if frames else None
