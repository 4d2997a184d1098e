"""Rows of functional groups: the attributes of frames, as they stand in the shared groups and in those of each frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from dicomlake.extract.pydicom_engine.inside.cells import items
from dicomlake.extract.pydicom_engine.level import Level
from dicomlake.extract.pydicom_engine.values import column_value
from dicomlake.schema import Column, FrameAttribute
from dicomlake.schema.types import arrow_type

Row = dict[str, Any]


def functional_group_rows(top: Level, attributes: Sequence[FrameAttribute]) -> list[Row]:
    """The rows of a header: ``frame_number`` 0 for the shared groups, if there are any, then one for each item of the per-frame groups.

    Args:
        top: the data set of the file.
        attributes: the columns; a row has those whose value stands in its own item.

    Raises:
        Exception: pydicom can't parse a sequence.
    """
    groups = dict(enumerate(items(top, "PerFrameFunctionalGroupsSequence"), 1))
    shared = items(top, "SharedFunctionalGroupsSequence")[:1]
    return [{"frame_number": number, **_values(group, attributes)} for number, group in [*enumerate(shared), *groups.items()]]


def functional_groups(rows_of_files: Iterable[tuple[int, Sequence[Row]]], attributes: Sequence[FrameAttribute]) -> pa.Table:
    """The rows of several files, as the native core answers them.

    Args:
        rows_of_files: the number of each file in the unit, and its rows.
        attributes: the columns.

    Returns:
        Columns ``file`` (uint32), ``frame_number`` (int64), and the attributes by name.
    """
    numbered = [{"file": file, **row} for file, rows in rows_of_files for row in rows]
    fields = [pa.field("file", pa.uint32()), pa.field("frame_number", pa.int64())]
    fields += [pa.field(attribute.name, arrow_type(attribute.type)) for attribute in attributes]
    return pa.Table.from_pylist(numbered, schema=pa.schema(fields))


def _values(group: Level, attributes: Sequence[FrameAttribute]) -> Row:
    row: Row = {}
    for attribute in attributes:
        for column in _columns(attribute):
            value = column_value(column, column.path.steps, group, [])
            if value is not None:
                row[attribute.name] = value
                break
    return row


@cache
def _columns(attribute: FrameAttribute) -> tuple[Column, ...]:
    """A column for each of the places where the value may stand, in their order."""
    name, vr, vm, type_name, description = attribute.name, attribute.vr, attribute.vm, attribute.type, attribute.description
    return tuple(Column(name, "frames", path, vr, vm, type_name, description, attribute.units) for path in attribute.paths)
