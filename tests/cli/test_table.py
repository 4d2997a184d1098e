"""Tables that fit a terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from dicomlake.cli.output.table import Heading, cut, is_whole, lay_out, lay_out_record, number


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


def test_a_cut_text_ends_with_an_ellipsis() -> None:
    """Wide letters are never halved."""
    assert cut("太郎太郎太郎", 6) == "太郎…"


URL = "/archive/of/a/hospital/with/long/names/0001.dcm"


@pytest.mark.parametrize("width", [20, 40, 80])
@pytest.mark.parametrize("name", ["url", "SOPInstanceUID", "code", "series_key", "column", "PatientID"])
def test_what_people_copy_is_never_cut(name: str, width: int) -> None:
    """A row goes on in the next line behind a value that is longer than its column; every other value stays in its column."""
    headings = [number("n"), Heading(name, is_whole=is_whole(name)), Heading("message")]
    laid = lay_out(headings, [["1", "short", "m" * 90], ["2", URL, "x" * 5]], width)
    assert any(URL in line for line in laid.lines)
    assert any("m…" in line for line in laid.lines) or laid.columns_left_out
    assert all(cell_len(line) <= max(width, len(URL)) for line in laid.lines)


def test_columns_that_only_describe_go_first() -> None:
    """Where there is no room for all columns, one to copy from stays, though it stands last."""
    headings = [*(Heading(f"text_{index}") for index in range(9)), Heading("url", is_whole=True)]
    laid = lay_out(headings, [["some words that describe"] * 9 + ["/a/b.dcm"]], 80)
    assert laid.columns_left_out == 4
    assert "/a/b.dcm" in laid.lines[-1]


def test_of_many_columns_to_copy_from_the_first_ones_are_shown() -> None:
    """They are shown whole, in one line each."""
    headings = [Heading(f"key_{index}_key", is_whole=True) for index in range(9)]
    laid = lay_out(headings, [["k" * 32] * 9] * 2, 80)
    assert laid.lines[2:] == ["  ".join(["k" * 32] * 2)] * 2
    assert laid.columns_left_out == 7


def test_names_of_columns_are_wrapped() -> None:
    """A name that is longer than its column is there to its last letter."""
    laid = lay_out([number("RadionuclideTotalDoseOfAll"), *(Heading(f"text_{index}") for index in range(4))], [["1", *["y" * 30] * 4]], 60)
    titles = [line[:12].strip() for line in laid.lines[: laid.title_lines]]
    assert "".join(titles).startswith("RadionuclideTotalDoseOfAll"[:12])
    assert laid.title_lines > 1


def test_record_shows_every_value_whole() -> None:
    """One row alone is a line for each column."""
    assert lay_out_record([Heading("a"), Heading("long")], ["x" * 100, ""]) == ["a     " + "x" * 100, "long"]


def test_table_without_columns_or_rows() -> None:
    """Nothing is a table too."""
    assert lay_out([], [], 80).lines == ["", ""]
    assert lay_out([Heading("a")], [], 80).lines == ["a", "─"]
