"""What is said of stacks that should be a volume and can't be one, and of the series that hold them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.geometry.crafted import ENHANCED_MR, SEGMENTATION, one, slices, volume

from dicomlake.geometry import IRREGULAR_SCHEMA, SERIES_GEOMETRY_SCHEMA, geometry_of_series, stacks_of


def _moved(rows: list[dict[str, Any]], at: int, by: list[float]) -> list[dict[str, Any]]:
    position = [a + b for a, b in zip(rows[at]["ImagePositionPatient"], by, strict=True)]
    return [*rows[:at], {**rows[at], "ImagePositionPatient": position}, *rows[at + 1 :]]


def _enhanced() -> list[dict[str, Any]]:
    frames = [one(z, frame_number=z + 1, SOPInstanceUID="1.2", InstanceNumber=3, SOPClassUID=ENHANCED_MR) for z in range(6)]
    return [*frames[:3], *frames[4:]]


_FIVE = "stack 1 of 5 slices can't be a volume: "

MESSAGES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a gap": (
        [row for row in volume(6) if row["InstanceNumber"] != 4],
        _FIVE + "1 slice is missing, next to InstanceNumber 3",
    ),
    "gaps": (
        [row for row in volume(8) if row["InstanceNumber"] not in (3, 6, 7)],
        _FIVE + "3 slices are missing, next to InstanceNumber 2, 5",
    ),
    "a gap between frames": (_enhanced(), _FIVE + "1 slice is missing, next to frame 3 (InstanceNumber 3)"),
    "a doubled slice": (
        [*volume(4), one(2, InstanceNumber=9)],
        _FIVE + "1 slice repeats a position: InstanceNumber 9",
    ),
    "many doubled slices": (
        [*volume(8), *(one(4, InstanceNumber=number) for number in range(20, 28))],
        "stack 1 of 16 slices can't be a volume: 8 slices repeat a position: InstanceNumber 20, 21, 22, 23, 24 and 3 more",
    ),
    "uneven steps": (
        _moved(volume(5), 4, [0, 0, 0.7]),
        _FIVE + "steps between slices are 2 to 2.7 mm: next to InstanceNumber 4",
    ),
    "a tilted gantry": (
        [one(z, ImagePositionPatient=[0.0, 0.2 * z, z]) for z in range(5)],
        _FIVE + "slices are sheared evenly, as by a tilted gantry",
    ),
    "one slice shifted in its plane": (
        _moved(volume(5), 2, [0.3, 0, 0]),
        _FIVE + "slices are shifted in their plane: InstanceNumber 3",
    ),
    "a shift and a gap": (
        _moved([row for row in volume(6) if row["InstanceNumber"] != 5], 1, [0, -4, 0]),
        _FIVE + "1 slice is missing, next to InstanceNumber 4; slices are shifted in their plane: InstanceNumber 2",
    ),
    "turning slices": (
        [one(z, ImageOrientationPatient=[1.0, 0.009 * z, 0.0, -0.009 * z, 1.0, 0.0]) for z in range(5)],
        "stack 1 of 5 slices can't be a volume: ImageOrientationPatient turns from slice to slice",
    ),
    "skewed slices": (
        volume(5, ImageOrientationPatient=[1.0, 0.0, 0.0, 0.6, 0.8, 0.0]),
        _FIVE + "rows and columns are not perpendicular unit vectors",
    ),
    "two pixel spacings": (
        [one(z, PixelSpacing=[0.5, 0.5 + z % 2]) for z in range(5)],
        _FIVE + "PixelSpacing is not the same in all slices",
    ),
    "no size": (volume(5, Rows=None), _FIVE + "Rows or Columns is missing"),
    "no instance number": (
        [*volume(4), one(2)],
        _FIVE + "1 slice repeats a position: InstanceNumber none",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_message(case: str) -> None:
    """It says what is wrong, and of which slices."""
    rows, message = MESSAGES[case]
    for given in (rows, rows[::-1]):
        irregular = stacks_of(slices(given)).irregular
        assert irregular.schema == IRREGULAR_SCHEMA
        assert irregular.rows() == [("series", 1, message)]


@pytest.mark.parametrize(
    "rows",
    [
        volume(5),
        [one(0), one(0)],
        [one(0), one(7)],
        [one(z * z, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]) for z in range(5)],
        [one(z * z, SOPClassUID=SEGMENTATION) for z in range(5)],
        [one(z * z, SOPClassUID=None) for z in range(5)],
    ],
    ids=["regular", "two at one position", "two", "localizer", "segmentation", "no class"],
)
def test_nothing_is_said_of_what_is_regular_or_need_not_be(rows: list[dict[str, Any]]) -> None:
    """Two slices are too few to judge; segmentations may leave out empty frames."""
    assert stacks_of(slices(rows)).irregular.rows() == []


def _of_series(rows: list[dict[str, Any]]) -> dict[str, Any]:
    found = geometry_of_series(stacks_of(slices(rows)).rows)
    assert found.schema == SERIES_GEOMETRY_SCHEMA
    (row,) = found.to_dicts()
    return row


_LOCALIZER = one(0, Rows=512, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])


@pytest.mark.parametrize(
    ("rows", "stack_count", "regular", "uniform"),
    [
        (volume(3), 1, True, True),
        ([*volume(3), _LOCALIZER], 2, True, True),
        ([_LOCALIZER], 1, None, None),
        ([*volume(3), one(0, Rows=32)], 2, False, None),
        ([*volume(3), *(one(z * z, Rows=32) for z in range(4))], 2, False, False),
        ([*volume(3), *(one(z, Rows=32) for z in range(4))], 2, True, True),
    ],
    ids=["one volume", "and a localizer", "localizer alone", "and a single slice", "and an uneven one", "two volumes"],
)
def test_series(rows: list[dict[str, Any]], stack_count: int, regular: bool | None, uniform: bool | None) -> None:  # noqa: FBT001
    """A series is what all of its stacks are, but for localizers."""
    row = _of_series(rows)
    assert row["stack_count"] == stack_count
    assert row["regularly_spaced_3d_volume"] is regular
    assert row["uniform_slice_spacing"] is uniform


def test_a_series_without_stacks_has_no_row() -> None:
    """Its columns are null where it is joined."""
    assert geometry_of_series(stacks_of(slices([one(0, ImagePositionPatient=None)])).rows).height == 0
