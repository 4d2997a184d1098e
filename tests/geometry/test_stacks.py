"""Stacks of crafted slices: which slices make which stack, and what is said of each."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.geometry.crafted import AXIAL, CT, ENHANCED_MR, MR, SAGITTAL, SEGMENTATION, one, slices, volume

from dicomlake.geometry import stacks_of

_LOCALIZER = one(0, ImageOrientationPatient=SAGITTAL, Rows=512, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])


def _echoes(*, shift: float = 0.0) -> list[dict[str, Any]]:
    return [one(z + shift * echo, EchoTime=5.0 * (echo + 1), SOPClassUID=MR) for z in range(4) for echo in range(2)]


def _diffusion() -> list[dict[str, Any]]:
    shots = [(0.0, None), (1000.0, [1.0, 0.0, 0.0]), (1000.0, [0.0, 1.0, 0.0]), (1000.0, [0.0, 1.0, -0.0])]
    return [
        one(z, SOPClassUID=MR, DiffusionBValue=b, DiffusionGradientOrientation=gradient, AcquisitionNumber=index)
        for index, (b, gradient) in enumerate(shots)
        for z in range(3)
    ]


def _frames(instance: str, count: int, **values: Any) -> list[dict[str, Any]]:
    return [one(z, SOPInstanceUID=instance, frame_number=z + 1, SOPClassUID=ENHANCED_MR, **values) for z in range(count)]


CASES: dict[str, tuple[list[dict[str, Any]], list[int | None], list[str] | None]] = {
    "one volume": (volume(3), [1, 1, 1], None),
    "without position": ([one(0), one(1, ImagePositionPatient=None)], [1, None], None),
    "localizer inside": ([*volume(2), _LOCALIZER], [1, 1, 2], ["ImageOrientationPatient", "ImageType", "Rows"]),
    "orientations within the tolerance": ([one(0), one(1, ImageOrientationPatient=[0.9999, 0.0099, 0, 0, 1, 0])], [1, 1], None),
    "orientations beyond it": (
        [one(0), one(1, ImageOrientationPatient=[0.9998, 0.02, 0, 0, 1, 0])],
        [2, 1],
        ["ImageOrientationPatient"],
    ),
    "orientations that another one joins in one component only": (
        [one(0, ImageOrientationPatient=[1.0, x, 0.0, 0.0, 1.0, y]) for x, y in ((0.0, 0.0), (0.008, 0.5), (0.016, 0.0))],
        [1, 2, 3],
        ["ImageOrientationPatient"],
    ),
    "first two values of ImageType": ([one(0), one(1, ImageType=["DERIVED", "SECONDARY", "AXIAL"])], [1, 1], None),
    "third value of ImageType": ([one(0, ImageType=["A", "B", "M"]), one(1, ImageType=["A", "B", "P"])], [1, 2], ["ImageType"]),
    "no third value": ([one(0, ImageType=["A", "B"]), one(1, ImageType=None)], [1, 1], None),
    "two classes": ([one(0, SOPClassUID=MR), one(0, SOPClassUID=CT)], [2, 1], ["SOPClassUID"]),
    "two echoes": (_echoes(), [1, 2] * 4, ["EchoTime"]),
    "two echoes apart": (_echoes(shift=0.5), [1] * 8, None),
    "diffusion": (_diffusion(), [1] * 3 + [4] * 3 + [2] * 3 + [3] * 3, None),
    "a missing value is the last": ([one(0, EchoTime=None), one(0, EchoTime=9.0)], [2, 1], ["EchoTime"]),
    "a value that is no number": ([one(0, EchoTime=math.nan), one(0, EchoTime=9.0)], [2, 1], ["EchoTime"]),
    "the same slice twice": ([*volume(3), one(2)], [1] * 4, None),
    "an attribute that differs elsewhere": (
        [one(0, AcquisitionNumber=1), one(0, AcquisitionNumber=1), one(2, AcquisitionNumber=2)],
        [1] * 3,
        None,
    ),
    "a position taken twice by a later acquisition": (
        [*(one(z, AcquisitionNumber=z) for z in range(5)), one(2, AcquisitionNumber=7)],
        [1] * 5 + [2],
        ["AcquisitionNumber"],
    ),
    "trigger times that differ from one position to the next": (
        [one(z, TriggerTime=100.0 * phase + 3.0 * z) for z in range(4) for phase in range(3)],
        [1, 2, 3] * 4,
        ["TriggerTime"],
    ),
    "convolution kernels": (
        [one(z, ConvolutionKernel=kernel) for z in range(2) for kernel in (["B70f", "3"], ["B30f", "3"])],
        [2, 1, 2, 1],
        ["ConvolutionKernel"],
    ),
    "segments": (
        [one(z, SOPClassUID=SEGMENTATION, ReferencedSegmentNumber=number, frame_number=1) for number in (2, 10) for z in range(2)],
        [1, 1, 2, 2],
        ["ReferencedSegmentNumber"],
    ),
    "segments that lie apart": (
        [one(number, SOPClassUID=SEGMENTATION, ReferencedSegmentNumber=number, frame_number=1) for number in range(3)],
        [1] * 3,
        None,
    ),
    "stack identifiers before echo times": (
        [one(0, StackID="2", EchoTime=1.0), one(0, StackID="1", EchoTime=2.0)],
        [2, 1],
        ["StackID"],
    ),
    "an instance for each volume": ([*_frames("1.9", 3), *_frames("1.5", 3)], [2] * 3 + [1] * 3, ["SOPInstanceUID"]),
    "two series": ([one(0, series_key="b"), one(0, series_key="a")], [1, 1], None),
    "frames of reference": (
        [one(0, FrameOfReferenceUID="1.2"), one(0, FrameOfReferenceUID="1.1"), one(1, FrameOfReferenceUID="1.1")],
        [2, 1, 1],
        ["FrameOfReferenceUID"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_slices_are_told_apart(case: str) -> None:
    """Each slice has the number of its stack."""
    rows, numbers, told_apart_by = CASES[case]
    stacks = stacks_of(slices(rows))
    assert stacks.numbers.to_list() == numbers
    if case == "diffusion":
        told_apart_by = ["AcquisitionNumber", "DiffusionBValue", "DiffusionGradientOrientation"]
    assert stacks.rows["told_apart_by"].to_list() == [told_apart_by] * stacks.rows.height


@pytest.mark.parametrize(
    ("position", "orientation"),
    [
        ([0.0, 0.0], AXIAL),
        ([0.0, 0.0, 0.0, 0.0], AXIAL),
        ([], AXIAL),
        ([0.0, None, 0.0], AXIAL),
        ([0.0, math.nan, 0.0], AXIAL),
        ([0.0, 0.0, math.inf], AXIAL),
        ([0.0, 0.0, 1e300], AXIAL),
        ([0.0, 0.0, 0.0], None),
        ([0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 1.0]),
        ([0.0, 0.0, 0.0], [1.0, 0.0, None, 0.0, 1.0, 0.0]),
        ([0.0, 0.0, 0.0], [0.0] * 6),
        ([0.0, 0.0, 0.0], [1.0, 0.0, 0.0, -1.0, 0.0, 0.0]),
        ([0.0, 0.0, 0.0], [1e200] * 6),
        ([0.0, 0.0, 0.0], [math.nan] * 6),
    ],
)
def test_a_slice_that_has_no_place_is_in_no_stack(position: Any, orientation: Any) -> None:
    """It changes nothing in the stacks of its series, and alone makes none."""
    lost = one(0, ImagePositionPatient=position, ImageOrientationPatient=orientation)
    alone, beside = stacks_of(slices([lost])), stacks_of(slices([lost, *volume(3)]))
    assert alone.numbers.to_list() == [None]
    assert alone.rows.height == 0
    assert alone.rows.schema == beside.rows.schema
    assert beside.numbers.to_list() == [None, 1, 1, 1]
    assert beside.rows["regularly_spaced_3d_volume"].to_list() == [True]


def _measured(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = stacks_of(slices(rows)).rows.to_dicts()
    return row


def _shifted(rows: list[dict[str, Any]], moves: dict[int, list[float]]) -> list[dict[str, Any]]:
    return [
        {**row, "ImagePositionPatient": [a + b for a, b in zip(row["ImagePositionPatient"], moves.get(index, [0, 0, 0]), strict=True)]}
        for index, row in enumerate(rows)
    ]


_REGULAR = {
    "slice_count": 5,
    "position_count": 5,
    "instances": 5,
    "slice_spacing": 2.0,
    "missing_slices": 0,
    "plane": "axial",
    "slice_axis": [0.0, 0.0, 1.0],
    "obliquity_degrees": 0.0,
    "first_position": [-20.0, -30.0, 0.0],
    "last_position": [-20.0, -30.0, 8.0],
    "single_orientation": True,
    "orthogonal_orientation": True,
    "unique_slice_positions": True,
    "consistent_in_plane_row": True,
    "consistent_in_plane_col": True,
    "consistent_pixel_spacing": True,
    "consistent_image_dimensions": True,
    "uniform_slice_spacing": True,
    "regularly_spaced_3d_volume": True,
    "gantry_tilt_sheared": False,
    "Rows": 64,
    "Columns": 64,
    "PixelSpacing": [0.5, 0.5],
    "SliceThickness": 2.0,
    "ImageOrientationPatient": AXIAL,
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "stack": 1,
    "series_key": "series",
    "told_apart_by": None,
}

_GEOMETRIES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "regular": (volume(), {}),
    "reversed": (volume()[::-1], {}),
    "steps within 1 %": (_shifted(volume(), {2: [0, 0, 0.019]}), {}),
    "steps beyond 1 %": (
        _shifted(volume(), {2: [0, 0, 0.05]}),
        {"uniform_slice_spacing": False, "regularly_spaced_3d_volume": False, "missing_slices": None},
    ),
    "a gap": (
        [row for index, row in enumerate(volume(6)) if index != 2],
        {
            "slice_spacing": 2.5,
            "missing_slices": 1,
            "uniform_slice_spacing": False,
            "regularly_spaced_3d_volume": False,
            "last_position": [-20.0, -30.0, 10.0],
        },
    ),
    "a doubled slice": (
        [*volume(), one(4)],
        {
            "slice_count": 6,
            "instances": 6,
            "unique_slice_positions": False,
            "uniform_slice_spacing": False,
            "regularly_spaced_3d_volume": False,
        },
    ),
    "a tilted gantry": (
        _shifted(volume(), {index: [0, 0.3 * index, 0] for index in range(5)}),
        {
            "consistent_in_plane_col": False,
            "regularly_spaced_3d_volume": False,
            "gantry_tilt_sheared": True,
            "last_position": [-20.0, -28.8, 8.0],
        },
    ),
    "one slice shifted in its plane": (
        _shifted(volume(), {2: [0.2, 0, 0]}),
        {"consistent_in_plane_row": False, "regularly_spaced_3d_volume": False},
    ),
    "shifted by less than 0.1 mm": (_shifted(volume(), {2: [0.09, 0, 0]}), {}),
    "two pixel spacings": (
        [*volume(3), *({**row, "PixelSpacing": [0.4, 0.5]} for row in volume(5)[3:])],
        {"consistent_pixel_spacing": False, "regularly_spaced_3d_volume": False},
    ),
    "no pixel spacing": (
        volume(PixelSpacing=None),
        {"PixelSpacing": None, "consistent_pixel_spacing": False, "regularly_spaced_3d_volume": False},
    ),
    "no size": (
        volume(Rows=None),
        {"Rows": None, "consistent_image_dimensions": False, "regularly_spaced_3d_volume": False},
    ),
    "skewed rows and columns": (
        volume(ImageOrientationPatient=[1.0, 0.0, 0.0, 0.6, 0.8, 0.0]),
        {
            "orthogonal_orientation": False,
            "regularly_spaced_3d_volume": False,
            "ImageOrientationPatient": [1.0, 0.0, 0.0, 0.6, 0.8, 0.0],
            "obliquity_degrees": pytest.approx(math.degrees(math.acos(0.8))),
        },
    ),
    "one slice": (
        volume(1),
        {
            "slice_count": 1,
            "position_count": 1,
            "instances": 1,
            "slice_spacing": None,
            "missing_slices": None,
            "uniform_slice_spacing": None,
            "regularly_spaced_3d_volume": False,
            "last_position": [-20.0, -30.0, 0.0],
        },
    ),
    "slices at one position": (
        [one(0) for _ in range(5)],
        {
            "position_count": 1,
            "slice_spacing": None,
            "missing_slices": None,
            "unique_slice_positions": False,
            "uniform_slice_spacing": False,
            "regularly_spaced_3d_volume": False,
            "last_position": [-20.0, -30.0, 0.0],
        },
    ),
    "frames of one instance": (
        [{**row, "frame_number": index + 1, "SOPInstanceUID": "1.2"} for index, row in enumerate(volume())],
        {"instances": 1},
    ),
    "values that differ": (
        [{**row, "SliceThickness": thickness} for row, thickness in zip(volume(), [3.0, 1.0, 3.0, 1.0, None], strict=True)],
        {"SliceThickness": 1.0},
    ),
}


@pytest.mark.parametrize("case", _GEOMETRIES)
def test_geometry(case: str) -> None:
    """Each crafted stack has the row that it should, column by column."""
    rows, differences = _GEOMETRIES[case]
    expected = _REGULAR | differences
    measured = _measured(rows)
    for name in ("slice_spacing", "first_position", "last_position"):
        if expected[name] is not None:
            expected[name] = pytest.approx(expected[name], abs=1e-9)
    assert measured == expected


@pytest.mark.parametrize(
    ("orientation", "plane", "obliquity"),
    [
        (AXIAL, "axial", 0.0),
        (SAGITTAL, "sagittal", 0.0),
        ([1.0, 0.0, 0.0, 0.0, 0.0, -1.0], "coronal", 0.0),
        ([-1.0, 0.0, 0.0, 0.0, -1.0, 0.0], "axial", 0.0),
        ([1.0, 0.0, 0.0, 0.0, math.cos(0.5), math.sin(0.5)], "axial", math.degrees(0.5)),
        ([1.0, 0.0, 0.0, 0.0, math.cos(0.7), math.sin(0.7)], "oblique", math.degrees(0.7)),
        ([math.cos(0.3), math.sin(0.3), 0.0, -math.sin(0.3), math.cos(0.3), 0.0], "axial", math.degrees(0.3)),
        ([2.0, 0.0, 0.0, 0.0, 2.0, 0.0], "axial", 0.0),
    ],
)
def test_plane(orientation: list[float], plane: str, obliquity: float) -> None:
    """The plane follows the normal; the obliquity is the largest angle of any axis of the image."""
    row = _measured([one(0, ImageOrientationPatient=orientation)])
    assert row["plane"] == plane
    assert row["obliquity_degrees"] == pytest.approx(obliquity, abs=1e-6)
    assert math.hypot(*row["slice_axis"]) == pytest.approx(1.0)


def test_an_empty_value_of_image_type_is_a_value() -> None:
    """Lists that differ in an empty value alone are two values: of them the most frequent is shown, whatever the order of rows."""
    types = [["A", None, "B"], ["A", "B"], ["A", "B"]]
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0]):
        rows = stacks_of(slices([one(place, ImageType=[*types[place][:1], "X", *types[place][1:]]) for place in order])).rows
        assert rows.height == 2
    same = [one(0, ImageType=["A", None]), one(1, ImageType=["A"]), one(2, ImageType=["A"])]
    shown = [stacks_of(slices(rows)).rows["ImageType"].to_list() for rows in (same, same[::-1])]
    assert shown == [[["A"]], [["A"]]]
