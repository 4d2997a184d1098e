"""Reading whole part files: some columns or all into polars, or every column of a schema into Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from dicomlake.parts.groups import open_part
from dicomlake.parts.location import Location
from dicomlake.parts.part import PartFile

if TYPE_CHECKING:
    import polars as pl


def read_part(location: Location, part: PartFile, columns: Sequence[str] | None = None, *, partition_by: str | None = None) -> pl.DataFrame:
    """Read a part file (all columns, or some); of those that it lacks, which are text, the values are null.

    Raises:
        LakeDamaged: the file is not there or can't be read.
    """
    with open_part(location, part, partition_by=partition_by) as opened:
        return opened.frame(None, columns)


def read_part_arrow(location: Location, part: PartFile, schema: pa.Schema, *, partition_by: str | None = None) -> pa.Table:
    """Read a whole part file as Arrow, which a wide row of nulls costs less than polars; columns that it lacks are null.

    Raises:
        LakeDamaged: the file is not there or can't be read.
    """
    with open_part(location, part, partition_by=partition_by) as opened:
        return opened.table(None, schema)


def uncompressed_size(location: Location, part: PartFile) -> int:
    """The bytes of a part file's rows before they were compressed, as its footer says.

    Raises:
        LakeDamaged: the file is not there or can't be read.
    """
    with open_part(location, part) as opened:
        return opened.uncompressed_size()


def read_parts(
    location: Location, parts: Iterable[PartFile], columns: Sequence[str] | None = None, *, partition_by: str | None = None
) -> pl.DataFrame | None:
    """Read several part files as one frame; None where there is none."""
    import polars as pl  # noqa: PLC0415 - a worker that only writes part files starts sooner without it

    frames = [read_part(location, part, columns, partition_by=partition_by) for part in parts]
    return pl.concat(frames, how="diagonal") if frames else None
