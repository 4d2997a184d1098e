"""The finding `irregular-geometry`: stacks that should be a volume and can't be one, and why."""

from __future__ import annotations

import numpy as np
import polars as pl

from dicomlake.geometry.grouping import Floats, Numbers
from dicomlake.geometry.measures import (
    IN_PLANE_TOLERANCE_MM,
    SPACING_TOLERANCE,
    SortedSlices,
    Steps,
    spacing_of,
    steps_of,
)
from dicomlake.geometry.placed import PlacedSlices

FEWEST_SLICES = 3
"""A stack with fewer slices is not judged: one slice is not a volume, and the only step of two slices is even in any case."""

SHOWN_SLICES = 5
"""How many slices a message names."""

LOCALIZER = "LOCALIZER"
"""The value of ImageType (0008,0008) that tells a localizer from the slices that are planned on it (PS3.3 C.8.2.1.1.1, C.8.3.1.1.1)."""

CROSS_SECTIONAL_CLASSES: frozenset[str] = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{tail}"
    for tail in (
        "2",  # CT Image
        "2.1",  # Enhanced CT Image
        "2.2",  # Legacy Converted Enhanced CT Image
        "4",  # MR Image
        "4.1",  # Enhanced MR Image
        "4.3",  # Enhanced MR Color Image
        "4.4",  # Legacy Converted Enhanced MR Image
        "6.2",  # Enhanced US Volume
        "13.1.1",  # X-Ray 3D Angiographic Image
        "13.1.2",  # X-Ray 3D Craniofacial Image
        "13.1.3",  # Breast Tomosynthesis Image
        "128",  # Positron Emission Tomography Image
        "128.1",  # Legacy Converted Enhanced PET Image
        "130",  # Enhanced PET Image
        "481.2",  # RT Dose
    )
)
"""The SOP classes (PS3.4 B.5) whose slices make a volume. A segmentation is none of them: it may leave out frames that are empty."""

IRREGULAR_SCHEMA = pl.Schema({"series_key": pl.String(), "stack": pl.Int64(), "message": pl.String()})
"""The columns of what is irregular."""


def is_localizer() -> pl.Expr:
    """Whether ImageType has the value LOCALIZER."""
    return pl.col("ImageType").list.contains(LOCALIZER, nulls_equal=False).fill_null(value=False)


def irregular_geometry(slices: pl.DataFrame, placed: PlacedSlices, in_order: SortedSlices, rows: pl.DataFrame) -> pl.DataFrame:
    """Say of each stack that should be a volume, and can't be one, why, and name its first few slices.

    A stack should be a volume if it has three slices or more, its SOP class is cross-sectional, and it is not a localizer. A message holds
    numbers of slices and lengths; no attribute of a patient.

    Args:
        slices: a frame with ``SLICES_SCHEMA``.
        placed: its slices with position and orientation.
        in_order: these, sorted.
        rows: their rows of `stacks`, one for each stack of ``in_order``.

    Returns:
        A frame with ``IRREGULAR_SCHEMA``.
    """
    classes = slices["SOPClassUID"].gather(placed.rows[in_order.order[in_order.starts]])
    should_be = rows.select(
        ~pl.col("regularly_spaced_3d_volume") & (pl.col("slice_count") >= FEWEST_SLICES) & ~is_localizer()
    ).to_series() & classes.is_in(CROSS_SECTIONAL_CLASSES).fill_null(value=False)
    chosen = should_be.arg_true().to_numpy()
    if chosen.size == 0:
        return IRREGULAR_SCHEMA.to_frame()
    writer = _MessageWriter(slices, placed, in_order)
    found = rows[chosen]
    messages = [writer.message(int(stack), row) for stack, row in zip(chosen, found.iter_rows(named=True), strict=True)]
    return found.select("series_key", "stack", message=pl.Series(messages, dtype=pl.String))


