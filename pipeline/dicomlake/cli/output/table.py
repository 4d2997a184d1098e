"""Tables for people: a table fits the terminal, or counts the columns that it left out.

Rows and columns are plain text; the caller adds colour. Widths are cells of a terminal, in which a Japanese letter takes two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells, set_cell_size

GAP = "  "
NARROWEST = 12
"""Names and text are not cut shorter than this; columns are left out instead."""


@dataclass(frozen=True)
class Heading:
    """The name of a column, and the layout of its values.

    ``is_number`` aligns values to the right. Only values with ``is_text`` are cut, and those with ``keeps_end`` at their beginning:
    a url or a UID differs from its neighbours at its end.
    """

    name: str
    is_number: bool = False
    is_text: bool = True
    keeps_end: bool = False


@dataclass(frozen=True)
class Laid:
    """A table as lines, of which two are the heading, and how many columns had no room."""

    lines: list[str]
    columns_left_out: int = 0


def number(name: str) -> Heading:
    """The heading of a column of numbers."""
    return Heading(name, is_number=True, is_text=False)


def lay_out(headings: Sequence[Heading], rows: Sequence[Sequence[str]], width: int | None = None) -> Laid:
    """Lay out a table in ``width`` cells. Long text is cut; columns that still have no room are left out, from the right.

    Args:
        headings: one for each column.
        rows: a text for each column.
        width: the width of the terminal; unlimited where None.
    """
    extents = [_extent(heading, [row[index] for row in rows]) for index, heading in enumerate(headings)]
    widths = [extent.natural for extent in extents] if width is None else _fit(extents, width)
    shown = headings[: len(widths)]
    lines = [_line([heading.name for heading in shown], [Heading("", is_number=heading.is_number) for heading in shown], widths)]
    lines.append(GAP.join("─" * wide for wide in widths))
    lines += [_line(row[: len(widths)], shown, widths) for row in rows]
    return Laid(lines, len(headings) - len(widths))


def lay_out_record(headings: Sequence[Heading], row: Sequence[str]) -> list[str]:
    """One row as a line for each column, without cutting."""
    wide = max((cell_len(heading.name) for heading in headings), default=0)
    return [(set_cell_size(heading.name, wide) + GAP + text).rstrip() for heading, text in zip(headings, row, strict=True)]


def fits(headings: Sequence[Heading], rows: Sequence[Sequence[str]], width: int | None) -> bool:
    """Whether a table fits without any cutting."""
    return width is None or all(cell_len(line) <= width for line in lay_out(headings, rows).lines)


def cut(text: str, width: int, *, keeps_end: bool = False) -> str:
    """The text in at most ``width`` cells, with an ellipsis for the part that was cut."""
    if cell_len(text) <= width:
        return text
    if keeps_end:
        reverse = chop_cells(text[::-1], width - 1)
        return "…" + (reverse[0][::-1] if reverse else "")
    return set_cell_size(text, width - 1).rstrip() + "…"


@dataclass(frozen=True)
class _Extent:
    """The natural and the smallest width of a column."""

    natural: int
    narrowest: int

    def within(self, limit: int) -> int:
        return max(self.narrowest, min(self.natural, limit))


def _extent(heading: Heading, texts: Sequence[str]) -> _Extent:
    values = max(map(cell_len, texts), default=0)
    natural = max(values, cell_len(heading.name))
    narrowest = min(natural, NARROWEST)
    return _Extent(natural, narrowest if heading.is_text else max(values, narrowest))


def _fit(extents: Sequence[_Extent], width: int) -> list[int]:
    for count in range(len(extents), 1, -1):
        kept = extents[:count]
        room = width - len(GAP) * (count - 1)
        if sum(extent.narrowest for extent in kept) <= room:
            return _widest(kept, room)
    return [min(extent.natural, width) for extent in extents[:1]]


def _widest(extents: Sequence[_Extent], room: int) -> list[int]:
    """The widths under the greatest common limit for which there is room."""
    limit = NARROWEST
    while limit < room and sum(extent.within(limit + 1) for extent in extents) <= room:
        limit += 1
    widths = [extent.within(limit) for extent in extents]
    left = room - sum(widths)
    for index, extent in enumerate(extents):
        more = min(left, extent.natural - widths[index])
        widths[index] += more
        left -= more
    return widths


def _line(texts: Sequence[str], headings: Sequence[Heading], widths: Sequence[int]) -> str:
    cells = []
    for text, heading, wide in zip(texts, headings, widths, strict=True):
        fitted = cut(text, wide, keeps_end=heading.keeps_end)
        padding = " " * (wide - cell_len(fitted))
        cells.append(padding + fitted if heading.is_number else fitted + padding)
    return GAP.join(cells).rstrip()
