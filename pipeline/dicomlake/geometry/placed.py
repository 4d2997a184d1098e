"""The slices that have a place: a position and an orientation that can be reckoned with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from dicomlake.geometry.grouping import Flags, Floats, Numbers

FARTHEST_MM = 1e9
"""A position with a larger component counts as absent: beyond it, a float64 no longer tells thousandths of a millimetre apart."""

LARGEST_COSINE = 1e3
"""An orientation with a larger component counts as absent. A cosine is at most 1, but some writers forget to divide by the length."""

SMALLEST_AREA = 1e-3
"""The length of row direction x column direction below which they have no normal, so that the orientation counts as absent."""


@dataclass(frozen=True)
class PlacedSlices:
    """Slices with position and orientation, as arrays with one entry for each.

    Attributes:
        rows: their rows in `slices`.
        positions: ImagePositionPatient, mm: shape (slices, 3).
        orientations: ImageOrientationPatient: shape (slices, 6).
        areas: the length of row direction x column direction, 1 where they are perpendicular unit vectors.
    """

    rows: Numbers
    positions: Floats
    orientations: Floats
    areas: Floats

    def chosen(self, flags: Flags) -> PlacedSlices:
        """Those with a flag."""
        return PlacedSlices(self.rows[flags], self.positions[flags], self.orientations[flags], self.areas[flags])


def placed_slices(slices: pl.DataFrame) -> PlacedSlices:
    """The slices whose ImagePositionPatient has 3 finite numbers, and whose ImageOrientationPatient has 6 that span a plane."""
    has_lengths = (slices["ImagePositionPatient"].list.len() == 3) & (slices["ImageOrientationPatient"].list.len() == 6)  # noqa: PLR2004
    rows = has_lengths.fill_null(value=False).arg_true().to_numpy().astype(np.int64)
    positions = vectors(slices["ImagePositionPatient"].gather(rows), 3)
    orientations = vectors(slices["ImageOrientationPatient"].gather(rows), 6)
    # NaN is not below a limit either.
    is_near = (np.abs(positions) <= FARTHEST_MM).all(axis=1) & (np.abs(orientations) <= LARGEST_COSINE).all(axis=1)
    if not is_near.all():
        rows, positions, orientations = rows[is_near], positions[is_near], orientations[is_near]
    areas = np.linalg.norm(_normals(orientations), axis=1)
    placed = PlacedSlices(rows, positions, orientations, areas)
    return placed if (areas >= SMALLEST_AREA).all() else placed.chosen(areas >= SMALLEST_AREA)


def vectors(lists: pl.Series, length: int) -> Floats:
    """Lists of one length as an array of shape (rows, length); a null entry is NaN, and -0.0 is 0.0."""
    if len(lists) == 0:
        return np.zeros((0, length))
    return lists.explode().to_numpy().astype(np.float64).reshape(-1, length) + 0.0


def axes(orientations: Floats) -> Floats:
    """The unit vectors along the rows, along the columns and along the normal: shape (orientations, 3, 3)."""
    sides = np.stack([orientations[:, :3], orientations[:, 3:], _normals(orientations)], axis=1)
    return np.asarray(sides / np.linalg.norm(sides, axis=2, keepdims=True))


def _normals(orientations: Floats) -> Floats:
    a, b, c, d, e, f = orientations.T
    return np.stack([b * f - c * e, c * d - a * f, a * e - b * d], axis=1)
