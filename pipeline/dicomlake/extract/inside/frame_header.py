"""The header attributes that rows of frames need beside the columns of `instances`. They are read with those, and kept in no table."""

from __future__ import annotations

from dicomlake.schema import Column
from dicomlake.schema.path import parse_path

_PREFIX = "frames:"

VECTORS = {
    "energy_window_number": "EnergyWindowVector",
    "detector_number": "DetectorVector",
    "phase_number": "PhaseVector",
    "rotation_number": "RotationVector",
    "rr_interval_number": "RRIntervalVector",
    "time_slot_number": "TimeSlotVector",
    "slice_number": "SliceVector",
    "angular_view_number": "AngularViewVector",
}
"""Columns of `frames`, each with the vector of nuclear medicine that has an entry for each frame (PS3.3 C.8.4.8)."""

_ATTRIBUTES = (
    ("FrameTimeVector", "(0018,1065)", "DS", "list<float64>"),
    ("GridFrameOffsetVector", "(3004,000C)", "DS", "list<float64>"),
    ("EnergyWindowVector", "(0054,0010)", "US", "list<int64>"),
    ("DetectorVector", "(0054,0020)", "US", "list<int64>"),
    ("PhaseVector", "(0054,0030)", "US", "list<int64>"),
    ("RotationVector", "(0054,0050)", "US", "list<int64>"),
    ("RRIntervalVector", "(0054,0060)", "US", "list<int64>"),
    ("TimeSlotVector", "(0054,0070)", "US", "list<int64>"),
    ("SliceVector", "(0054,0080)", "US", "list<int64>"),
    ("AngularViewVector", "(0054,0090)", "US", "list<int64>"),
    ("DimensionOrganizationType", "(0020,9311)", "CS", "string"),
    ("TotalPixelMatrixFocalPlanes", "(0048,0303)", "UL", "int64"),
    ("ImageOrientationSlide", "(0048,0102)", "DS", "list<float64>"),
    ("XOffsetInSlideCoordinateSystem", "(0048,0008)[0].(0040,072A)", "DS", "float64"),
    ("YOffsetInSlideCoordinateSystem", "(0048,0008)[0].(0040,073A)", "DS", "float64"),
)


def in_header(keyword: str) -> str:
    """The name under which an engine answers one of these attributes."""
    return _PREFIX + keyword


def _column(keyword: str, path: str, vr: str, type_name: str) -> Column:
    vm = "1-n" if type_name.startswith("list<") else "1"
    return Column(in_header(keyword), "frames", parse_path(path, lambda _: None), vr, vm, type_name, keyword, None)


FRAME_HEADER_COLUMNS = tuple(_column(*attribute) for attribute in _ATTRIBUTES)
"""These attributes as columns, for an engine to read."""

FRAME_HEADER_NAMES = ("file", "functional_groups", *(column.name for column in FRAME_HEADER_COLUMNS))
"""Their names, and two facts about each header: the number of its file in the unit, and whether it has functional groups."""
