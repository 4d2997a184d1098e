"""The geometry of stacks: orientation, spacing, gaps and shear.

The definitions and tolerances are those of the Imaging Data Commons' ``volume_geometry_index``, except where a function says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dicomlake.geometry.division import ORIENTATION_TOLERANCE, along, new_positions
from dicomlake.geometry.grouping import Flags, Floats, Numbers, first_of_runs, smallest_vectors
from dicomlake.geometry.placed import PlacedSlices, axes

SPACING_TOLERANCE = 0.01
"""How far a step between slices may be from the spacing, as a part of it. highdicom has the same default."""

IN_PLANE_TOLERANCE_MM = 0.1
"""How far slices may be shifted along their rows or columns."""


@dataclass(frozen=True)
class SortedSlices:
    """Placed slices in the order of stack, height, position and number, so that no order of rows shows in an answer.

    Attributes:
        order: for each place in this order the index of the placed slice.
        groups: the stack of each slice.
        starts, ends: where each stack begins and ends (exclusive).
        heights: how far each slice lies along the normal of its stack, mm.
        in_plane: how far it lies along the rows and the columns, mm: shape (slices, 2).
        is_new: whether it lies at another position than the slice before.
        orientations: the orientation of each stack, the smallest of its slices': shape (stacks, 6).
        axes: its unit vectors along rows, columns and normal: shape (stacks, 3, 3).
    """

    order: Numbers
    groups: Numbers
    starts: Numbers
    ends: Numbers
    heights: Floats
    in_plane: Floats
    is_new: Flags
    orientations: Floats
    axes: Floats


def sort_slices(placed: PlacedSlices, groups: Numbers, names: Numbers) -> SortedSlices:
    """Sort the slices of stacks by height. At least one slice is needed.

    Args:
        placed: slices with position and orientation.
        groups: the stack of each slice, from 0 without a gap.
        names: the numbers by which people know a slice, which sort those that share a position: shape (numbers, slices).
    """
    orientations = smallest_vectors(groups, placed.orientations)
    of_stacks = axes(orientations)
    heights = along(placed.positions, of_stacks[groups, 2])
    order = np.lexsort((*names[::-1], *placed.positions.T[::-1], heights, groups))
    in_order, heights, positions = groups[order], heights[order], placed.positions[order]
    starts = first_of_runs(in_order)
    in_plane = np.stack([along(positions, of_stacks[in_order, side]) for side in (0, 1)], axis=1)
    return SortedSlices(
        order=order.astype(np.int64),
        groups=in_order,
        starts=starts,
        ends=np.append(starts[1:], in_order.size),
        heights=heights,
        in_plane=in_plane,
        is_new=new_positions(in_order, heights),
        orientations=orientations,
        axes=of_stacks,
    )


@dataclass(frozen=True)
class Steps:
    """The steps from each position of a stack to the next.

    Attributes:
        slices: the place, in the sorted order, of the slice from which a step begins.
        stacks: the stack of each step.
        widths: mm, above 0.
        multiples: how many steps of the smallest width each one is, rounded.
    """

    slices: Numbers
    stacks: Numbers
    widths: Floats
    multiples: Floats


@dataclass(frozen=True)
class Spacing:
    """How the positions of stacks follow each other, with one entry for each stack.

    Attributes:
        position_count: distinct positions.
        slice_spacing: (last - first) / (position_count - 1), mm; NaN below two positions.
        is_even: whether each step is the spacing within 1 %.
        missing_slices: the positions that even steps would leave empty; -1 where steps are not multiples of the smallest, or are none.
    """

    position_count: Numbers
    slice_spacing: Floats
    is_even: Flags
    missing_slices: Numbers


def steps_of(sorted_slices: SortedSlices) -> Steps:
    """The steps between neighbouring positions of each stack."""
    at = np.flatnonzero(sorted_slices.is_new)
    groups = sorted_slices.groups[at]
    inside = np.flatnonzero(np.diff(groups) == 0)
    widths = np.diff(sorted_slices.heights[at])[inside]
    stacks = groups[inside]
    smallest = np.full(sorted_slices.starts.size, np.inf)
    np.minimum.at(smallest, stacks, widths)
    # A step begins at the last slice of a position.
    return Steps(at[inside + 1] - 1, stacks, widths, np.round(widths / smallest[stacks]))


def spacing_of(sorted_slices: SortedSlices, steps: Steps) -> Spacing:
    """Count positions and measure steps.

    ``missing_slices`` is 0 of an even stack. Steps are multiples of a width if each one differs from its multiple by at most 1 % of that
    width, which is the span divided by the sum of the multiples.
    """
    count = sorted_slices.starts.size
    position_count = np.add.reduceat(sorted_slices.is_new.astype(np.int64), sorted_slices.starts)
    span, sum_of_multiples, most_off_spacing, most_off_multiple = (np.zeros(count) for _ in range(4))
    np.add.at(sum_of_multiples, steps.stacks, steps.multiples)
    last = np.zeros(count)
    at = np.flatnonzero(sorted_slices.is_new)
    last[sorted_slices.groups[at]] = sorted_slices.heights[at]
    span = last - sorted_slices.heights[sorted_slices.starts]
    with np.errstate(divide="ignore", invalid="ignore"):
        spacing = np.where(position_count > 1, span / (position_count - 1), np.nan)
        width = span / sum_of_multiples
    np.maximum.at(most_off_spacing, steps.stacks, np.abs(steps.widths - spacing[steps.stacks]))
    np.maximum.at(most_off_multiple, steps.stacks, np.abs(steps.widths - steps.multiples * width[steps.stacks]))
    is_even = most_off_spacing <= SPACING_TOLERANCE * spacing
    are_multiples = most_off_multiple <= SPACING_TOLERANCE * width
    missing = np.where(are_multiples, sum_of_multiples - (position_count - 1), -1)
    return Spacing(position_count, spacing, is_even, missing.astype(np.int64))


def single_orientation(sorted_slices: SortedSlices, placed: PlacedSlices) -> Flags:
    """Whether the orientations of each stack differ by at most 0.01 in each component; the Commons compare their text."""
    orientations, starts = placed.orientations[sorted_slices.order], sorted_slices.starts
    ranges = np.maximum.reduceat(orientations, starts) - np.minimum.reduceat(orientations, starts)
    return np.asarray((ranges <= ORIENTATION_TOLERANCE).all(axis=1))


def orthogonal_orientation(sorted_slices: SortedSlices, placed: PlacedSlices) -> Flags:
    """Whether row direction x column direction has the length 1, within 0.01, in each slice."""
    is_off = np.abs(placed.areas[sorted_slices.order] - 1) > ORIENTATION_TOLERANCE
    return ~np.logical_or.reduceat(is_off, sorted_slices.starts)


def consistent_in_plane(sorted_slices: SortedSlices) -> Flags:
    """Whether slices lie within 0.1 mm along the rows, and along the columns: shape (stacks, 2)."""
    in_plane, starts = sorted_slices.in_plane, sorted_slices.starts
    return np.asarray(np.maximum.reduceat(in_plane, starts) - np.minimum.reduceat(in_plane, starts) < IN_PLANE_TOLERANCE_MM)


def follows_a_line(sorted_slices: SortedSlices) -> Flags:
    """Whether the slices of each stack lie within 0.1 mm of the line from the first to the last, as a tilted gantry leaves them."""
    first, last = sorted_slices.starts, sorted_slices.ends - 1
    groups, heights, in_plane = sorted_slices.groups, sorted_slices.heights, sorted_slices.in_plane
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (heights - heights[first][groups]) / (heights[last] - heights[first])[groups]
    expected = in_plane[first][groups] + part[:, None] * (in_plane[last] - in_plane[first])[groups]
    # Of a stack at one height the part is NaN, which is near nothing.
    is_near = (np.abs(in_plane - expected) < IN_PLANE_TOLERANCE_MM).all(axis=1)
    return np.logical_and.reduceat(is_near, first)


def obliquity_degrees(of_stacks: Floats) -> Floats:
    """The largest angle between an axis of the image and the nearest axis of the patient, in degrees, from 0 to 54.7.

    Args:
        of_stacks: unit vectors along rows, columns and normal: shape (stacks, 3, 3).
    """
    sizes = np.sort(np.abs(of_stacks), axis=2)
    return np.asarray(np.degrees(np.arctan2(np.hypot(sizes[..., 0], sizes[..., 1]), sizes[..., 2])).max(axis=1))
