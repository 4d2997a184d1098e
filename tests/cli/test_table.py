"""Tables that fit a terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from dicomlake.cli.output.table import Heading, cut, lay_out, lay_out_record, number


def test_table_without_limit_shows_everything() -> None:
    """Where no person looks nothing is cut."""
    laid = lay_out([Heading("name"), number("n")], [["x" * 300, "1"], ["y", "22"]])
    assert laid.lines[2] == "x" * 300 + "   1"
    assert laid.lines[3] == "y" + " " * 299 + "  22"
    assert laid.columns_left_out == 0


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """However much a table holds, no line of it wraps."""
    headings = [Heading(f"a_rather_long_column_name_{index}") for index in range(30)]
    laid = lay_out(headings, [["太郎" * 20] * 30], width)
    assert max(map(cell_len, laid.lines)) <= width
    assert laid.columns_left_out > 0


def test_long_text_is_cut_and_numbers_are_not() -> None:
    """A number that is cut is another number."""
    laid = lay_out([Heading("text"), number("n")], [["x" * 100, "123456789012345678"]], 40)
    assert laid.lines[2] == "x" * 19 + "…  123456789012345678"


def test_end_of_a_url_is_kept() -> None:
    """Urls and UIDs differ at their ends, so that these are what a narrow column shows."""
    assert cut("/archive/a/b/0001.dcm", 10, keeps_end=True) == "…/0001.dcm"
    assert cut("太郎太郎太郎", 6, keeps_end=True) == "…太郎"
    assert cut("太郎太郎太郎", 6) == "太郎…"


def test_record_shows_every_value_whole() -> None:
    """One row alone is a line for each column."""
    assert lay_out_record([Heading("a"), Heading("long")], ["x" * 100, ""]) == ["a     " + "x" * 100, "long"]


def test_table_without_columns_or_rows() -> None:
    """Nothing is a table too."""
    assert lay_out([], [], 80).lines == ["", ""]
    assert lay_out([Heading("a")], [], 80).lines == ["a", "─"]
