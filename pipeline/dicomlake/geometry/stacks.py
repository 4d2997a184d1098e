"""Stacks: the volumes that a series holds, and their geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from dicomlake.geometry.division import Division, divide, names_of
from dicomlake.geometry.grouping import Flags, Floats, Numbers, first_rows, most_frequent, ranked, refined
from dicomlake.geometry.irregular import IRREGULAR_SCHEMA, irregular_geometry
from dicomlake.geometry.measures import (
    SortedSlices,
    consistent_in_plane,
    follows_a_line,
    obliquity_degrees,
    orthogonal_orientation,
    single_orientation,
    sort_slices,
    spacing_of,
    steps_of,
)
from dicomlake.geometry.placed import PlacedSlices, placed_slices, vectors

OBLIQUE_BELOW = 0.8
"""A stack is oblique if no component of its normal is as large: it then lies more than 36.9 degrees from each plane of the patient. This is
the threshold of David Clunie's dicom3tools and PixelMed."""

_LAST = 2**63 - 1
"""Slices without a number are sorted behind those with one."""

_PLANES = np.array(["sagittal", "coronal", "axial"])

STACKS_SCHEMA = pl.Schema(
    {
        "series_key": pl.String(),
        "stack": pl.Int64(),
        "told_apart_by": pl.List(pl.String()),
        "slice_count": pl.Int64(),
        "position_count": pl.Int64(),
        "Rows": pl.Int64(),
        "Columns": pl.Int64(),
        "PixelSpacing": pl.List(pl.Float64()),
        "ImageOrientationPatient": pl.List(pl.Float64()),
        "SliceThickness": pl.Float64(),
        "ImageType": pl.List(pl.String()),
        "plane": pl.String(),
        "slice_axis": pl.List(pl.Float64()),
        "slice_spacing": pl.Float64(),
        "obliquity_degrees": pl.Float64(),
        "single_orientation": pl.Boolean(),
        "orthogonal_orientation": pl.Boolean(),
        "unique_slice_positions": pl.Boolean(),
        "consistent_in_plane_row": pl.Boolean(),
        "consistent_in_plane_col": pl.Boolean(),
        "consistent_pixel_spacing": pl.Boolean(),
        "consistent_image_dimensions": pl.Boolean(),
        "uniform_slice_spacing": pl.Boolean(),
        "regularly_spaced_3d_volume": pl.Boolean(),
        "missing_slices": pl.Int64(),
        "gantry_tilt_sheared": pl.Boolean(),
        "first_position": pl.List(pl.Float64()),
        "last_position": pl.List(pl.Float64()),
        "instances": pl.Int64(),
    }
)
"""The columns that `stacks` has of its own, in their order."""


@dataclass(frozen=True)
class Stacks:
    """The stacks of some series.

    Attributes:
        numbers: the column ``stack`` for the slices, in their order: from 1 in each series; null where a slice has no place.
        rows: a row for each stack, with ``STACKS_SCHEMA``, by series_key and stack.
        irregular: a row for each stack that should be a volume and can't be one: series_key, stack and message.
    """

    numbers: pl.Series
    rows: pl.DataFrame
    irregular: pl.DataFrame


