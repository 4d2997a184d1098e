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


_WHOLE = frozenset(
    {"code", "column", "duplicate_of", "element_path", "name", "path", "source", "status", "table", "tag", "type", "url", "vr"}
)


def is_whole(name: str) -> bool:
    """Whether people copy the values of a column: names, codes, urls and keys. They are of no use without their end."""
    return name in _WHOLE or name.endswith(("ID", "_key", "Number"))


@dataclass(frozen=True)
class Heading:
    """The name of a column, and the layout of its values.

    ``is_number`` aligns values to the right. Only values with ``is_text`` are ever cut, and not those with ``is_whole``: where they have
    no room, the rest of their row goes on in the next line.
    """

    name: str
    is_number: bool = False
    is_text: bool = True
    is_whole: bool = False


@dataclass(frozen=True)
class Laid:
    """A table as lines, of which the first ``title_lines`` are the names of the columns, and how many columns had no room."""

    lines: list[str]
    columns_left_out: int = 0
    title_lines: int = 1


def number(name: str) -> Heading:
    """The heading of a column of numbers."""
    return Heading(name, is_number=True, is_text=False)


def lay_out(headings: Sequence[Heading], rows: Sequence[Sequence[str]], width: int | None = None) -> Laid:
    """Lay out a table in ``width`` cells.

    Long names of columns are wrapped, and long text is cut. Columns that still have no room are left out from the right: first those
    that only describe.

    Args:
        headings: one for each column.
        rows: a text for each column.
        width: the width of the terminal; unlimited where None.
    """
    extents = [_extent(heading, [row[index] for row in rows]) for index, heading in enumerate(headings)]
    places, widths = list(range(len(extents))), [extent.natural for extent in extents]
    if width is not None:
        places, extents = _with_room(headings, extents, width)
        widths = _fit([extents[place] for place in places], width)
    shown = [headings[place] for place in places]
    titles = _titles(shown, widths)
    lines = [*titles, GAP.join("─" * wide for wide in widths)]
    for row in rows:
        lines += _lines([row[place] for place in places], shown, widths, width)
    return Laid(lines, len(headings) - len(places), len(titles))


def lay_out_record(headings: Sequence[Heading], row: Sequence[str]) -> list[str]:
    """One row as a line for each column, without cutting."""
    wide = max((cell_len(heading.name) for heading in headings), default=0)
    return [(set_cell_size(heading.name, wide) + GAP + text).rstrip() for heading, text in zip(headings, row, strict=True)]


def fits(headings: Sequence[Heading], rows: Sequence[Sequence[str]], width: int | None) -> bool:
    """Whether a table fits without any cutting."""
    return width is None or all(cell_len(line) <= width for line in lay_out(headings, rows).lines)


def cut(text: str, width: int) -> str:
    """The text in at most ``width`` cells, with an ellipsis for the part that was cut."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


@dataclass(frozen=True)
class _Extent:
    """The natural and the smallest width of a column."""

    natural: int
    narrowest: int

    def within(self, limit: int) -> int:
        return max(self.narrowest, min(self.natural, limit))


def _extent(heading: Heading, texts: Sequence[str]) -> _Extent:
    lengths = sorted(map(cell_len, texts))
    values = lengths[-1] if lengths else 0
    natural = max(values, cell_len(heading.name))
    if heading.is_whole and lengths:
        # A few long values don't make the column wide: their rows go on in the next line.
        usual = lengths[len(lengths) * 3 // 4]
        return _Extent(natural, max(min(natural, NARROWEST), min(usual, NARROWEST + NARROWEST // 2)))
    narrowest = min(natural, NARROWEST)
    return _Extent(natural, narrowest if heading.is_text else max(values, narrowest))


def _with_room(headings: Sequence[Heading], extents: list[_Extent], width: int) -> tuple[list[int], list[_Extent]]:
    """The places of the columns for which there is room, the first of which always has it, and the extents of all columns."""
    everything = list(range(len(headings)))
    if _needed(extents, everything) <= width:
        return everything, extents
    kept = [place for place in everything if headings[place].is_whole]
    if len(kept) > 1 and _needed(extents, kept) > width // 2:
        # There are too many columns to copy from, so that the first ones are shown, and whole.
        kept = []
        extents = [
            _Extent(extent.natural, extent.natural) if heading.is_whole else extent
            for heading, extent in zip(headings, extents, strict=True)
        ]
    for place in everything:
        if place not in kept:
            if kept and _needed(extents, [*kept, place]) > width:
                break
            kept = sorted([*kept, place])
    return kept, extents


def _needed(extents: Sequence[_Extent], places: Sequence[int]) -> int:
    return sum(extents[place].narrowest + len(GAP) for place in places) - len(GAP)


def _fit(extents: Sequence[_Extent], width: int) -> list[int]:
    if len(extents) == 1:
        return [min(extents[0].natural, width)]
    return _widest(extents, width - len(GAP) * (len(extents) - 1)) if extents else []


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


def _titles(headings: Sequence[Heading], widths: Sequence[int]) -> list[str]:
    """The names of the columns, wrapped where they are longer than their columns, and standing on the line below."""
    names = [chop_cells(heading.name, wide) if wide else [heading.name] for heading, wide in zip(headings, widths, strict=True)]
    height = max(map(len, names), default=1)
    filled = [[""] * (height - len(parts)) + parts for parts in names]
    return [
        GAP.join(_padded(parts[line], heading, wide) for parts, heading, wide in zip(filled, headings, widths, strict=True)).rstrip()
        for line in range(height)
    ]


def _lines(texts: Sequence[str], headings: Sequence[Heading], widths: Sequence[int], limit: int | None) -> list[str]:
    """A row. A value that must not be cut takes the room that it needs, and the rest of the row goes on below it."""
    lines, line, start = [], "", 0
    for text, heading, wide in zip(texts, headings, widths, strict=True):
        if cell_len(text) > wide and heading.is_whole and limit is not None:
            own = max(0, min(start, limit - cell_len(text)))
            if own < start and line.strip():
                lines.append(line)
                line = ""
            lines.append(set_cell_size(line, own) + text)
            line = ""
        else:
            line = set_cell_size(line, start) + _padded(text if limit is None else cut(text, wide), heading, wide)
        start += wide + len(GAP)
    if line.strip() or not lines:
        lines.append(line)
    return [one.rstrip() for one in lines]


def _padded(text: str, heading: Heading, wide: int) -> str:
    padding = " " * (wide - cell_len(text))
    return padding + text if heading.is_number else text + padding