class _MessageWriter:
    """Writes the message of a stack. It takes as many steps as the stack has slices."""

    def __init__(self, slices: pl.DataFrame, placed: PlacedSlices, in_order: SortedSlices) -> None:
        self._in_order = in_order
        self._placed = placed
        self._steps: Steps = steps_of(in_order)
        self._spacing = spacing_of(in_order, self._steps)
        count = in_order.starts.size
        self._first_step = np.searchsorted(self._steps.stacks, np.arange(count + 1))
        rows = placed.rows[in_order.order]
        self._frame_numbers = slices["frame_number"].gather(rows)
        self._instance_numbers = slices["InstanceNumber"].gather(rows)

    def message(self, stack: int, row: dict[str, object]) -> str:
        """The message of one stack, by its place in the sorted order and its row of `stacks`."""
        reasons = [*_of_orientation(row), *self._of_positions(stack, row), *self._of_plane(stack, row)]
        if not row["consistent_pixel_spacing"]:
            reasons.append("PixelSpacing is not the same in all slices")
        if not row["consistent_image_dimensions"]:
            reasons.append("Rows or Columns is missing")
        return f"stack {row['stack']} of {row['slice_count']} slices can't be a volume: {'; '.join(reasons)}"

    def _of_positions(self, stack: int, row: dict[str, object]) -> list[str]:
        in_order = self._in_order
        start, end = int(in_order.starts[stack]), int(in_order.ends[stack])
        reasons = []
        if not row["unique_slice_positions"]:
            repeated = start + np.flatnonzero(~in_order.is_new[start:end])
            reasons.append(f"{_counted(repeated.size, 'slice repeats', 'slices repeat')} a position: {self._named(repeated)}")
        if self._spacing.is_even[stack]:
            return reasons
        steps = slice(*self._first_step[stack : stack + 2].tolist())
        at, widths, multiples = self._steps.slices[steps], self._steps.widths[steps], self._steps.multiples[steps]
        missing = int(self._spacing.missing_slices[stack])
        if missing > 0:
            reasons.append(f"{_counted(missing, 'slice is', 'slices are')} missing, next to {self._named(at[multiples > 1])}")
        elif widths.size:
            reasons.append(f"steps between slices are {widths.min():.4g} to {widths.max():.4g} mm: {self._uneven(at, widths)}")
        return reasons

    def _uneven(self, at: Numbers, widths: Floats) -> str:
        usual = float(np.median(widths))
        return f"next to {self._named(at[np.abs(widths - usual) > SPACING_TOLERANCE * usual])}"

    def _of_plane(self, stack: int, row: dict[str, object]) -> list[str]:
        if row["consistent_in_plane_row"] and row["consistent_in_plane_col"]:
            return []
        if row["gantry_tilt_sheared"]:
            return ["slices are sheared evenly, as by a tilted gantry"]
        in_plane = self._in_order.in_plane[self._in_order.starts[stack] : self._in_order.ends[stack]]
        shifted = np.abs(in_plane - np.median(in_plane, axis=0)).max(axis=1) >= IN_PLANE_TOLERANCE_MM
        at = self._in_order.starts[stack] + np.flatnonzero(shifted)
        return [f"slices are shifted in their plane: {self._named(at)}"]

    def _named(self, at: Numbers) -> str:
        """The first few of some slices by InstanceNumber, and in objects of several frames by frame."""
        shown = at[:SHOWN_SLICES].tolist()
        frames = [self._frame_numbers[place] for place in shown]
        instances = [self._instance_numbers[place] for place in shown]
        left = f" and {at.size - len(shown)} more" if at.size > len(shown) else ""
        if all(frame is None for frame in frames):
            return f"InstanceNumber {', '.join('none' if one is None else str(one) for one in instances)}{left}"
        pairs = [_frame_name(frame, instance) for frame, instance in zip(frames, instances, strict=True)]
        return f"{', '.join(pairs)}{left}"


def _frame_name(frame: int | None, instance: int | None) -> str:
    of_instance = "no InstanceNumber" if instance is None else f"InstanceNumber {instance}"
    return of_instance if frame is None else f"frame {frame} ({of_instance})"


def _of_orientation(row: dict[str, object]) -> list[str]:
    reasons = []
    if not row["single_orientation"]:
        reasons.append("ImageOrientationPatient turns from slice to slice")
    if not row["orthogonal_orientation"]:
        reasons.append("rows and columns are not perpendicular unit vectors")
    return reasons


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"
