"""Text that is safe to look at."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from dicomlake.cli.output.values import cell, json_text
from dicomlake.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller^Ärztin", "Müller^Ärztin"),
        ("山田^太郎\u3000先生", "山田^太郎\u3000先生"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\r\nb\tc\x00d\x7f", "a\\x0d\\x0ab\\x09c\\x00d\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eevil\u202c", "\\u202eevil\\u202c"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("a\u2028b", "a\\u2028b"),
        ("\udc80", "\\udc80"),
        ("\U000e0001", "\\U000e0001"),
        ("[red]x[/red]", "[red]x[/red]"),
    ],
)
def test_what_is_not_drawn_is_escaped(text: str, shown: str) -> None:
    """Control characters, terminal escapes and marks of direction are written out; letters of every script stay."""
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (3, "3"),
        (0.1, "0.1"),
        (date(2020, 2, 29), "2020-02-29"),
        (datetime(2020, 2, 29, 1, 2, 3), "2020-02-29 01:02:03"),
        (datetime(2020, 2, 29, 1, 2, 3, tzinfo=UTC), "2020-02-29 01:02:03Z"),
        (["A", None, "\x1b"], '["A", null, "\\u001b"]'),
    ],
)
def test_cell_is_one_line(value: object, shown: str) -> None:
    """Values of every type of column become one line of text."""
    assert cell(value) == shown


def test_json_text_is_the_same_data() -> None:
    """Escapes in JSON text are JSON's own, so that it reads back as it was."""
    value = {"name": "\x9b\u202e\U000e0001 山", "numbers": [1.5, float("nan"), float("inf")], "date": date(2020, 1, 2)}
    text = json_text(value)
    assert printable(text) == text
    assert json.loads(text) == {"name": "\x9b\u202e\U000e0001 山", "numbers": [1.5, None, None], "date": "2020-01-02"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"),
        (-0.5, "-0.5"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-7, "1e-07"),
        (1e300, "1e+300"),
        ([1.0, 2.5, None], "[1, 2.5, null]"),
        ({"a": 3.0}, '{"a": 3}'),
    ],
)
def test_numbers_have_their_shortest_form(value: object, text: str) -> None:
    """A table shows as many digits as it takes to tell a number from all others."""
    assert cell(value) == text
