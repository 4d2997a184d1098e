"""The path syntax of columns: which element of a data set a column takes its values from.

::

    PatientID                                         an attribute, by PS3.6 keyword
    (0008,0060)                                       the same, by tag
    RequestAttributesSequence[0].ScheduledProcedureStepID   a leaf of the first item
    SegmentSequence[*].SegmentLabel                   a leaf of every item, gathered into a list; an entry for each item
    A[*].B[*].C                                       a leaf of every item of B in every item of A: one list, in the order of the file
    (0019,xx0C)[SIEMENS MR HEADER]                    a private element: xx is the block that the creator reserved (PS3.5 7.8.1)

Nothing here knows pydicom: keywords are resolved by a function that the caller passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from dicomlake.errors import ConfigurationError

_KEYWORD = re.compile(r"[A-Z][A-Za-z0-9]*")
_STANDARD_TAG = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)")
_PRIVATE_TAG = re.compile(r"\(([0-9A-Fa-f]{4}),xx([0-9A-Fa-f]{2})\)\[([^\]]+)\]")
_ITEM = re.compile(r"\[(\*|[0-9]{1,6})\]")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: an element, and which of its items to go into.

    ``element`` is the element number; for a private element only its low byte, since the creator's block gives the high one.
    ``item`` is None for a leaf, -1 for every item (``[*]``), else the item's index from 0.
    """

    group: int
    element: int
    creator: str | None
    item: int | None

    @property
    def tag(self) -> int:
        """The tag as one number, ``group << 16 | element``; of a private element without its block."""
        return self.group << 16 | self.element

    def tag_text(self) -> str:
        """The tag as text: ``(0008,0060)``, or ``(0019,xx0C)[CREATOR]``."""
        if self.creator is None:
            return f"({self.group:04X},{self.element:04X})"
        return f"({self.group:04X},xx{self.element:02X})[{self.creator}]"


@dataclass(frozen=True, slots=True)
class AttributePath:
    """A parsed path: the sequences to go through, then the leaf."""

    text: str
    steps: tuple[Step, ...]

    @property
    def leaf(self) -> Step:
        """The last step: the element that holds the value."""
        return self.steps[-1]

    @property
    def gathers(self) -> bool:
        """Whether a step takes every item (``[*]``), so that the column is a list."""
        return any(step.item == -1 for step in self.steps)

    def tag_text(self) -> str:
        """The tags of all steps, joined by dots, as in ``(0008,1032).(0008,0100)``."""
        return ".".join(step.tag_text() for step in self.steps)


def parse_path(text: str, tag_of_keyword: Callable[[str], int | None]) -> AttributePath:
    """Parse a path.

    Args:
        text: the path, in the syntax of this module.
        tag_of_keyword: answers the tag of a PS3.6 keyword as one number, or None where there is no such keyword.

    Raises:
        ConfigurationError: the text is not of that syntax, or a keyword is unknown.
    """
    steps: list[Step] = []
    position = 0
    while True:
        group, element, creator, position = _parse_element(text, position, tag_of_keyword)
        item: int | None = None
        if found := _ITEM.match(text, position):
            item = -1 if found[1] == "*" else int(found[1])
            position = found.end()
        steps.append(Step(group, element, creator, item))
        if position == len(text):
            break
        if item is None or text[position] != ".":
            raise _invalid(text, f"character {position + 1} ('{text[position]}') is not expected there")
        position += 1
    if steps[-1].item is not None:
        raise _invalid(text, "it ends with an item; a path ends with the element that holds the value")
    return AttributePath(text, tuple(steps))


def _parse_element(text: str, position: int, tag_of_keyword: Callable[[str], int | None]) -> tuple[int, int, str | None, int]:
    if found := _PRIVATE_TAG.match(text, position):
        group = int(found[1], 16)
        if group % 2 == 0:
            raise _invalid(text, f"group {found[1]} is even, and private elements have odd groups")
        return group, int(found[2], 16), found[3], found.end()
    if found := _STANDARD_TAG.match(text, position):
        return int(found[1], 16), int(found[2], 16), None, found.end()
    if found := _KEYWORD.match(text, position):
        tag = tag_of_keyword(found[0])
        if tag is None:
            raise _invalid(text, f"'{found[0]}' is not a keyword of the DICOM data dictionary")
        return tag >> 16, tag & 0xFFFF, None, found.end()
    raise _invalid(text, f"a keyword or a tag is expected at character {position + 1}")


def _invalid(text: str, reason: str) -> ConfigurationError:
    return ConfigurationError(f"column path '{text}' can't be used: {reason}")
