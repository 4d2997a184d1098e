"""Who wants the whole header is told of everything that the walk passes, in order."""

from __future__ import annotations

from typing import Protocol

from dicomlake.extract.pydicom_engine.levels import DataSet, SequenceOfItems


class Recorder(Protocol):
    """Told of everything that the walk passes.

    ``vr`` is None where the file says none; positions are offsets of values in the file, None when inflated.
    """

    def wants(self, data_set: DataSet, tag: int, vr: bytes | None, length: int) -> bool:
        """Whether this value is wanted; of others only position and length are told."""
        ...

    def leaf(self, data_set: DataSet, tag: int, vr: bytes | None, position: int | None, length: int | None, value: bytes | None) -> None:
        """An element with a value; ``value`` is None where it was passed over, ``length`` where it was undefined."""
        ...

    def begin_sequence(self, sequence: SequenceOfItems, vr: bytes | None, position: int | None, length: int) -> None:
        """A sequence begins."""
        ...

    def end_sequence(self, sequence: SequenceOfItems) -> None:
        """It ends."""
        ...

    def begin_item(self, item: DataSet, position: int | None, length: int) -> None:
        """An item of the sequence begun last begins."""
        ...

    def end_item(self, item: DataSet) -> None:
        """It ends."""
        ...
