r"""Text that is safe to look at: a name in a header is data, also where it holds what moves a cursor or turns text around.

Whatever no font draws (control characters, the escapes of terminals, marks that reverse the reading direction, lone surrogates) is written
``\xHH`` or ``\uHHHH``. Nothing is lost: files and pipes get the values themselves.
"""

from __future__ import annotations

import json
import math
import unicodedata
from datetime import date, datetime

_JOINERS = "\u200c\u200d"
"""Persian and the scripts of India are spelt with these; they move and hide nothing."""


def visible(text: str) -> str:
    """The text with everything escaped that is not drawn."""
    if text.isprintable():
        return text
    return "".join(character if _is_drawn(character) else escape(character) for character in text)


def escape(character: str) -> str:
    r"""A character as ``\xHH``, ``\uHHHH`` or ``\UHHHHHHHH``."""
    code = ord(character)
    if code < 1 << 8:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


def cell(value: object) -> str:
    """A value as one line of text for a person's eyes; a null is nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | dict):
        return visible(json_text(value))
    return visible(str(value))


def json_text(value: object) -> str:
    """JSON that is safe to look at: ISO dates, null for what JSON has no number for, and what is not drawn as an escape of JSON."""
    text = json.dumps(_with_numbers(value), ensure_ascii=False, default=_json_default, allow_nan=False)
    if text.isprintable():
        return text
    # Outside strings JSON holds nothing but ASCII.
    return "".join(character if _is_drawn(character) else _json_escape(character) for character in text)


def _is_drawn(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs" or character in _JOINERS


def _json_escape(character: str) -> str:
    return json.dumps(character)[1:-1]


def _json_default(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _with_numbers(value: object) -> object:
    """The value with null in place of NaN and infinities, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _with_numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_numbers(item) for item in value]
    return value
