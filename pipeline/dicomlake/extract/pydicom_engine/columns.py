"""A column as the engine reads it: which VRs it expects, and what its cells are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from dicomlake.schema import Column
from dicomlake.schema.types import is_list, item_type

UNTRIMMED_AHEAD_VRS = frozenset({"LT", "ST", "UT", "UC", "UR", "PN", "UI"})
"""VRs whose leading spaces PS3.5 6.2 does not call padding."""

UNDIVIDED_VRS = frozenset({"LT", "ST", "UT", "UR"})
"""VRs of one value, in which a backslash is a character (PS3.5 6.2)."""

CHARACTER_SET_VRS = frozenset({"SH", "LO", "ST", "LT", "UC", "UT", "PN"})
"""VRs that (0008,0005) applies to (PS3.5 6.1.2.3)."""

TEXT_VRS = CHARACTER_SET_VRS | {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"}
NUMBER_FORMATS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
"""VRs of binary numbers, by their format in ``struct``."""


Scalar = str | int | float | bool | None
CellValue = Scalar | list[Scalar]
"""What a cell can hold: dates are days, timestamps microseconds since 1970, as Arrow has them."""


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A column, with everything about it that is asked for each value.

    ``expected`` are the VRs of the dictionary, ``known`` what ``values.cell`` remembers.
    """

    name: str
    tag: int
    vr: str
    expected: frozenset[str]
    item: str
    is_list: bool
    gathers: bool
    is_partition: bool
    known: dict[tuple[bytes | None, bytes, bool], CellValue] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, column: Column, partition_by: str) -> ReadColumn:
        """The column of a schema."""
        return cls(
            name=column.name,
            tag=column.path.leaf.tag,
            vr=column.vr,
            expected=frozenset(column.vr.split(" or ")),
            item=item_type(column.type),
            is_list=is_list(column.type),
            gathers=column.path.gathers,
            is_partition=column.name in ("Modality", partition_by),
        )
