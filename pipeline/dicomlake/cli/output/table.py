"""Tables for a person's eyes: they fit the terminal, or say what they left out.

Rows and columns are plain text; colour is the caller's business. Widths are cells of a terminal, in which a Japanese letter takes two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells, set_cell_size

GAP = "  "
NARROWEST = 12
"""Names and text are not cut shorter than this; rather are columns left out."""


@dataclass(frozen=True)
class Heading:
    """A column's name, and how it is shown.

    ``is_number`` puts values on the right. Values are cut only where ``is_text`` has it, and where ``keeps_end``, from the front:
    a url or a UID differs from its neighbours at its end.
    """

    name: str
    is_number: bool = False
    is_text: bool = True
    keeps_end: bool = False


@dataclass(frozen=True)
class Laid:
    """A table as lines, the first two its heading, and how many columns found no room."""

    lines: list[str]
    columns_left_out: int = 0


def number(name: str) -> Heading:
    """The heading of a column of numbers."""
    return Heading(name, is_number=True, is_text=False)


def lay_out(headings: Sequence[Heading], rows: Sequence[Sequence[str]], width: int | None = None) -> Laid:
    """Lay out a table in ``width`` cells: long text is cut, and what still finds no room is left out from the right.

    Args:
        headings: of the columns.
        rows: a text for each column.
        width: of the terminal; unlimited where None.
    """
    extents = [_extent(heading, [row[index] for row in rows]) for index, heading in enumerate(headings)]
    widths = [extent.natural for extent in extents] if width is None else _fit(extents, width)
    shown = headings[: len(widths)]
    lines = [_line([heading.name for heading in shown], [Heading("", is_number=heading.is_number) for heading in shown], widths)]
    lines.append(GAP.join("─" * wide for wide in widths))
    lines += [_line(row[: len(widths)], shown, widths) for row in rows]
    return Laid(lines, len(headings) - len(widths))


def lay_out_record(headings: Sequence[Heading], row: Sequence[str]) -> list[str]:
    """One row as a line for each column; nothing is cut."""
    wide = max((cell_len(heading.name) for heading in headings), default=0)
    return [(set_cell_size(heading.name, wide) + GAP + text).rstrip() for heading, text in zip(headings, row, strict=True)]


def fits(headings: Sequence[Heading], rows: Sequence[Sequence[str]], width: int | None) -> bool:
    """Whether a table fits without any cutting."""
    return width is None or all(cell_len(line) <= width for line in lay_out(headings, rows).lines)


def cut(text: str, width: int, *, keeps_end: bool = False) -> str:
    """The text in at most ``width`` cells; an ellipsis stands for what is gone."""
    if cell_len(text) <= width:
        return text
    if keeps_end:
        reverse = chop_cells(text[::-1], width - 1)
        return "…" + (reverse[0][::-1] if reverse else "")
    return set_cell_size(text, width - 1).rstrip() + "…"


@dataclass(frozen=True)
class _Extent:
    """How wide a column would be, and how narrow it may be."""

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
    """Widths under the greatest common limit at which the columns together have room."""
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
