"""What holds of any slices: the order of rows and the other series change nothing, and a twin in plain Python says the same."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.geometry.crafted import AXIAL, CT, ENHANCED_MR, MR, SAGITTAL, one, slices
from tests.geometry.twin import stacks_by_hand

from dicomlake.geometry import stacks_of

_ORIENTATION = st.sampled_from(
    [
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
)
_STEPS = st.sampled_from([0.0, 0.0, 2.0, 2.0, 4.0, 4.0, 6.0, 8.0, 8.0005, 10.05, 16.0])
_POSITION = st.one_of(
    st.tuples(st.sampled_from([0.0, 0.0, 0.0, 0.05, 0.2]), st.just(-30.0), _STEPS).map(list),
    st.tuples(_STEPS, st.just(-0.0), st.just(1.0)).map(list),
    st.sampled_from([None, [1.0, 2.0], [None, 1.0, 2.0], [float("nan"), 1.0, 2.0], [1e300, 0.0, 0.0]]),
)
_NUMBER = st.sampled_from([None, 1.0, 2.0, 2.0, float("nan")])
_INTEGER = st.sampled_from([None, 1, 2, 3, 10])
_SLICE = st.fixed_dictionaries(
    {
        "series_key": st.sampled_from("aab"),
        "ImagePositionPatient": _POSITION,
        "ImageOrientationPatient": _ORIENTATION,
    },
    optional={
        "SOPClassUID": st.sampled_from([CT, MR, ENHANCED_MR, None]),
        "Rows": st.sampled_from([64, 128, None]),
        "ImageType": st.sampled_from([None, ["ORIGINAL"], ["A", "B", "LOCALIZER"], ["A", "B", "M"]]),
        "PixelSpacing": st.sampled_from([None, [0.5, 0.5], [0.4, 0.5]]),
        "SliceThickness": st.sampled_from([None, 1.0, 2.0, 5.0]),
        "StackID": st.sampled_from([None, "1", "2"]),
        "EchoTime": _NUMBER,
        "DiffusionBValue": _NUMBER,
        "DiffusionGradientOrientation": st.sampled_from([None, [0.0, 0.0, 1.0], [-0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0]]),
        "TriggerTime": st.integers(0, 6).map(float),
        "TemporalPositionIdentifier": _INTEGER,
        "ConvolutionKernel": st.sampled_from([None, ["B30f"], ["B70f", "3"]]),
        "AcquisitionNumber": _INTEGER,
        "FrameOfReferenceUID": st.sampled_from([None, "1.1"]),
        "frame_number": st.sampled_from([None, 1, 2]),
    },
)
_SLICES = st.lists(_SLICE, min_size=1, max_size=14)


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
    rows = [{**row, "InstanceNumber": chance.choice([None, 1, 2, 3])} for row in _rows(drawn)]
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
