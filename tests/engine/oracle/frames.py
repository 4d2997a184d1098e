"""Rows of `frames`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from dicomlake.schema import FrameAttribute, Step, standard_frame_attributes
from tests.engine.oracle.data_set import first, sequence, value

Row = dict[str, Any]

_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_VECTORS = {
    "energy_window_number": "EnergyWindowVector",
    "detector_number": "DetectorVector",
    "phase_number": "PhaseVector",
    "rotation_number": "RotationVector",
    "rr_interval_number": "RRIntervalVector",
    "time_slot_number": "TimeSlotVector",
    "slice_number": "SliceVector",
    "angular_view_number": "AngularViewVector",
}


@dataclass(frozen=True)
class Choice:
    """The settings of frames."""

    attributes: tuple[FrameAttribute, ...] = standard_frame_attributes()
    limit: int = 100_000
    tiled_full: bool = False


def frames(top: Dataset, path: Path, choice: Choice = Choice()) -> list[Row]:
    """The rows of a file."""
    count = _count(top)
    if not _has_groups(top) and (value(top, "NumberOfFrames", "int64") or 1) <= 1:
        return []
    if not 1 <= count <= min(choice.limit, path.stat().st_size):
        return []
    groups = sequence(top, _PER_FRAME) or [None] * count
    rows = [{"frame_number": number, **_attributes(top, group, choice)} for number, group in enumerate(groups, 1)]
    offset, length = _first_frame(top, path, count)
    times = _times(top, count)
    vectors = {name: _whole_vector(top, keyword, count) for name, keyword in _VECTORS.items()}
    positions = _dose_positions(top, count)
    tiles = _tiles(top, rows) if choice.tiled_full and value(top, "DimensionOrganizationType") == "TILED_FULL" else None
    for index, row in enumerate(rows):
        row["frame_time_ms"] = times[index]
        row["frame_length"] = length
        row["frame_offset"] = None if offset is None or length is None else offset + index * length
        row.update({name: vector[index] for name, vector in vectors.items()})
        if positions is not None:
            row["ImagePositionPatient"] = positions[index]
        if tiles is not None:
            row.update({name: found for name, found in tiles[index].items() if row[name] is None})
    return rows


def has_frame_count_finding(top: Dataset, path: Path, choice: Choice = Choice()) -> bool:
    """Whether the file has the finding ``frame-count``."""
    stated, items = value(top, "NumberOfFrames", "int64"), len(sequence(top, _PER_FRAME))
    if not _has_groups(top) and (stated or 1) <= 1:
        return False
    return not frames(top, path, choice) or (items > 0 and stated is not None and stated != items)


def _has_groups(top: Dataset) -> bool:
    return _SHARED in top or _PER_FRAME in top


def _count(top: Dataset) -> int:
    stated: int | None = value(top, "NumberOfFrames", "int64")
    return len(sequence(top, _PER_FRAME)) or (1 if stated is None else stated)


def _attributes(top: Dataset, group: Dataset | None, choice: Choice) -> Row:
    shared = first(top, _SHARED)
    row: Row = {}
    for attribute in choice.attributes:
        found = [_below(item, path.steps, attribute) for item in (group, shared) for path in attribute.paths]
        if attribute.top is not None and not _has_groups(top):
            found.append(value(top, attribute.top, attribute.type))
        row[attribute.name] = next((one for one in found if one is not None), None)
    return row


def _below(item: Dataset | None, steps: tuple[Step, ...], attribute: FrameAttribute) -> Any:
    for step in steps[:-1]:
        items = sequence(item, tag) if item is not None and (tag := _tag(item, step)) is not None else []
        item = items[0] if items else None
    tag = None if item is None else _tag(item, steps[-1])
    return None if tag is None else value(item, tag, attribute.type)


def _tag(item: Dataset, step: Step) -> Any:
    """The tag of a step; of a private one in the block that its creator reserved, None where it did not."""
    if step.creator is None:
        return step.tag
    try:
        return item.private_block(step.group, step.creator).get_tag(step.element)
    except KeyError:
        return None


def _whole_vector(top: Dataset, keyword: str, count: int, type_name: str = "list<int64>") -> list[Any]:
    vector: list[Any] | None = value(top, keyword, type_name)
    return vector if vector is not None and len(vector) == count else [None] * count


def _times(top: Dataset, count: int) -> list[float | None]:
    vector = _whole_vector(top, "FrameTimeVector", count, "list<float64>")
    if None not in vector:
        return list(accumulate([0.0, *vector[1:]]))
    step = value(top, "FrameTime", "float64")
    return [None if step is None else step * index for index in range(count)]


def _first_frame(top: Dataset, path: Path, count: int) -> tuple[int | None, int | None]:
    """The offset of the first frame and the length of each; None where pixel data is not plain, or its length is another."""
    syntax = UID(top.file_meta.get("TransferSyntaxUID", ""))
    if syntax == DeflatedExplicitVRLittleEndian:
        return None, None
    whole = pydicom.dcmread(path, force=True)
    element = next((whole.get_item(name) for name in ("FloatPixelData", "DoubleFloatPixelData", "PixelData") if name in whole), None)
    rows, columns, bits = (value(top, name, "int64") for name in ("Rows", "Columns", "BitsAllocated"))
    if not isinstance(element, RawDataElement) or element.length == 0xFFFFFFFF or None in (rows, columns, bits):
        return None, None
    if syntax.is_transfer_syntax and syntax.is_encapsulated:
        return None, None
    samples = value(top, "SamplesPerPixel", "int64")
    if value(top, "PhotometricInterpretation") == "YBR_FULL_422":
        samples = 2
    length, rest = divmod(rows * columns * bits * (1 if samples is None else samples), 8)
    pixels = length * count
    return (element.value_tell, length) if not rest and pixels and element.length in (pixels, pixels + pixels % 2) else (None, None)


def _dose_positions(top: Dataset, count: int) -> list[list[float] | None] | None:
    """PS3.3 C.8.8.3.2; None where the object is not one with GridFrameOffsetVector."""
    offsets = value(top, "GridFrameOffsetVector", "list<float64>")
    if offsets is None or _has_groups(top):
        return None
    origin = value(top, "ImagePositionPatient", "list<float64>")
    orientation = value(top, "ImageOrientationPatient", "list<float64>")
    if len(offsets) != count or None in offsets or not _are_numbers(origin, 3) or not _are_numbers(orientation, 6):
        return [None] * count
    a, b, c, d, e, f = orientation
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    if offsets[0] != 0:
        return [[origin[0], origin[1], offset] for offset in offsets]
    return [[origin[axis] + offset * normal[axis] for axis in range(3)] for offset in offsets]


def _are_numbers(values: list[Any] | None, count: int) -> bool:
    return values is not None and len(values) == count and None not in values


def _tiles(top: Dataset, rows: list[Row]) -> list[Row]:
    """PS3.3 C.7.6.17.3: tiles along a row, rows of tiles, focal planes, then optical paths."""
    height, width = value(top, "Rows", "int64"), value(top, "Columns", "int64")
    total = [value(top, name, "int64") for name in ("TotalPixelMatrixRows", "TotalPixelMatrixColumns")]
    if not (height and width and all(total)):
        return [{} for _ in rows]
    down, across = math.ceil(total[0] / height), math.ceil(total[1] / width)
    planes = value(top, "TotalPixelMatrixFocalPlanes", "int64") or 1
    if len(rows) % (down * across * planes):
        return [{} for _ in rows]
    places = [(plane, line, column) for plane in range(planes) for line in range(down) for column in range(across)]
    tiles = [_tile(top, rows[0], plane, line * height, column * width) for plane, line, column in places]
    return tiles * (len(rows) // len(tiles))


def _tile(top: Dataset, measures: Row, plane: int, line: int, column: int) -> Row:
    """The place of a tile; ``line`` and ``column`` of its first pixel, from 0."""
    tile: Row = {"ColumnPositionInTotalImagePixelMatrix": column + 1, "RowPositionInTotalImagePixelMatrix": line + 1}
    origin = first(top, "TotalPixelMatrixOriginSequence")
    corner = [value(origin, f"{axis}OffsetInSlideCoordinateSystem", "float64") for axis in "XY"]
    directions, spacing = value(top, "ImageOrientationSlide", "list<float64>"), measures["PixelSpacing"]
    if not (_are_numbers(corner, 2) and _are_numbers(directions, 6) and _are_numbers(spacing, 2)):
        return tile
    for axis, name in enumerate("XY"):
        moved = column * spacing[1] * directions[axis] + line * spacing[0] * directions[3 + axis]
        tile[f"{name}OffsetInSlideCoordinateSystem"] = corner[axis] + moved
    # Z is in micrometres, the space between slices in millimetres.
    tile["ZOffsetInSlideCoordinateSystem"] = plane * (measures["SpacingBetweenSlices"] or 0.0) * 1000
    return tile