def stacks_of(slices: pl.DataFrame) -> Stacks:
    """Divide the slices of each series into stacks, and measure them.

    Slices are told apart by SOPClassUID, Rows, Columns, ImageOrientationPatient and ImageType from its third value on. Then, as long as two
    slices of a stack share a position, by the next of ``DIVIDING_ATTRIBUTES`` in which slices at one position differ. A slice without
    ImagePositionPatient (PS3.3 C.7.6.2.1.1) or ImageOrientationPatient belongs to no stack.

    Each series is judged by itself, and the order of rows does not matter. So the answer is the same however series are dealt out to calls,
    as long as a call has all slices of its series. Time grows as ``n log n`` with the number of slices, whatever stands in them.

    Args:
        slices: a frame with ``SLICES_SCHEMA``: all slices of some series.

    Returns:
        The number of each slice's stack, the rows of `stacks`, and what is irregular.

    Example:
        >>> from dicomlake.geometry import slices_of, stacks_of
        >>> instances = pl.DataFrame(
        ...     {
        ...         "series_key": ["a"] * 3,
        ...         "SOPInstanceUID": ["1.1", "1.2", "1.3"],
        ...         "Rows": [64] * 3,
        ...         "Columns": [64] * 3,
        ...         "ImageOrientationPatient": [[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]] * 3,
        ...         "ImagePositionPatient": [[0.0, 0.0, z] for z in (5.0, 0.0, 2.5)],
        ...         "PixelSpacing": [[0.5, 0.5]] * 3,
        ...     }
        ... )
        >>> stacks = stacks_of(slices_of(instances))
        >>> stacks.numbers.to_list()
        [1, 1, 1]
        >>> stacks.rows.select("plane", "slice_spacing", "regularly_spaced_3d_volume").row(0)
        ('axial', 2.5, True)
    """
    numbers = np.zeros(slices.height, np.int64)
    placed = placed_slices(slices)
    if placed.rows.size == 0:
        nothing = pl.Series("stack", [None] * slices.height, pl.Int64)
        return Stacks(nothing, STACKS_SCHEMA.to_frame(), IRREGULAR_SCHEMA.to_frame())
    division = divide(slices, placed)
    numbers[placed.rows] = division.numbers[division.groups]
    names = slices.select(pl.col("InstanceNumber", "frame_number").fill_null(_LAST))[placed.rows].to_numpy().T
    in_order = sort_slices(placed, division.groups, names)
    rows = _rows(slices, placed, division, in_order)
    column = pl.Series("stack", numbers)
    return Stacks(column.set(column == 0, None), rows, irregular_geometry(slices, placed, in_order, rows))


def _rows(slices: pl.DataFrame, placed: PlacedSlices, division: Division, in_order: SortedSlices) -> pl.DataFrame:
    first, last = in_order.order[in_order.starts], in_order.order[in_order.ends - 1]
    spacing = spacing_of(in_order, steps_of(in_order))
    slice_count = in_order.ends - in_order.starts
    is_unique = spacing.position_count == slice_count
    in_plane = consistent_in_plane(in_order)
    is_single = single_orientation(in_order, placed)
    is_uniform = is_unique & spacing.is_even & (slice_count > 1)
    is_sheared = is_single & is_uniform & ~in_plane.all(axis=1) & follows_a_line(in_order)
    pixel_spacing, has_one_spacing = _pixel_spacing(slices, placed, division.groups)
    size = slices.select("Rows", "Columns")[placed.rows[first]]
    normals = in_order.axes[:, 2]
    nearest = np.abs(normals).max(axis=1) >= OBLIQUE_BELOW
    frame = pl.DataFrame(
        {
            "series_key": slices["series_key"].gather(placed.rows[first]),
            "stack": division.numbers,
            "told_apart_by": _told_apart_by(division.told_apart_by),
            "slice_count": slice_count,
            "position_count": spacing.position_count,
            "Rows": size["Rows"],
            "Columns": size["Columns"],
            "PixelSpacing": pixel_spacing,
            "ImageOrientationPatient": _lists(in_order.orientations),
            "SliceThickness": _agreed(slices["SliceThickness"], placed, division.groups),
            "ImageType": _agreed(slices["ImageType"], placed, division.groups),
            "plane": np.where(nearest, _PLANES[np.abs(normals).argmax(axis=1)], "oblique"),
            "slice_axis": _lists(normals),
            "slice_spacing": spacing.slice_spacing,
            "obliquity_degrees": obliquity_degrees(in_order.axes),
            "single_orientation": is_single,
            "orthogonal_orientation": orthogonal_orientation(in_order, placed),
            "unique_slice_positions": is_unique,
            "consistent_in_plane_row": in_plane[:, 0],
            "consistent_in_plane_col": in_plane[:, 1],
            "consistent_pixel_spacing": has_one_spacing,
            "uniform_slice_spacing": is_uniform,
            "missing_slices": spacing.missing_slices,
            "gantry_tilt_sheared": is_sheared,
            "first_position": _lists(placed.positions[first]),
            "last_position": _lists(placed.positions[last]),
            "instances": _instances(slices, placed, division.groups),
        }
    )
    several = pl.col("slice_count") > 1
    return (
        frame.with_columns(
            pl.col("slice_spacing").fill_nan(None),
            pl.when(pl.col("missing_slices") >= 0).then(pl.col("missing_slices")),
            pl.when(several).then(pl.col("uniform_slice_spacing")),
            consistent_image_dimensions=pl.col("Rows").is_not_null() & pl.col("Columns").is_not_null(),
        )
        .with_columns(regularly_spaced_3d_volume=several & pl.all_horizontal(pl.col(REGULARITY_COLUMNS).fill_null(value=False)))
        .select(pl.col(name).cast(type_) for name, type_ in STACKS_SCHEMA.items())
    )


