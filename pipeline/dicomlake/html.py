"""Tables in HTML, for notebooks. Every text is escaped: a name in a lake is data, also where it looks like markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from dicomlake.printable import printable

_NUMBER = "text-align: right; font-variant-numeric: tabular-nums"
_TEXT = "text-align: left"


def html_text(value: object) -> str:
    """A value as text in HTML: a number with commas, nothing for a null, everything escaped."""
    if value is None:
        return ""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return escape(printable(f"{value:,}" if is_whole else str(value)))


def html_table(headings: Sequence[str], rows: Iterable[Sequence[object]], caption: str | None = None) -> str:
    """A table; columns whose first value is a number stand to the right.

    Args:
        headings: a name for each column.
        rows: a value for each column.
        caption: stands above it.

    Example:
        >>> "&lt;b&gt;" in html_table(["code", "files"], [["<b>", 3]])
        True
    """
    held = [list(row) for row in rows]
    styles = [_NUMBER if held and isinstance(held[0][place], int | float) else _TEXT for place in range(len(headings))]
    above = "" if caption is None else f'<caption style="text-align: left">{html_text(caption)}</caption>'
    body = "".join(_row("td", row, styles) for row in held)
    return f"<table>{above}<thead>{_row('th', headings, styles)}</thead><tbody>{body}</tbody></table>"


def html_line(text: str) -> str:
    """A line of text."""
    return f"<div>{html_text(text)}</div>"


def html_block(*parts: str) -> str:
    """Parts below each other."""
    return f"<div>{''.join(parts)}</div>"


def _row(tag: str, values: Sequence[object], styles: Sequence[str]) -> str:
    return (
        "<tr>"
        + "".join(f'<{tag} style="{style}">{html_text(value)}</{tag}>' for value, style in zip(values, styles, strict=True))
        + "</tr>"
    )
