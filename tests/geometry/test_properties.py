"""What holds of any slices: the order of rows and the other series change nothing, and a twin in plain Python says the same."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.geometry.crafted import AXIAL, CT, ENHANCED_MR, MR, SAGITTAL, one, slices
from tests.geometry.twin import stacks_by_hand

from dicomlake.geometry import stacks_of

_ORIENTATIONS = [
    AXIAL,
    AXIAL,
    AXIAL,
    [1.0, 0.004, 0.0, 0.0, 1.0, 0.0],
    [1.0, 0.013, 0.0, 0.0, 1.0, 0.0],
    [1.0, 0.03, 0.0, 0.0, 1.0, 0.0],
    [-1.0, 0.0, -0.0, 0.0, 1.0, 0.0],
    [1.0, 0.0, 0.0, 0.6, 0.8, 0.0],
    SAGITTAL,
    [0.0] * 6,
    [1.0] * 5,
    None,
]
_LOST = [None, [1.0, 2.0], [None, 1.0, 2.0], [float("nan"), 1.0, 2.0], [1e300, 0.0, 0.0]]
_HEIGHTS = [0.0, 0.0, 2.0, 2.0, 4.0, 4.0, 6.0, 8.0, 8.0005, 10.05, 16.0]
_SHIFTS = [0.0, 0.0, 0.0, 0.05, 0.2]
_NUMBERS = [None, 1.0, 2.0, 2.0, float("nan")]
_VALUES: dict[str, list[Any]] = {
    "SOPClassUID": [CT, MR, ENHANCED_MR, None],
    "Rows": [64, 128, None],
    "ImageType": [None, ["ORIGINAL"], ["A", "B", "LOCALIZER"], ["A", "B", "M"]],
    "PixelSpacing": [None, [0.5, 0.5], [0.4, 0.5]],
    "SliceThickness": [None, 1.0, 2.0, 5.0],
    "InstanceNumber": [None, 1, 2, 3],
    "StackID": [None, "1", "2"],
    "EchoTime": _NUMBERS,
    "DiffusionBValue": _NUMBERS,
    "DiffusionGradientOrientation": [None, [0.0, 0.0, 1.0], [-0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0]],
    "TriggerTime": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
    "TemporalPositionIdentifier": [None, 1, 2, 3, 10],
    "ConvolutionKernel": [None, ["B30f"], ["B70f", "3"]],
    "AcquisitionNumber": [None, 1, 2, 3, 10],
    "FrameOfReferenceUID": [None, "1.1"],
    "frame_number": [None, 1, 2],
}


def _drawn(count: int, seed: int) -> list[dict[str, Any]]:
    """Slices of two series. In most attributes they differ only now and then, so that every one of these has its turn."""
    chance = random.Random(seed)
    varying = {name: chance.choice([0.0, 0.2, 1.0]) for name in (*_VALUES, "ImageOrientationPatient")}
    rows = []
    for _ in range(count):
        position = [chance.choice(_SHIFTS), -30.0, chance.choice(_HEIGHTS)]
        values = {name: chance.choice(values) for name, values in _VALUES.items() if chance.random() < varying[name]}
        values["ImagePositionPatient"] = chance.choice([*[position] * 20, *_LOST])
        if chance.random() < varying["ImageOrientationPatient"]:
            values["ImageOrientationPatient"] = chance.choice(_ORIENTATIONS)
        rows.append(values | {"series_key": chance.choice("aab")})
    return rows


_SLICES = st.builds(_drawn, st.integers(1, 14), st.integers(0, 2**32 - 1))


def _rows(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whole rows: frames of two instances, and single-frame instances of their own."""
    rows = [one(**values) for values in drawn]
    for index, row in enumerate(rows):
        row["SOPInstanceUID"] = f"1.9.{index}" if row.get("frame_number") is None else f"1.{row['frame_number']}"
    return slices(rows).to_dicts()


@settings(max_examples=400, deadline=None)
@given(_SLICES)
def test_twin(drawn: list[dict[str, Any]]) -> None:
    """The twin gives each slice the same number, and measures the same."""
    rows = _rows(drawn)
    stacks = stacks_of(slices(rows))
    numbers, measured = stacks_by_hand(rows)
    assert stacks.numbers.to_list() == numbers
    assert len(measured) == stacks.rows.height
    for row, expected in zip(stacks.rows.to_dicts(), measured, strict=True):
        shown = {name: row[name] for name in expected}
        expected["slice_spacing"] = None if expected["slice_spacing"] is None else pytest.approx(expected["slice_spacing"])
        assert shown == expected


@settings(max_examples=200, deadline=None)
@given(_SLICES, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(drawn: list[dict[str, Any]], chance: Any) -> None:
    """A slice keeps its stack, and a stack its row and its message."""
    rows = _rows(drawn)
    order = list(range(len(rows)))
    chance.shuffle(order)
    one_way, other_way = stacks_of(slices(rows)), stacks_of(slices([rows[index] for index in order]))
    assert [one_way.numbers[index] for index in order] == other_way.numbers.to_list()
    assert one_way.rows.to_dicts() == other_way.rows.to_dicts()
    assert one_way.irregular.to_dicts() == other_way.irregular.to_dicts()


@settings(max_examples=200, deadline=None)
@given(_SLICES)
def test_each_series_decides_alone(drawn: list[dict[str, Any]]) -> None:
    """One call for all series and a call for each give the same."""
    frame = slices(_rows(drawn))
    together = stacks_of(frame)
    parts = [stacks_of(frame.filter(pl.col("series_key") == key)) for key in frame["series_key"].unique().sort()]
    assert together.rows.to_dicts() == [row for part in parts for row in part.rows.to_dicts()]
    assert together.irregular.to_dicts() == [row for part in parts for row in part.irregular.to_dicts()]


@settings(max_examples=200, deadline=None)
@given(_SLICES)
def test_numbers_are_dense_and_count_every_placed_slice(drawn: list[dict[str, Any]]) -> None:
    """Numbers of a series run from 1 without a gap, and the rows of `stacks` count the slices that have them."""
    frame = slices(_rows(drawn))
    stacks = stacks_of(frame)
    counted = frame.with_columns(stacks.numbers).drop_nulls("stack").group_by("series_key", "stack").len().sort("series_key", "stack")
    assert counted.rows() == stacks.rows.select("series_key", "stack", "slice_count").rows()
    for _, series in stacks.rows.group_by("series_key"):
        assert series["stack"].to_list() == list(range(1, series.height + 1))
