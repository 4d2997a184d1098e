"""Tables for a person's eyes: they fit the terminal, or say what they left out.

Rows and columns are plain text; colour is the caller's business. Widths are cells of a terminal, in which a Japanese letter takes two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

GAP = "  "
NARROWEST = 12
"""Text is not cut shorter than this; rather are columns left out."""


@dataclass(frozen=True)
class Heading:
    """A column's name, and whether it holds numbers: these stand on the right and are never cut."""

    name: str
    is_number: bool = False


@dataclass(frozen=True)
class Laid:
    """A table as lines, the first two its heading, and how many columns found no room."""

    lines: list[str]
    columns_left_out: int = 0


def lay_out(headings: Sequence[Heading], rows: Sequence[Sequence[str]], width: int | None = None) -> Laid:
    """Lay out a table in ``width`` cells: long text is cut, and what still finds no room is left out from the right.

    Args:
        headings: of the columns.
        rows: a text for each column.
        width: of the terminal; unlimited where None.
    """
    natural = [
        max([cell_len(heading.name), *(cell_len(row[index]) for row in rows)]) for index, heading in enumerate(headings)
    ]
    widths = natural if width is None else _fit(headings, natural, width)
    shown = headings[: len(widths)]
    lines = [_line([heading.name for heading in shown], shown, widths), _line(["─" * wide for wide in widths], shown, widths)]
    lines += [_line(row[: len(widths)], shown, widths) for row in rows]
    return Laid(lines, len(headings) - len(widths))


def lay_out_record(headings: Sequence[Heading], row: Sequence[str]) -> list[str]:
    """One row as a line for each column; nothing is cut."""
    wide = max((cell_len(heading.name) for heading in headings), default=0)
    return [(set_cell_size(heading.name, wide) + GAP + text).rstrip() for heading, text in zip(headings, row, strict=True)]


def fits(headings: Sequence[Heading], rows: Sequence[Sequence[str]], width: int | None) -> bool:
    """Whether a table fits without any cutting."""
    return width is None or all(cell_len(line) <= width for line in lay_out(headings, rows).lines)


def cut(text: str, width: int) -> str:
    """The text in at most ``width`` cells, its end an ellipsis where it was longer."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def _fit(headings: Sequence[Heading], natural: Sequence[int], width: int) -> list[int]:
    for count in range(len(headings), 0, -1):
        room = width - len(GAP) * (count - 1)
        fixed = sum(wide for heading, wide in zip(headings, natural[:count], strict=False) if heading.is_number)
        texts = [wide for heading, wide in zip(headings, natural[:count], strict=False) if not heading.is_number]
        widest = _widest(texts, room - fixed)
        if widest is not None or count == 1:
            limit = widest or max(1, width)
            return [
                wide if heading.is_number and count > 1 else min(wide, limit)
                for heading, wide in zip(headings, natural[:count], strict=False)
            ]
    return []


def _widest(texts: Sequence[int], room: int) -> int | None:
    """The greatest width to which columns of text can be cut to find room together; None where that would be too narrow."""
    if sum(texts) <= room:
        return max(texts, default=1)
    limit = None
    for candidate in range(NARROWEST, max(texts) + 1):
        if sum(min(wide, candidate) for wide in texts) > room:
            break
        limit = candidate
    return limit


def _line(texts: Sequence[str], headings: Sequence[Heading], widths: Sequence[int]) -> str:
    cells = []
    for text, heading, wide in zip(texts, headings, widths, strict=True):
        fitted = cut(text, wide)
        padding = " " * (wide - cell_len(fitted))
        cells.append(padding + fitted if heading.is_number else fitted + padding)
    return GAP.join(cells).rstrip()
