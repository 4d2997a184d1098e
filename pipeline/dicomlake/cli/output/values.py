"""Values of tables as one line of text, and as JSON."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from decimal import Decimal

from dicomlake.limits import KIB
from dicomlake.printable import is_drawn, printable

_EXACT = 2.0**53
"""Below it every whole number is a float of its own."""


def cell(value: object) -> str:
    """A value as one line of text for people; empty for a null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    value = _shortest(value)
    return printable(json_text(value) if isinstance(value, list | dict) else str(value))


def _shortest(value: object) -> object:
    """The value with numbers in the shortest form that says the same: 5 for 5.0, also in lists."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, list):
        return [_shortest(item) for item in value]
    if isinstance(value, dict):
        return {key: _shortest(item) for key, item in value.items()}
    return value


def size_text(size: int) -> str:
    """A size in bytes as text for people."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < KIB:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= KIB
    return f"{amount:.1f} TiB"


def json_text(value: object) -> str:
    """JSON that is safe to print: ISO dates, null for numbers that JSON does not have, and escapes for characters that can't be printed."""
    text = json.dumps(_with_numbers(value), ensure_ascii=False, default=_json_default, allow_nan=False)
    if text.isprintable():
        return text
    # Outside strings JSON holds nothing but ASCII.
    return "".join(character if is_drawn(character) else json.dumps(character)[1:-1] for character in text)


def _json_default(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _with_numbers(value: object) -> object:
    """The value with null for NaN and infinities, which JSON does not have, and plain numbers for decimal ones."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return float(value) if value.as_tuple().exponent else int(value)
    if isinstance(value, dict):
        return {key: _with_numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_numbers(item) for item in value]
    return value
