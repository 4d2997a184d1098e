"""The raw values that the walk kept: for each column one, or a list where it gathers over items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dicomlake.extract.pydicom_engine.levels import DataSet
from dicomlake.extract.pydicom_engine.wanted import WantedElement


class RawValue(NamedTuple):
    """A value as it stands in the file, with what is needed to understand it.

    ``position`` is its offset in the file, None when inflated.
    """

    tag: int
    vr: bytes | None
    value: bytes
    position: int | None
    data_set: DataSet


Cell = RawValue | list[RawValue | None] | None
"""What was kept for a column: nothing, a value, or a value (or none) for each item of the sequence that it gathers over."""


class Gathered:
    """The raw values of one file, by index of column."""

    __slots__ = ("cells",)

    def __init__(self, columns: int) -> None:
        self.cells: list[Cell] = [None] * columns

    def keep(self, element: WantedElement, value: RawValue) -> None:
        """Keep a value. An element that comes twice in a data set is in error (PS3.5 7.1); the last one counts, as for pydicom."""
        for column in element.columns:
            self.cells[column] = value
        for column in element.gathered_columns:
            cell = self.cells[column]
            if isinstance(cell, list):
                cell[-1] = value

    def begin_sequence(self, element: WantedElement) -> None:
        """A sequence begins: what an earlier one of the same tag left does not count."""
        for column in element.nested_columns:
            self.cells[column] = None

    def begin_item(self, element: WantedElement) -> None:
        """An item begins: lists that gather over the items get an entry, so that lists of one sequence line up."""
        for column in element.gathering_columns:
            cell = self.cells[column]
            if isinstance(cell, list):
                cell.append(None)
            else:
                self.cells[column] = [None]

    def values(self) -> Sequence[Cell]:
        """The cells, by index of column."""
        return self.cells
