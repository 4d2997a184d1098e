"""Chains of orientations, and many slices, stacks and orientations: nothing grows as the square of their number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from tests.geometry.crafted import one, slices

from dicomlake.geometry import stacks_of


def test_a_chain_of_orientations_is_one_stack_that_says_so() -> None:
    """Each orientation is near the next: no border between two of them would be fair, so they stay together."""
    rows = [one(2 * step, ImageOrientationPatient=_turned(0.005 * step)) for step in range(9)]
    (row,) = stacks_of(slices(rows)).rows.to_dicts()
    assert row["single_orientation"] is False
    assert row["regularly_spaced_3d_volume"] is False
    assert row["told_apart_by"] is None


def _alike(count: int, **columns: Any) -> pl.DataFrame:
    """Many slices of one series, with some columns of their own; a list for each slice is a row of an array."""
    series = [pl.Series(name, values) for name, values in columns.items()]
    lists = [each.cast(pl.List(pl.Float64)) if isinstance(each.dtype, pl.Array) else each for each in series]
    return slices([one(0)])[[0] * count].with_columns(lists)


def _at_heights(heights: Any) -> Any:
    return np.stack([np.zeros(len(heights)), np.zeros(len(heights)), heights], axis=1)


def _turned(angle: float) -> list[float]:
    return [math.cos(angle), math.sin(angle), 0.0, -math.sin(angle), math.cos(angle), 0.0]


def test_a_stack_of_100_000_slices() -> None:
    """Nothing in it grows faster than the number of slices."""
    row = stacks_of(_alike(100_000, ImagePositionPatient=_at_heights(0.5 * np.arange(100_000)))).rows
    assert row.select("slice_count", "slice_spacing", "regularly_spaced_3d_volume").rows() == [(100_000, 0.5, True)]


def test_100_000_slices_at_one_position() -> None:
    """They are one stack, and its message names a few of them."""
    stacks = stacks_of(_alike(100_000))
    assert stacks.rows.select("slice_count", "position_count").rows() == [(100_000, 1)]
    (message,) = stacks.irregular["message"]
    assert len(message) < 200


def test_10_000_stacks() -> None:
    """Each echo has its two slices."""
    index = np.arange(20_000)
    stacks = stacks_of(_alike(20_000, EchoTime=(index // 2).astype(float), ImagePositionPatient=_at_heights(index % 2)))
    assert stacks.rows["slice_count"].to_list() == [2] * 10_000
    assert stacks.numbers.to_list() == (index // 2 + 1).tolist()


def test_20_000_orientations() -> None:
    """They are a chain all around, so one stack."""
    turned = np.array([_turned(math.pi * index / 20_000) for index in range(20_000)])
    stacks = stacks_of(_alike(20_000, ImageOrientationPatient=turned))
    assert stacks.rows.select("slice_count", "single_orientation").rows() == [(20_000, False)]


def test_20_000_slices_that_all_differ() -> None:
    """Random orientations at random heights are divided, and none is lost."""
    chance = np.random.default_rng(7)
    orientations, heights = chance.uniform(-1, 1, (20_000, 6)), chance.uniform(0, 1, 20_000)
    stacks = stacks_of(_alike(20_000, ImageOrientationPatient=orientations, ImagePositionPatient=_at_heights(heights)))
    assert stacks.rows["slice_count"].sum() == 20_000 - stacks.numbers.null_count()
    assert stacks.numbers.null_count() < 200
