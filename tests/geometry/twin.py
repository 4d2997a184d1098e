"""The rule of stacks once more, in plain Python: slow, and easy to see through."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from itertools import groupby, pairwise
from typing import Any

Row = dict[str, Any]

_DIVIDING = (
    ("StackID", False),
    ("ReferencedSegmentNumber", False),
    ("EchoTime", False),
    ("DiffusionBValue", False),
    ("DiffusionGradientOrientation", False),
    ("TemporalPositionIdentifier", True),
    ("TriggerTime", True),
    ("FrameReferenceTime", True),
    ("InversionTime", False),
    ("FlipAngle", False),
    ("ConvolutionKernel", False),
    ("AcquisitionNumber", True),
    ("FrameOfReferenceUID", False),
    ("SOPInstanceUID", False),
)


def stacks_by_hand(rows: list[Row]) -> tuple[list[int | None], list[Row]]:
    """The number of each slice's stack, and what is measured of each stack, by series and number."""
    numbers: dict[int, int] = {}
    measured: list[Row] = []
    placed = [index for index, row in enumerate(rows) if _has_place(row)]
    for key, series in _grouped(placed, lambda index: rows[index]["series_key"]):
        names: set[str] = set()
        stacks = [
            stack
            for turned in _by_orientation_of_all(rows, series)
            for _, kind in _grouped(turned, lambda index: _kind(rows[index]))
            for stack in _divided(rows, kind, _positions(rows, kind), 0, names)
        ]
        names |= _differing(rows, series, stacks)
        for number, stack in enumerate(stacks, start=1):
            numbers |= dict.fromkeys(stack, number)
            of_series = {"series_key": key, "stack": number, "told_apart_by": sorted(names) or None}
            measured.append(of_series | _measure(rows, stack))
    return [numbers.get(index) for index in range(len(rows))], measured


def _has_place(row: Row) -> bool:
    position, orientation = row["ImagePositionPatient"], row["ImageOrientationPatient"]
    for values, count, limit in ((position, 3, 1e9), (orientation, 6, 1e3)):
        if values is None or len(values) != count or any(one is None or not abs(one) <= limit for one in values):
            return False
    return math.hypot(*_cross(orientation[:3], orientation[3:])) >= 1e-3


def _grouped(indices: Iterable[int], key: Callable[[int], Any]) -> list[tuple[Any, list[int]]]:
    return [(found, list(group)) for found, group in groupby(sorted(indices, key=key), key=key)]


def _last_if_none(value: Any) -> tuple[bool, Any]:
    is_missing = value is None or value != value  # noqa: PLR0124 (NaN)
    return is_missing, "" if is_missing else value


def _kind(row: Row) -> str:
    return "\\".join((row["ImageType"] or [])[2:])


def _by_orientation(rows: list[Row], indices: list[int]) -> list[list[int]]:
    parts = [indices]
    for _ in range(4):
        before = len(parts)
        for component in range(6):
            parts = [
                piece
                for part in parts
                for piece in _cut(part, lambda index, at=component: rows[index]["ImageOrientationPatient"][at], 0.01)  # type: ignore[misc]
            ]
        if len(parts) == before:
            break
    return sorted(parts, key=lambda part: min(rows[index]["ImageOrientationPatient"] for index in part))


def _cut(indices: list[int], value: Callable[[int], float], tolerance: float) -> list[list[int]]:
    ordered = sorted(indices, key=value)
    parts = [[ordered[0]]]
    for before, after in pairwise(ordered):
        if value(after) - value(before) > tolerance:
            parts.append([])
        parts[-1].append(after)
    return parts


def _positions(rows: list[Row], stack: list[int]) -> dict[int, int]:
    """The position of each slice, numbered from the lowest."""
    normal = _axes(rows, stack)[2]
    parts = _cut(stack, lambda index: _dot(rows[index]["ImagePositionPatient"], normal), 0.001)
    return {index: number for number, part in enumerate(parts) for index in part}


def _divided(rows: list[Row], stack: list[int], positions: dict[int, int], first: int, names: set[str]) -> list[list[int]]:
    most = max(Counter(positions[index] for index in stack).values())
    shared = [group for _, group in _grouped(stack, positions.__getitem__)]
    for at, (name, is_counter) in enumerate(_DIVIDING):
        values: dict[int, Any] = {index: _value(rows[index], name) for index in stack}
        if at < first or all(len({values[index] for index in group}) == 1 for group in shared):
            continue
        if is_counter and len(set(values.values())) > most:
            values = {index: rank for group in shared for index, rank in _ranks(group, values).items()}
        names.add(name)
        groups = [group for _, group in _grouped(stack, values.__getitem__)]
        return [part for group in groups for part in _divided(rows, group, positions, at + 1, names)]
    return [stack]


def _ranks(indices: list[int], values: dict[int, Any]) -> dict[int, int]:
    distinct = sorted({values[index] for index in indices})
    return {index: distinct.index(values[index]) for index in indices}


def _value(row: Row, name: str) -> Hashable:
    value = row[name]
    if name == "SOPInstanceUID" and row["frame_number"] is None:
        value = None
    if name == "DiffusionGradientOrientation":
        return tuple(_last_if_none(value[at] if value and at < len(value) else None) for at in range(3))
    if isinstance(value, list):
        value = "\\".join(value)
    return _last_if_none(value)


