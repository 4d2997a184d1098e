"""(0008,0005): which characters the bytes of a text stand for (PS3.3 C.12.1.1.2, PS3.5 6.1).

pydicom's table of encodings is used as it is; what is done here and not by pydicom: terms are matched without regard to the
separators that writers get wrong, every escape sequence of the standard is understood wherever it stands, and what can't be decoded says
so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from pydicom.charset import CODES_TO_ENCODINGS, python_encoding

ESCAPE = 0x1B
_STAND_ALONE = frozenset({"utf-8", "GB18030", "GBK"})
"""Encodings that take no code extensions; beside others they don't count (PS3.3 C.12.1.1.2)."""

_LOOKED_AT = 1024
"""How many bytes of a value of (0008,0005) are looked at: far more than every term that there is, once each."""

_DEFAULT_REPERTOIRE = frozenset({"", "ISOIR6", "ISO2022IR6"})


@dataclass(frozen=True, slots=True)
class CodeElement:
    """A set of characters that an escape sequence puts in place: for bytes under 128 (``in_g0``) or over 127; of one byte each or two."""

    encoding: str
    in_g0: bool
    width: int


def _code_elements() -> dict[bytes, CodeElement]:
    table: dict[bytes, CodeElement] = {}
    for escape, encoding in CODES_TO_ENCODINGS.items():
        # ISO 2022: ( and $( name a set for G0, ) - and $) one for G1; $B is the old short form of $(B.
        in_g0 = escape[1:2] == b"(" or escape[1:3] in (b"$(", b"$B")
        table[escape] = CodeElement(encoding, in_g0, 2 if escape[1:2] == b"$" else 1)
    table[b"\x1b(B"] = CodeElement("ascii", in_g0=True, width=1)
    table[b"\x1b$@"] = table[b"\x1b$B"]  # JIS C 6226-1978, as old writers have it
    table[b"\x1b-b"] = CodeElement("iso8859_15", in_g0=False, width=1)  # ISO_IR 203, in PS3.3 since 2023
    return table


CODE_ELEMENTS = _code_elements()
"""What each escape sequence of PS3.3 C.12-3 and C.12-4 puts in place."""


def _normal_term(term: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", term.upper())


def _terms() -> dict[str, str]:
    table = {_normal_term(term): encoding for term, encoding in python_encoding.items()}
    table |= {"ISOIR203": "iso8859_15", "ISO2022IR203": "iso8859_15", "UTF8": "utf-8", "ISOIR192": "utf-8", "ISO2022IR192": "utf-8"}
    # Names of the same sets outside DICOM, which writers put there.
    table |= {"LATIN1": "latin_1", "ISO88591": "latin_1", "ISO88592": "iso8859_2", "ISO88595": "iso8859_5", "ISO88597": "iso8859_7"}
    return table


_ENCODING_OF_TERM = _terms()


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """What (0008,0005) says.

    ``encoding`` is that of its first value, None for the default repertoire (ASCII) and for what is no term; ``declared`` are the encodings
    that escape sequences may put in place.
    """

    encoding: str | None
    declared: frozenset[str]

    @property
    def stand_alone(self) -> bool:
        """Whether it is an encoding in which an escape sequence has no meaning."""
        return self.encoding in _STAND_ALONE


DEFAULT_CHARACTER_SET = CharacterSet(None, frozenset())


@lru_cache(maxsize=1024)
def character_set(value: bytes | None) -> CharacterSet:
    """The character set that a raw value of (0008,0005) stands for; the default repertoire where it is absent."""
    if value is None:
        return DEFAULT_CHARACTER_SET
    terms = [_normal_term(term) for term in value[:_LOOKED_AT].decode("latin-1").rstrip(" \0").split("\\")]
    encodings = [_ENCODING_OF_TERM.get(term) for term in terms]
    first = None if terms[0] in _DEFAULT_REPERTOIRE else encodings[0]
    if first not in _STAND_ALONE:
        encodings = [encoding for encoding in encodings if encoding not in _STAND_ALONE]
    declared = frozenset(encoding for encoding in encodings if encoding is not None)
    return CharacterSet(first, declared)
