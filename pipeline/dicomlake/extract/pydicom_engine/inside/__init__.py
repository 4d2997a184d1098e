"""The tables whose rows stand in the sequences of a header: `frames`, `instance_references`, `segments`, `content_items`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.inside.frames import OF_INSTANCE
from dicomlake.extract.pydicom_engine.inside.content_items import content_item_rows
from dicomlake.extract.pydicom_engine.inside.frames import functional_group_rows, functional_groups
from dicomlake.extract.pydicom_engine.inside.references import reference_rows
from dicomlake.extract.pydicom_engine.inside.segments import segment_rows
from dicomlake.extract.pydicom_engine.level import Level
from dicomlake.schema import FrameAttribute

__all__ = ["RowsInside", "functional_groups", "rows_inside", "tables_inside"]

Row = dict[str, Any]


@dataclass(frozen=True)
class RowsInside:
    """The rows of one header: ``frames`` as `functional_group_rows` has them, and by table those that need nothing else but keys."""

    frames: list[Row] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=dict)


def rows_inside(top: Level, frame_attributes: Sequence[FrameAttribute]) -> RowsInside:
    """Make the rows of one header.

    Args:
        top: the data set of the file.
        frame_attributes: the attributes of frames; none of them, no rows of functional groups.

    Raises:
        Exception: pydicom can't parse a sequence.
    """
    tables = {"instance_references": reference_rows(top), "segments": segment_rows(top), "content_items": content_item_rows(top)}
    return RowsInside(functional_group_rows(top, frame_attributes) if frame_attributes else [], tables)


def tables_inside(files: Sequence[tuple[Row, RowsInside]], request: ScanRequest) -> dict[str, pa.Table]:
    """The tables of several files, except for `frames`. ``relation`` is null, and rows with the same number are all kept.

    Args:
        files: of each file its row of `instances`, from which the keys are taken, and the rows inside.
        request: what to read.
    """
    tables: dict[str, list[Row]] = {"instance_references": [], "segments": [], "content_items": []}
    for instance, inside in files:
        for name, rows in inside.tables.items():
            keys = {key: instance[key] for key in OF_INSTANCE}
            tables[name] += [{**row, **keys} for row in rows]
    return {name: pa.Table.from_pylist(rows, schema=request.scanned_schema(name)) for name, rows in tables.items()}
