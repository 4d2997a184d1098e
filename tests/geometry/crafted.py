"""Slices made by hand, as rows of `slices`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from dicomlake.geometry import SLICES_SCHEMA

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"

AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
SAGITTAL = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]


def one(height: float = 0.0, **values: Any) -> dict[str, Any]:
    """One axial CT slice at a height in mm; other values by their column."""
    return {
        "series_key": "series",
        "SOPClassUID": CT,
        "Rows": 64,
        "Columns": 64,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "ImageOrientationPatient": AXIAL,
        "ImagePositionPatient": [-20.0, -30.0, float(height)],
        "PixelSpacing": [0.5, 0.5],
        "SliceThickness": 2.0,
        **values,
    }


def volume(count: int = 5, step: float = 2.0, **values: Any) -> list[dict[str, Any]]:
    """Axial CT slices from height 0, with InstanceNumber from 1."""
    return [one(index * step, InstanceNumber=index + 1, **values) for index in range(count)]


def slices(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """A frame of slices; those without a SOPInstanceUID have one of their own."""
    given = [{"SOPInstanceUID": f"1.2.{index}", "row": index, **row} for index, row in enumerate(rows)]
    return pl.DataFrame(given, schema=SLICES_SCHEMA)
