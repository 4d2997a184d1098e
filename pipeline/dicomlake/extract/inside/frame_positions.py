"""Positions of frames that follow from the header: slices of an RT dose, tiles of a slide."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from dicomlake.extract.inside.frame_header import in_header

_POSITION = "ImagePositionPatient"
_MICROMETRES_A_MILLIMETRE = 1000.0


def of_dose(frames: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Give the frames of RT doses the positions that GridFrameOffsetVector says (PS3.3 C.8.8.3.2).

    Offsets that begin with 0 count from ImagePositionPatient along the normal of the slices; others are z of the patient. A vector that
    does not have a number for each frame says nothing, and then no frame has a position.
    """
    doses = kept.filter(pl.col(in_header("GridFrameOffsetVector")).is_not_null() & ~pl.col("functional_groups"))
    if doses.height == 0:
        return frames
    columns = ["file", "frames", in_header("GridFrameOffsetVector"), _POSITION, "ImageOrientationPatient"]
    rows: dict[str, list[Any]] = {"file": [], "frame_number": [], "dose_position": []}
    for file, count, offsets, position, orientation in doses.select(columns).iter_rows():
        rows["file"] += [file] * count
        rows["frame_number"] += range(1, count + 1)
        rows["dose_position"] += _dose_positions(offsets, position, orientation) if len(offsets) == count else [None] * count
    types: dict[str, pl.DataType | type[pl.DataType]] = {
        "file": frames.schema["file"],
        "frame_number": pl.Int64,
        "dose_position": pl.List(pl.Float64),
    }
    placed = frames.join(pl.DataFrame(rows, schema=types), on=["file", "frame_number"], how="left", maintain_order="left")
    is_dose = pl.col("file").is_in(doses["file"].implode())
    return placed.with_columns(pl.when(is_dose).then("dose_position").otherwise(_POSITION).alias(_POSITION)).drop("dose_position")


def _dose_positions(offsets: list[float | None], position: list[float | None] | None, orientation: list[float | None] | None) -> list[Any]:
    normal, first = normal_of(orientation), _numbers(position, 3)
    numbers = _numbers(offsets, len(offsets))
    if first is None or numbers is None or normal is None:
        return [None] * len(offsets)
    if numbers[0] != 0:
        return [[first[0], first[1], offset] for offset in numbers]
    return [[at + offset * along for at, along in zip(first, normal, strict=True)] for offset in numbers]


def _numbers(values: list[float | None] | None, count: int) -> list[float] | None:
    """The values, where there are so many and none is null."""
    numbers = [value for value in values or () if value is not None]
    return numbers if values is not None and len(values) == len(numbers) == count else None


def normal_of(orientation: list[float | None] | None) -> tuple[float, float, float] | None:
    """The cross product of the directions of rows and columns; None where ImageOrientationPatient is not six numbers."""
    numbers = _numbers(orientation, 6)
    if numbers is None:
        return None
    x, y, z, u, v, w = numbers
    return (y * w - z * v, z * u - x * w, x * v - y * u)


def of_tiles(frames: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Give tiles of slides that are TILED_FULL their positions (PS3.3 C.7.6.17.3).

    Tiles follow each other along a row of tiles, then row by row, then by focal plane, then by optical path or segment.
    """
    tiled = kept.filter(pl.col(in_header("DimensionOrganizationType")) == "TILED_FULL")
    if tiled.height == 0:
        return frames
    measures = frames.filter(pl.col("frame_number") == 1).select("file", "PixelSpacing", "SpacingBetweenSlices")
    columns = [
        "file",
        "frames",
        "Rows",
        "Columns",
        "TotalPixelMatrixRows",
        "TotalPixelMatrixColumns",
        in_header("TotalPixelMatrixFocalPlanes"),
        in_header("ImageOrientationSlide"),
        in_header("XOffsetInSlideCoordinateSystem"),
        in_header("YOffsetInSlideCoordinateSystem"),
    ]
    tiled = tiled.select(columns).join(measures, on="file", how="left")
    placed = [found for row in tiled.iter_rows() if (found := _tile_positions(frames, row)) is not None]
    if not placed:
        return frames
    positions = pl.concat(placed, how="diagonal")
    names = [name for name in positions.columns if name not in ("file", "frame_number")]
    joined = frames.join(positions, on=["file", "frame_number"], how="left", suffix=":tile", maintain_order="left")
    known = [name for name in names if name in frames.columns]
    return joined.with_columns(pl.coalesce(name, f"{name}:tile") for name in known).drop(f"{name}:tile" for name in known)


def _tile_positions(frames: pl.DataFrame, row: tuple[Any, ...]) -> pl.DataFrame | None:
    file, count, tile_rows, tile_columns, rows, columns, planes, orientation, x, y, spacing, between = row
    if not (tile_rows and tile_columns and rows and columns) or min(tile_rows, tile_columns, rows, columns) < 1:
        return None
    across, down = math.ceil(columns / tile_columns), math.ceil(rows / tile_rows)
    planes = planes or 1
    if planes < 1 or count % (across * down * planes):
        return None
    index = pl.int_range(count, dtype=pl.Int64)
    tile = index % (across * down)
    column, line, plane = (tile % across) * tile_columns, (tile // across) * tile_rows, index // (across * down) % planes
    positions = pl.select(
        pl.lit(file, dtype=frames.schema["file"]).alias("file"),
        (index + 1).alias("frame_number"),
        (column + 1).alias("ColumnPositionInTotalImagePixelMatrix"),
        (line + 1).alias("RowPositionInTotalImagePixelMatrix"),
    )
    directions, distances = _numbers(orientation, 6), _numbers(spacing, 2)
    if x is not None and y is not None and directions is not None and distances is not None:
        pairs = zip(directions[:3], directions[3:], strict=True)
        moved = [column * distances[1] * right + line * distances[0] * below for right, below in pairs]
        positions = positions.hstack(
            pl.select(
                (moved[0] + x).alias("XOffsetInSlideCoordinateSystem"),
                (moved[1] + y).alias("YOffsetInSlideCoordinateSystem"),
                # Z is in micrometres, all other lengths are in millimetres.
                (plane * (between or 0.0) * _MICROMETRES_A_MILLIMETRE).alias("ZOffsetInSlideCoordinateSystem"),
            )
        )
    return positions
