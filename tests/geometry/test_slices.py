"""Slices from the tables `instances` and `frames`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest
from tests.geometry.crafted import AXIAL, CT, ENHANCED_MR

from dicomlake.geometry import DIVIDING_ATTRIBUTES, SLICES_SCHEMA, frame_columns, instance_columns, slices_of
from dicomlake.schema import LakeSchema

_INSTANCES = pl.DataFrame(
    {
        "series_key": ["a", "a", "a", "b"],
        "SOPInstanceUID": ["1.1", "1.2", "1.3", "1.4"],
        "InstanceNumber": [1, 2, 3, 4],
        "SOPClassUID": [CT, ENHANCED_MR, CT, CT],
        "Rows": [64, 32, 64, 64],
        "Columns": [64, 32, 64, 64],
        "NumberOfFrames": [None, 2, 7, 1],
        "ImageType": [["ORIGINAL", "PRIMARY", "AXIAL"], ["ORIGINAL", "PRIMARY"], None, None],
        "ImageOrientationPatient": [AXIAL, AXIAL, AXIAL, None],
        "ImagePositionPatient": [[0.0, 0.0, 1.0], [9.0, 9.0, 9.0], [0.0, 0.0, 2.0], None],
        "PixelSpacing": [[0.5, 0.5], [9.0, 9.0], None, None],
        "SliceThickness": [1.5, 9.0, None, None],
        "EchoTime": [3.0, 9.0, None, None],
        "AcquisitionNumber": [5, 6, 7, 8],
        "FrameOfReferenceUID": ["1.9", "1.8", None, None],
    },
    schema_overrides={"Rows": pl.Int32, "Columns": pl.Int32},
)
_FRAMES = pl.DataFrame(
    {
        "SOPInstanceUID": ["1.2", "1.2"],
        "frame_number": [1, 2],
        "FrameType": [["ORIGINAL", "PRIMARY", "DIFFUSION"], None],
        "ImageOrientationPatient": [AXIAL, AXIAL],
        "ImagePositionPatient": [[0.0, 0.0, 5.0], None],
        "PixelSpacing": [[0.25, 0.25], None],
        "SliceThickness": [3.0, None],
        "EffectiveEchoTime": [30.0, None],
        "InversionTimes": [[700.0, 800.0], None],
        "FrameReferenceDateTime": [datetime(2020, 1, 1, 0, 0, 1, 500), None],
        "NominalCardiacTriggerDelayTime": [12.0, None],
        "FrameAcquisitionNumber": [2, None],
    }
)


def _slices(instances: Any, frames: Any = None) -> list[dict[str, Any]]:
    found = slices_of(instances, frames)
    assert found.schema == SLICES_SCHEMA
    return found.to_dicts()


@pytest.mark.parametrize("in_arrow", [False, True])
def test_single_frames_come_first_and_then_frames(in_arrow: bool) -> None:  # noqa: FBT001
    """An instance that says it has seven frames, of which `frames` has none, gives no slice."""
    tables = (_INSTANCES.to_arrow(), _FRAMES.to_arrow()) if in_arrow else (_INSTANCES, _FRAMES)
    rows = _slices(*tables)
    assert [(row["SOPInstanceUID"], row["row"], row["frame_number"]) for row in rows] == [
        ("1.1", 0, None),
        ("1.4", 3, None),
        ("1.2", 0, 1),
        ("1.2", 1, 2),
    ]
    assert [(row["series_key"], row["InstanceNumber"], row["Rows"]) for row in rows] == [
        ("a", 1, 64),
        ("b", 4, 64),
        ("a", 2, 32),
        ("a", 2, 32),
    ]


def test_a_single_frame_has_the_values_of_its_instance() -> None:
    """And null for what its table lacks."""
    first = _slices(_INSTANCES)[0]
    assert first["ImagePositionPatient"] == [0.0, 0.0, 1.0]
    assert first["EchoTime"] == 3.0
    assert first["FrameOfReferenceUID"] == "1.9"
    assert first["DiffusionGradientOrientation"] is None
    assert first["StackID"] is None


def test_a_frame_has_values_of_its_own() -> None:
    """By other names where those of functional groups differ."""
    frame = _slices(_INSTANCES, _FRAMES)[2]
    expected = {
        "ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION"],
        "ImagePositionPatient": [0.0, 0.0, 5.0],
        "PixelSpacing": [0.25, 0.25],
        "SliceThickness": 3.0,
        "EchoTime": 30.0,
        "InversionTime": 700.0,
        "FrameReferenceTime": datetime(2020, 1, 1, 0, 0, 1, 500).timestamp() * 1000 - datetime(1970, 1, 1).timestamp() * 1000,
        "TriggerTime": 12.0,
        "AcquisitionNumber": 2,
        "SOPClassUID": ENHANCED_MR,
        "FrameOfReferenceUID": "1.8",
    }
    assert {name: frame[name] for name in expected} == expected


def test_a_frame_without_a_value_takes_that_of_its_instance_where_it_only_tells_stacks_apart() -> None:
    """Its geometry is never that of its instance: the table `frames` has it where it holds."""
    frame = _slices(_INSTANCES, _FRAMES)[3]
    assert (frame["ImageType"], frame["EchoTime"], frame["AcquisitionNumber"]) == (["ORIGINAL", "PRIMARY"], 9.0, 6)
    assert (frame["ImagePositionPatient"], frame["PixelSpacing"], frame["SliceThickness"]) == (None, None, None)


def test_no_rows() -> None:
    """Empty tables give an empty frame with the same columns."""
    assert _slices(_INSTANCES.clear(), _FRAMES.clear()) == []
    assert _slices(_INSTANCES.clear()) == []


def test_the_tables_of_a_lake_have_the_columns() -> None:
    """Each column that slices are made of is one of the lake's, with the exceptions that are named here."""
    schema = LakeSchema.build()
    instances, frames = set(schema.table("instances").names), set(schema.table("frames").names)
    assert set(instance_columns()) <= instances
    assert set(frame_columns()) <= frames


def test_the_list_of_dividing_attributes() -> None:
    """Its order is the order in which stacks are told apart, and numbered."""
    assert [one.name for one in DIVIDING_ATTRIBUTES] == [
        "StackID",
        "ReferencedSegmentNumber",
        "EchoTime",
        "DiffusionBValue",
        "DiffusionGradientOrientation",
        "TemporalPositionIdentifier",
        "TriggerTime",
        "FrameReferenceTime",
        "InversionTime",
        "FlipAngle",
        "ConvolutionKernel",
        "AcquisitionNumber",
        "FrameOfReferenceUID",
        "SOPInstanceUID",
    ]
