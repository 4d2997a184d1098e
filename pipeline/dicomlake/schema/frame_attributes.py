"""The attributes of frames: the standard ones of ``frames.csv``, and those that the user adds with ``frames.columns``.

An attribute of a frame stands in a functional group: a sequence in an item of PerFrameFunctionalGroupsSequence (5200,9230) or
SharedFunctionalGroupsSequence (5200,9229) (PS3.3 C.7.6.16). Its paths begin below such an item, and take the first item of each sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from dicomlake.errors import ConfigurationError
from dicomlake.schema import types
from dicomlake.schema.columns import Column, data_rows, tags_of_keywords, units_of_columns
from dicomlake.schema.path import AttributePath, parse_path

if TYPE_CHECKING:
    import pyarrow as pa


RESERVED_NAMES = frozenset({"file", "frames", "items", "pixel_data_offset", "dose_position", "portion", "copy"})
"""Names of columns that frames have while their rows are made."""


@dataclass(frozen=True, slots=True)
class FrameAttribute:
    """A column of `frames` that is an attribute of the header.

    Attributes:
        name: the name of the column.
        paths: where its value may stand below a functional groups item, tried in this order.
        top: the column of `instances` that has the value of objects without functional groups; None where there is none.
        vr: the VR of the data dictionary.
        vm: the value multiplicity.
        type: a name of ``dicomlake.schema.types``.
        description: the name of the attribute.
        units: the units of its values.
    """

    name: str
    paths: tuple[AttributePath, ...]
    top: str | None
    vr: str
    vm: str
    type: str
    description: str
    units: str | None

    def field(self) -> pa.Field:
        """The Arrow field, with tag, path, VR, VM, description and units in its metadata."""
        import pyarrow as pa  # noqa: PLC0415 - SQL asks for the names of tables without it

        metadata = {
            "tag": self.paths[0].leaf.tag_text(),
            "path": "|".join(path.text for path in self.paths),
            "vr": self.vr,
            "vm": self.vm,
            "description": self.description,
        }
        if self.units:
            metadata["units"] = self.units
        return pa.field(self.name, types.arrow_type(self.type), metadata=metadata)


@cache
def standard_frame_attributes() -> tuple[FrameAttribute, ...]:
    """The standard attributes of frames, in the order of ``frames.csv``."""
    units = units_of_columns()
    rows = data_rows("frames.csv")
    pairs = [pair for row in rows for pair in zip(row["paths"].split("|"), row["tag"].split("|"), strict=True)]
    tags = tags_of_keywords(pairs)
    return tuple(
        FrameAttribute(
            name=row["name"],
            paths=tuple(parse_path(_with_items(text), tags.get) for text in row["paths"].split("|")),
            top=row["top"] or None,
            vr=row["vr"],
            vm=row["vm"],
            type=row["type"],
            description=row["description"],
            units=units.get(row["name"]),
        )
        for row in rows
    )


def _with_items(path: str) -> str:
    return path.replace(".", "[0].")


def user_frame_attribute(column: Column) -> FrameAttribute:
    """Make an attribute of frames of a column of the user's, whose path begins below a functional groups item.

    Raises:
        ConfigurationError: a step of the path does not take the first item, or the name can't be used.
    """
    if column.name in RESERVED_NAMES:
        raise ConfigurationError(f"frame column name '{column.name}' can't be used; give it another 'name'")
    if any(step.item != 0 for step in column.path.steps[:-1]):
        raise ConfigurationError(f"frame column path '{column.path.text}' must take the first item ([0]) of every sequence")
    return FrameAttribute(column.name, (column.path,), None, column.vr, column.vm, column.type, column.description, column.units)
