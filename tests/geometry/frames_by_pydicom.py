"""The columns of `frames` that slices need, read with pydicom: without the code under test, and without an engine."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pydicom
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from dicomlake.schema.columns import data_rows

_SCALARS = {"string": str, "int64": int, "float64": float, "timestamp[us]": str}


_MOST_FRAMES = 100_000
"""More than these have no rows in `frames` either."""


def read_frames(files: Iterable[tuple[str, Path]], wanted: Iterable[str]) -> pl.DataFrame:
    """Rows of `frames` of those files, given with their SOPInstanceUID, that have functional groups or several frames."""
    names = set(wanted)
    declared = [row for row in data_rows("frames.csv") if row["name"] in names]
    rows: list[dict[str, Any]] = []
    for instance, path in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows += _frames_of(instance, pydicom.dcmread(path, stop_before_pixels=True, force=True), declared)
    types: dict[str, Any] = {"SOPInstanceUID": pl.String, "frame_number": pl.Int64}
    for row in declared:
        types[row["name"]] = _type(row["type"])
    return pl.DataFrame(rows, schema=types)


def _type(text: str) -> Any:
    if text.startswith("list<"):
        return pl.List(_type(text[5:-1]))
    return {"string": pl.String, "int64": pl.Int64, "float64": pl.Float64, "timestamp[us]": pl.String}[text]


def _frames_of(instance: str, data: Dataset, declared: list[dict[str, str]]) -> list[dict[str, Any]]:
    per_frame = data.get("PerFrameFunctionalGroupsSequence") or []
    shared = data.get("SharedFunctionalGroupsSequence") or []
    has_groups = bool(per_frame or shared)
    count = len(per_frame) or int(data.get("NumberOfFrames") or 1)
    if (not has_groups and count < 2) or count > _MOST_FRAMES:
        return []
    rows = []
    for index in range(count):
        row: dict[str, Any] = {"SOPInstanceUID": instance, "frame_number": index + 1}
        for column in declared:
            paths = column["paths"].split("|")
            items = [item for item in (per_frame[index] if index < len(per_frame) else None, shared[0] if shared else None) if item]
            value = next((found for item in items for path in paths if (found := _at(item, path, column["type"])) is not None), None)
            if value is None and not has_groups and column["top"]:
                value = _at(data, column["top"], column["type"])
            row[column["name"]] = value
        rows.append(row)
    _place_dose(data, rows)
    return rows


def _at(item: Dataset, path: str, type_: str) -> Any:
    *sequences, leaf = path.split(".")
    for name in sequences:
        inside = item.get(name)
        if not inside:
            return None
        item = inside[0]
    value = item.get(leaf)
    if value is None or value == "":
        return None
    is_several = isinstance(value, (list, MultiValue))
    if type_.startswith("list<"):
        kind = _SCALARS[type_[5:-1]]
        return [kind(one) for one in (value if is_several else [value])]
    return _SCALARS[type_](value[0] if is_several else value)


def _place_dose(data: Dataset, rows: list[dict[str, Any]]) -> None:
    """Give the frames of a dose their positions (PS3.3 C.8.8.3.2)."""
    offsets = data.get("GridFrameOffsetVector")
    if offsets is None or "ImagePositionPatient" not in data or "ImageOrientationPatient" not in data:
        return
    first = np.array([float(one) for one in data.ImagePositionPatient])
    sides = np.array([float(one) for one in data.ImageOrientationPatient]).reshape(2, 3)
    for row, offset in zip(rows, offsets, strict=False):
        moved = first + float(offset) * np.cross(*sides) if offsets[0] == 0 else np.array([*first[:2], float(offset)])
        row["ImagePositionPatient"] = moved.tolist()
