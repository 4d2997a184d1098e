"""What is wanted of a data set, looked up by tag: built once from the paths of the columns, so that the walk asks one dict an element.

`[k]` and `[*]` of one sequence meet in the same item, so the lookup of an item is made for its index, the first time that it is met.
"""

from __future__ import annotations

from collections.abc import Sequence

from dicomlake.schema import Step

SPECIFIC_CHARACTER_SET = 0x00080005
PIXEL_REPRESENTATION = 0x00280103
CONTEXT_TAGS = (SPECIFIC_CHARACTER_SET, PIXEL_REPRESENTATION)
"""Elements that say how to understand others of their data set, and are kept of every one."""

PathLeft = tuple[tuple[Step, ...], int, bool]
"""What is left of a column's path, the column's index, and whether a step gone before gathers over items."""


class WantedElement:
    """What is wanted of an element: its value, for some columns; its items, for others."""

    __slots__ = ("_by_item", "_indices", "_paths", "columns", "context", "gathered_columns", "gathering_columns", "nested_columns")

    def __init__(self, paths: Sequence[PathLeft], *, context: bool) -> None:
        """Make it of the paths that go through or end at this element: what is left of each, its column, whether it gathers already."""
        ending = [(column, gathers) for left, column, gathers in paths if len(left) == 1]
        self.columns = tuple(column for column, gathers in ending if not gathers)
        self.gathered_columns = tuple(column for column, gathers in ending if gathers)
        self.context = context
        self._paths = [path for path in paths if len(path[0]) > 1]
        self._indices = {left[0].item for left, _, _ in self._paths}
        self._by_item: dict[int, WantedDataSet] = {}
        self.nested_columns = tuple(column for left, column, gathers in self._paths if not gathers)
        self.gathering_columns = tuple(column for left, column, _ in self._paths if left[0].item == -1)

    @property
    def has_value(self) -> bool:
        """Whether its value is wanted."""
        return bool(self.columns or self.gathered_columns)

    @property
    def has_items(self) -> bool:
        """Whether something inside its items is wanted."""
        return bool(self._paths)

    def item(self, index: int) -> WantedDataSet:
        """What is wanted of the item at ``index``."""
        key = index if index in self._indices else -1
        found = self._by_item.get(key)
        if found is None:
            inside = [
                (left[1:], column, gathers or left[0].item == -1) for left, column, gathers in self._paths if left[0].item in (key, -1)
            ]
            found = self._by_item[key] = WantedDataSet(inside)
        return found


class WantedDataSet:
    """What is wanted of a data set.

    ``elements`` are by tag; ``private`` by group and low byte (``group << 16 | byte``), each with the creator whose block it must be in.
    """

    __slots__ = ("elements", "private")

    def __init__(self, paths: Sequence[PathLeft]) -> None:
        """Make it of the paths that begin in this data set: the path, its column, whether an outer step gathers already."""
        public: dict[int, list[PathLeft]] = {tag: [] for tag in CONTEXT_TAGS}
        private: dict[tuple[int, str], list[PathLeft]] = {}
        for path in paths:
            step = path[0][0]
            if step.creator is None:
                public.setdefault(step.tag, []).append(path)
            else:
                private.setdefault((step.tag, step.creator.strip()), []).append(path)
        self.elements = {tag: WantedElement(found, context=tag in CONTEXT_TAGS) for tag, found in public.items()}
        self.private: dict[int, list[tuple[str, WantedElement]]] = {}
        for (tag, creator), found in private.items():
            self.private.setdefault(tag, []).append((creator, WantedElement(found, context=False)))


NOTHING_WANTED = WantedDataSet([])
"""Of a data set that no path goes into only its context is kept."""