def _differing(rows: list[Row], series: list[int], stacks: list[list[int]]) -> set[str]:
    names = {name for name in ("SOPClassUID", "Rows", "Columns") if len({rows[stack[0]][name] for stack in stacks}) > 1}
    if len({_kind(rows[stack[0]]) for stack in stacks}) > 1:
        names.add("ImageType")
    smallest = [min(rows[index]["ImageOrientationPatient"] for index in part) for part in _by_orientation_of_all(rows, series)]
    if any(max(values) - min(values) > 0.01 for values in zip(*smallest, strict=True)):
        names.add("ImageOrientationPatient")
    return names


def _by_orientation_of_all(rows: list[Row], series: list[int]) -> list[list[int]]:
    """Slices of one class, size and orientation."""
    names = ("SOPClassUID", "Rows", "Columns")
    alike = _grouped(series, lambda index: tuple(_last_if_none(rows[index][name]) for name in names))
    return [part for _, group in alike for part in _by_orientation(rows, group)]


def _measure(rows: list[Row], stack: list[int]) -> Row:
    axes = _axes(rows, stack)
    positions = sorted(rows[index]["ImagePositionPatient"] for index in stack)
    positions.sort(key=lambda position: _dot(position, axes[2]))
    heights = [_dot(position, axes[2]) for position in positions]
    distinct = [heights[0], *(after for before, after in pairwise(heights) if after - before > 0.001)]
    steps = [after - before for before, after in pairwise(distinct)]
    spacing = (distinct[-1] - distinct[0]) / len(steps) if steps else None
    is_even = spacing is not None and all(abs(step - spacing) <= 0.01 * spacing for step in steps)
    spread = [max(values) - min(values) for values in zip(*(rows[index]["ImageOrientationPatient"] for index in stack), strict=True)]
    areas = [math.hypot(*_cross(rows[index]["ImageOrientationPatient"][:3], rows[index]["ImageOrientationPatient"][3:])) for index in stack]
    in_plane = [[_dot(position, side) for position in positions] for side in axes[:2]]
    is_straight = [max(values) - min(values) < 0.1 for values in in_plane]
    pixel_spacings = {tuple(rows[index]["PixelSpacing"] or ()) for index in stack}
    is_unique = len(distinct) == len(stack)
    measured: Row = {
        "slice_count": len(stack),
        "position_count": len(distinct),
        "instances": len({rows[index]["SOPInstanceUID"] for index in stack}),
        "slice_spacing": spacing,
        "single_orientation": max(spread) <= 0.01,
        "orthogonal_orientation": all(abs(area - 1) <= 0.01 for area in areas),
        "unique_slice_positions": is_unique,
        "consistent_in_plane_row": is_straight[0],
        "consistent_in_plane_col": is_straight[1],
        "consistent_pixel_spacing": len(pixel_spacings) == 1 and pixel_spacings != {()},
        "consistent_image_dimensions": rows[stack[0]]["Rows"] is not None and rows[stack[0]]["Columns"] is not None,
        "uniform_slice_spacing": None if len(stack) == 1 else is_unique and is_even,
    }
    judgements = [value for name, value in measured.items() if isinstance(value, bool) or name == "uniform_slice_spacing"]
    measured["regularly_spaced_3d_volume"] = len(stack) > 1 and all(judgements)
    measured["gantry_tilt_sheared"] = bool(
        measured["single_orientation"] and measured["uniform_slice_spacing"] and not all(is_straight) and _is_line(heights, in_plane)
    )
    measured["missing_slices"] = _missing(steps)
    measured["SliceThickness"] = _usual(rows[index]["SliceThickness"] for index in stack)
    measured["first_position"], measured["last_position"] = positions[0], positions[-1]
    return measured


def _is_line(heights: list[float], in_plane: list[list[float]]) -> bool:
    parts = [(height - heights[0]) / (heights[-1] - heights[0]) for height in heights]
    return all(
        abs(value - values[0] - part * (values[-1] - values[0])) < 0.1
        for values in in_plane
        for part, value in zip(parts, values, strict=True)
    )


def _missing(steps: list[float]) -> int | None:
    if not steps:
        return None
    mean = sum(steps) / len(steps)
    if all(abs(step - mean) <= 0.01 * mean for step in steps):
        return 0
    multiples = [round(step / min(steps)) for step in steps]
    width = sum(steps) / sum(multiples)
    if all(abs(step - multiple * width) <= 0.01 * width for step, multiple in zip(steps, multiples, strict=True)):
        return sum(multiples) - len(steps)
    return None


def _usual(values: Iterable[float | None]) -> float | None:
    counts = Counter(value for value in values if value is not None)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None


def _axes(rows: list[Row], stack: list[int]) -> list[list[float]]:
    smallest = min(rows[index]["ImageOrientationPatient"] for index in stack)
    sides = [smallest[:3], smallest[3:], _cross(smallest[:3], smallest[3:])]
    return [[one / math.hypot(*side) for one in side] for side in sides]


def _cross(a: list[float], b: list[float]) -> list[float]:
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def _dot(a: list[float], b: list[float]) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
