"""Texts into typed values, one function for each type (PS3.5 6.2).

Each answers the value, None where the text is none of that type; most also whether it is one without leniency.

Dates are days and timestamps microseconds since 1970, as Arrow has them.
"""

from __future__ import annotations

import math
import re
from datetime import date
from functools import lru_cache

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DATE = re.compile(r"([0-9]{4})(?:([0-9]{2})([0-9]{2})|\.([0-9]{2})\.([0-9]{2}))")
_TIME = re.compile(r"([01][0-9]|2[0-3])(?:(?P<colon>:)?([0-5][0-9])(?:(?(colon):)([0-5][0-9]|60)(?:\.([0-9]{1,6})?)?)?)?")
_DATE_TIME = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([01][0-9]|2[0-3])(?:([0-5][0-9])(?:([0-5][0-9]|60)(?:\.([0-9]{1,6}))?)?)?)?)?)?"
    r"(?:[+-][0-9]{4})?"
)
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")
_EPOCH = date(1970, 1, 1).toordinal()

UID_LIMIT = 64
INTEGER_LIMIT = 12
DECIMAL_LIMIT = 16
_DIGITS_LIMIT = 400
"""No number has more characters than this; longer texts are not even tried (turning digits into a number takes quadratic time)."""

MICROSECONDS_A_DAY = 86_400_000_000


def parse_integer(text: str) -> tuple[int | None, bool]:
    """IS: whether it is typed as it should be says the second value. A whole number written as a decimal is typed, leniently.

    But not one beyond 64 bits, which no column holds, and which six characters could make hundreds of digits of (``1e+300``).
    """
    if len(text) > _DIGITS_LIMIT:
        return None, False
    if _INTEGER.fullmatch(text):
        return int(text), len(text) <= INTEGER_LIMIT
    value, _ = parse_decimal(text)
    if value is not None and value.is_integer() and -(2.0**63) <= value < 2.0**63:
        return int(value), False
    return None, False


def parse_decimal(text: str) -> tuple[float | None, bool]:
    """DS: one number, neither infinite nor NaN; whether it is typed as it should be says the second value."""
    if len(text) > _DIGITS_LIMIT or not _DECIMAL.fullmatch(text):
        return None, False
    value = float(text)
    if math.isinf(value):
        return None, False
    return value, len(text) <= DECIMAL_LIMIT


@lru_cache(maxsize=8192)
def parse_date(text: str) -> int | None:
    """DA, also in the form of ACR-NEMA 2 (``YYYY.MM.DD``); days since 1970."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2] or found[4]), int(found[3] or found[5])).toordinal() - _EPOCH
    except ValueError:
        return None


@lru_cache(maxsize=8192)
def parse_time(text: str) -> tuple[str | None, bool]:
    """TM, also in the form of ACR-NEMA 2 (``HH:MM:SS``); as ``HH:MM:SS.ffffff``.

    PS3.5 allows second 60 for a leap second, which no time of day of Arrow or SQL can hold: it becomes 59, as for pydicom, leniently.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return None, False
    second = found[4] or "00"
    leap = second == "60"
    return f"{found[1]}:{found[3] or '00'}:{'59' if leap else second}.{(found[5] or ''):0<6}", not leap


@lru_cache(maxsize=8192)
def parse_date_time(text: str) -> tuple[int | None, bool]:
    """DT: microseconds since 1970 of the wall clock as written; an offset from UTC is read over. For second 60 see ``parse_time``."""
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return None, False
    try:
        day = date(int(found[1]), int(found[2] or 1), int(found[3] or 1)).toordinal() - _EPOCH
    except ValueError:
        return None, False
    second = int(found[6] or 0)
    leap = second == 60
    seconds = (int(found[4] or 0) * 60 + int(found[5] or 0)) * 60 + min(second, 59)
    return day * MICROSECONDS_A_DAY + seconds * 1_000_000 + int(f"{(found[7] or ''):0<6}"), not leap


def is_uid(text: str) -> bool:
    """Whether a text is a UID (PS3.5 9.1)."""
    return len(text) <= UID_LIMIT and _UID.fullmatch(text) is not None
