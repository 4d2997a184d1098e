r"""Text that is safe to print: a name in a header is data, also where it moves a cursor or turns text around.

Whatever no font draws (control characters, the escapes of terminals, marks that reverse the reading direction, lone surrogates) is written
``\xHH`` or ``\uHHHH``. Nothing is lost: files and pipes get the values themselves.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

PASSWORD = re.compile(r"(://)[^/\s?@]*:[^/\s@]*@")
"""User and password before the host of a url."""
QUERY = re.compile(r"(https?://[^\s?]*)\?[^\s'\"]*")
"""A web address with its query, which may hold a signature."""

_JOINERS = "\u200c\u200d"
"""Persian and the scripts of India are spelt with these; they move and hide nothing."""


def printable(text: str) -> str:
    """The text with everything escaped that is not drawn."""
    if text.isprintable():
        return text
    return "".join(character if is_drawn(character) else _escape(character) for character in text)


def printable_line(text: object, secrets: Iterable[str] = ()) -> str:
    """A text of somebody else (a url, a library's error) as part of a message: one line, without passwords, queries and ``secrets``."""
    line = QUERY.sub(r"\1?***", PASSWORD.sub(r"\1***@", " ".join(str(text).split())))
    for secret in sorted(secrets, key=len, reverse=True):
        line = line.replace(secret, "***")
    return printable(line)


def is_drawn(character: str) -> bool:
    """Whether a font draws a character, or it is a space or a joiner."""
    return character.isprintable() or unicodedata.category(character) == "Zs" or character in _JOINERS


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _escape(character: str) -> str:
    code = ord(character)
    if code < 1 << 8:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
