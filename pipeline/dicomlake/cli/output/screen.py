"""Printing of tables and titles: with bold titles on a terminal, plain elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from dicomlake.cli.output.table import Heading, Laid, lay_out

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal."""
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False


def width_of(stream: TextIO) -> int | None:
    """The width of a terminal in cells; None, which is unlimited, for other streams."""
    return shutil.get_terminal_size().columns if is_terminal(stream) else None


def print_title(text: str, stream: TextIO | None = None) -> None:
    """Print a line in bold. Text from files must have passed `printable` before."""
    out = stream or sys.stdout
    print(f"{_BOLD}{text}{_PLAIN}" if is_terminal(out) else text, file=out)


def print_table(headings: Sequence[Heading], rows: Sequence[Sequence[str]], stream: TextIO | None = None) -> Laid:
    """Print a table that fits the width of the stream."""
    out = stream or sys.stdout
    laid = lay_out(headings, rows, width_of(out))
    for line in laid.lines[: laid.title_lines]:
        print_title(line, out)
    print_lines(laid.lines[laid.title_lines :], out)
    return laid


def print_lines(lines: Iterable[str], stream: TextIO | None = None) -> None:
    """Print lines as they are."""
    out = stream or sys.stdout
    for line in lines:
        print(line, file=out)


def note(text: str) -> None:
    """Print a line on stderr."""
    print(text, file=sys.stderr)
