"""Where the walk stands: data sets and sequences, each with the one around it. The chain of them is the walk's stack."""

from __future__ import annotations

import math

from dicomlake.extract.pydicom_engine.element import Encoding
from dicomlake.extract.pydicom_engine.wanted import WantedDataSet, WantedElement
from dicomlake.schema.dictionary import entry_of_tag

NO_END = math.inf
"""The end of what says no end."""


class DataSet:
    """A data set: the file's own, or an item of a sequence.

    ``limit`` is the position in the stream at which it must end (its own end or one around it), ``defined`` whether it said its own.
    ``creators`` are the private creators met, by ``group << 8 | block``; ``context`` the raw values of ``CONTEXT_TAGS`` met.
    """

    __slots__ = ("context", "creators", "defined", "depth", "encoding", "index", "last_tag", "limit", "parent", "wanted")

    def __init__(
        self,
        parent: SequenceOfItems | None,
        index: int,
        limit: float,
        encoding: Encoding,
        wanted: WantedDataSet,
        *,
        defined: bool,
    ) -> None:
        self.parent = parent
        self.index = index
        self.limit = limit
        self.defined = defined
        self.encoding = encoding
        self.wanted = wanted
        self.depth: int = 0 if parent is None else parent.depth
        self.last_tag = -1
        self.creators: dict[int, str] | None = None
        self.context: dict[int, bytes] | None = None

    def inherited(self, tag: int) -> bytes | None:
        """The raw value of a context element: its own, else that of the nearest data set around it that has one (PS3.5 7.5.3)."""
        data_set: DataSet | None = self
        while data_set is not None:
            if data_set.context is not None and tag in data_set.context:
                return data_set.context[tag]
            data_set = data_set.parent.parent if data_set.parent is not None else None
        return None

    def path(self) -> str:
        """The path to this data set, with a trailing dot: ``ReferencedSeriesSequence[2].``; empty at top level."""
        steps: list[str] = []
        data_set: DataSet = self
        while data_set.parent is not None:
            steps.append(f"{label_of_tag(data_set.parent.tag)}[{data_set.index}].")
            data_set = data_set.parent.parent
        if len(steps) > PATH_STEPS:  # of a path that deep the outer steps tell where it is
            steps = ["… ", *steps[-PATH_STEPS:]]
        return "".join(reversed(steps))


class SequenceOfItems:
    """A sequence in a data set, or (``stray``) items that stand where there is no sequence."""

    __slots__ = ("defined", "depth", "encoding", "items", "limit", "parent", "stray", "tag", "wanted")

    def __init__(
        self,
        parent: DataSet,
        tag: int,
        limit: float,
        encoding: Encoding,
        wanted: WantedElement | None,
        *,
        defined: bool,
        stray: bool = False,
    ) -> None:
        self.parent = parent
        self.tag = tag
        self.limit = limit
        self.defined = defined
        self.encoding = encoding
        self.wanted = wanted
        self.stray = stray
        self.items = 0
        self.depth = parent.depth + 1


PATH_STEPS = 32
"""The most steps of a path that are told."""


def label_of_tag(tag: int) -> str:
    """What a person calls an element: its keyword, else its tag in hex."""
    entry = entry_of_tag(tag)
    if entry is not None and entry.keyword:
        return entry.keyword
    return tag_text(tag)


def tag_text(tag: int) -> str:
    """A tag as ``(GGGG,EEEE)``."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