REGULARITY_COLUMNS = (
    "single_orientation",
    "orthogonal_orientation",
    "unique_slice_positions",
    "consistent_in_plane_row",
    "consistent_in_plane_col",
    "consistent_pixel_spacing",
    "consistent_image_dimensions",
    "uniform_slice_spacing",
)
"""The columns that all are true of a regularly spaced volume."""


def _lists(values: Floats) -> pl.Series:
    return pl.Series(values, dtype=pl.Array(pl.Float64, values.shape[1])).cast(pl.List(pl.Float64))


def _told_apart_by(bits: Numbers) -> pl.Series:
    different, places = np.unique(bits, return_inverse=True)
    return pl.Series([names_of(int(one)) for one in different], dtype=pl.List(pl.String)).gather(places)


def _agreed(values: pl.Series, placed: PlacedSlices, groups: Numbers) -> pl.Series:
    """The most frequent value of each stack, the smallest where there is a tie; nulls don't count."""
    inside = values.gather(placed.rows)
    is_missing = inside.is_null() | (inside.is_nan() if inside.dtype.is_float() else False)
    return _at(inside, most_frequent(groups, ranked(inside), is_missing.fill_null(value=True).to_numpy()))


def _at(values: pl.Series, rows: Numbers) -> pl.Series:
    """The values of some rows, and null for row -1."""
    return values.gather(pl.Series(rows, dtype=pl.Int64).set(pl.Series(rows < 0), None).cast(pl.UInt32))


def _pixel_spacing(slices: pl.DataFrame, placed: PlacedSlices, groups: Numbers) -> tuple[pl.Series, Flags]:
    """The PixelSpacing of each stack, and whether each slice has it."""
    inside = slices["PixelSpacing"].gather(placed.rows)
    has_two = (inside.list.len() == 2).fill_null(value=False)  # noqa: PLR2004
    present = has_two.to_numpy().copy()
    pairs = np.full((groups.size, 2), np.nan)
    pairs[present] = vectors(inside.filter(has_two), 2)
    present &= np.isfinite(pairs).all(axis=1)
    first = first_rows(groups)
    if (pairs == pairs[first][groups]).all():  # NaN is not
        return inside.gather(first), np.ones(first.size, bool)
    ranks = np.zeros(groups.size, np.int64)
    for column in pairs.T:
        ranks = refined(ranks, ranked(pl.Series(column)))
    chosen = most_frequent(groups, ranks, ~present)
    differs = ~present | (ranks != ranks[chosen[groups]])
    is_one = np.ones(chosen.size, bool)
    is_one[groups[differs]] = False
    return _at(inside, chosen), is_one


def _instances(slices: pl.DataFrame, placed: PlacedSlices, groups: Numbers) -> Numbers:
    """The number of SOP instances in each stack: its slices that are instances, and the distinct instances of its frames."""
    is_frame = slices["frame_number"].gather(placed.rows).is_not_null().to_numpy()
    count = groups.max() + 1
    instances = np.bincount(groups[~is_frame], minlength=count)
    if is_frame.any():
        ranks = ranked(slices["SOPInstanceUID"].gather(placed.rows[is_frame]))
        width = ranks.max() + 1
        instances += np.bincount(np.unique(groups[is_frame] * width + ranks) // width, minlength=count)
    return instances
