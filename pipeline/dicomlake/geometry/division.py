"""The rule: which slices of a series make which stack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from dicomlake.geometry.dividing import DIVIDING_ATTRIBUTES, DividingAttribute
from dicomlake.geometry.grouping import Flags, Floats, Numbers, by_gaps, first_of_runs, joined, ranked, refined, smallest_vectors
from dicomlake.geometry.placed import PlacedSlices, axes

ORIENTATION_TOLERANCE = 0.01
"""The widest gap in a component of ImageOrientationPatient inside a stack."""

POSITION_TOLERANCE_MM = 0.001
"""Slices that lie no farther apart along their normal share a position. Text of 16 characters and sums of float64 make smaller errors; the
steps of optical coherence tomography, the finest that DICOM objects have, are ten times as wide."""

_ALWAYS = ("SOPClassUID", "Rows", "Columns", "ImageOrientationPatient", "ImageType")
_NAMES = (*_ALWAYS, *(attribute.name for attribute in DIVIDING_ATTRIBUTES))


@dataclass(frozen=True)
class Division:
    """Placed slices, divided into stacks.

    Attributes:
        groups: the stack of each slice, numbered from 0 over all series, in the order of series and then of the stacks of a series.
        series: the series of each stack, numbered from 0.
        numbers: the number of each stack inside its series, from 1.
        told_apart_by: a bit for each attribute in which the stacks of the series of each stack differ; see ``names_of``.
    """

    groups: Numbers
    series: Numbers
    numbers: Numbers
    told_apart_by: Numbers


def divide(slices: pl.DataFrame, placed: PlacedSlices) -> Division:
    """Divide the placed slices of each series into stacks.

    Args:
        slices: a frame with ``SLICES_SCHEMA``.
        placed: its slices with position and orientation.
    """
    of_series = ranked(slices["series_key"].gather(placed.rows))
    groups, differing = _alike(slices, placed, of_series)
    positions = _positions(groups, placed)
    for attribute in DIVIDING_ATTRIBUTES:
        inside = _with_shared_position(groups, positions)
        if not inside.any():
            break
        chosen = slices.select("frame_number", attribute.name)[placed.rows[inside]]
        values = chosen[attribute.name]
        if attribute.is_of_frames:
            values = values.set(chosen["frame_number"].is_null(), None)
        divided = np.zeros(groups.size, np.int64)
        divided[inside] = _ranks(attribute, values, groups[inside], positions[inside])
        used = np.zeros(differing.size, bool)
        used[of_series[divided > 0]] = True
        differing |= np.where(used, _bit(attribute.name), 0)
        groups = refined(groups, divided)
    first = np.zeros(groups.max() + 1 if groups.size else 0, np.int64)
    first[groups] = np.arange(groups.size)
    series = of_series[first]
    starts = first_of_runs(series)
    sizes = np.diff(np.append(starts, series.size))
    numbers = np.arange(series.size) - np.repeat(starts, sizes) + 1
    return Division(groups, series, numbers, differing[series] if series.size else series)


def names_of(bits: int) -> list[str] | None:
    """The sorted names of the attributes of which ``told_apart_by`` has bits; None where it has none.

    Example:
        >>> names_of(0) is None
        True
    """
    return sorted(name for index, name in enumerate(_NAMES) if bits >> index & 1) or None


def _bit(name: str) -> int:
    return 1 << _NAMES.index(name)


def _alike(slices: pl.DataFrame, placed: PlacedSlices, of_series: Numbers) -> tuple[Numbers, Numbers]:
    """Groups of slices that are alike in what always divides, and for each series the bits of those attributes in which it differs."""
    differing = np.zeros(of_series.max() + 1 if of_series.size else 0, np.int64)
    groups = of_series
    for name in ("SOPClassUID", "Rows", "Columns"):
        ranks = ranked(slices[name].gather(placed.rows))
        differing |= np.where(_differs(of_series, ranks), _bit(name), 0)
        groups = refined(groups, ranks)
    groups = by_gaps(groups, placed.orientations, ORIENTATION_TOLERANCE)
    spread = _spread(of_series, placed.orientations)
    if (spread > ORIENTATION_TOLERANCE).any():
        # A chain of orientations may be one group however long it is: so it counts how the groups lie, not how the slices do.
        smallest = smallest_vectors(groups, placed.orientations)[groups]
        differing |= np.where(_spread(of_series, smallest) > ORIENTATION_TOLERANCE, _bit("ImageOrientationPatient"), 0)
    kinds = ranked(_kinds(slices["ImageType"].gather(placed.rows)))
    differing |= np.where(_differs(of_series, kinds), _bit("ImageType"), 0)
    return refined(groups, kinds), differing


def _kinds(image_types: pl.Series) -> pl.Series:
    """ImageType from its third value on, as text; empty where there is none."""
    return joined(image_types.list.slice(2)).fill_null("")


def _differs(groups: Numbers, ranks: Numbers) -> Flags:
    """For each group whether its rows have several ranks."""
    count = groups.max() + 1 if groups.size else 0
    first = np.zeros(count, np.int64)
    first[groups] = ranks
    differs = np.zeros(count, bool)
    differs[groups[ranks != first[groups]]] = True
    return differs


def _spread(groups: Numbers, values: Floats) -> Floats:
    """For each group the widest range of a component."""
    if groups.size == 0:
        return np.zeros(0)
    order = np.argsort(groups, kind="stable")
    starts = first_of_runs(groups[order])
    return np.asarray((np.maximum.reduceat(values[order], starts) - np.minimum.reduceat(values[order], starts)).max(axis=1))


def _positions(groups: Numbers, placed: PlacedSlices) -> Numbers:
    """The position of each slice, numbered from 0 over all groups."""
    if groups.size == 0:
        return groups
    normal = axes(smallest_vectors(groups, placed.orientations))[:, 2][groups]
    heights = along(placed.positions, normal)
    order = np.lexsort((heights, groups))
    positions = np.empty(groups.size, np.int64)
    positions[order] = np.cumsum(new_positions(groups[order], heights[order])) - 1
    return positions


def along(positions: Floats, directions: Floats) -> Floats:
    """How far positions lie along directions, mm. It is summed in one order, so that equal slices have equal numbers."""
    products = positions * directions
    return np.asarray(products[:, 0] + products[:, 1] + products[:, 2])


def new_positions(sorted_groups: Numbers, sorted_heights: Floats) -> Flags:
    """Whether a slice lies at another position than the one before, where slices are sorted by group and height."""
    starts = (np.diff(sorted_groups) != 0) | (np.diff(sorted_heights) > POSITION_TOLERANCE_MM)
    return np.concatenate(([True], starts))[: sorted_groups.size]


def _with_shared_position(groups: Numbers, positions: Numbers) -> Flags:
    """The slices of groups in which several slices share a position."""
    if groups.size == positions.max(initial=-1) + 1:  # each has its own
        return np.zeros(groups.size, bool)
    _, place, counts = np.unique(refined(groups, positions), return_inverse=True, return_counts=True)
    is_shared = np.zeros(groups.max() + 1 if groups.size else 0, bool)
    is_shared[groups[counts[place] > 1]] = True
    return is_shared[groups]


def _ranks(attribute: DividingAttribute, values: pl.Series, groups: Numbers, positions: Numbers) -> Numbers:
    """The ranks of the values by which an attribute divides groups; 0 throughout a group that it does not divide.

    It divides a group if slices at one position differ in it. A counter with more values than any position has slices tells little by
    its value, for it moves on from one position to the next. Then its rank among the values at the position counts instead.
    """
    ranks = ranked(values)
    places = refined(groups, positions)
    differs = np.zeros(groups.max() + 1, bool)
    differs[groups[_differs(places, ranks)[places]]] = True
    if not differs.any():
        return np.zeros(groups.size, np.int64)
    if attribute.is_counter:
        width = ranks.max() + 1
        values_of_group = np.bincount(np.unique(groups * width + ranks) // width, minlength=groups.max() + 1)
        most_at_a_position = np.zeros(groups.max() + 1, np.int64)
        np.maximum.at(most_at_a_position, groups, np.bincount(places)[places])
        moves_on = (values_of_group > most_at_a_position)[groups]
        ranks = np.where(moves_on, _ranks_inside(places, ranks), ranks)
    return np.where(differs[groups], ranks, 0)


def _ranks_inside(groups: Numbers, ranks: Numbers) -> Numbers:
    """The dense rank of each rank inside its group, from 0."""
    pairs = refined(groups, ranks)
    first = np.full(groups.max() + 1, pairs.max() + 1)
    np.minimum.at(first, groups, pairs)
    return pairs - first[groups]
