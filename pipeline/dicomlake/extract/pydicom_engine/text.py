"""Bytes into text by the character set of their data set, never failing, and saying where it had to help itself.

Text is decoded first and split into values after, since in GB18030, GBK and Shift JIS the second byte of a character can be a backslash.
With code extensions (ISO 2022, PS3.5 6.1.2.5) the bytes are gone through from escape sequence to escape sequence.
"""

from __future__ import annotations

import contextlib
import re

from dicomlake.errors import FindingCode
from dicomlake.extract.pydicom_engine.character_set import CODE_ELEMENTS, ESCAPE, CharacterSet, CodeElement

_RESET = frozenset(b"\\\t\n\f\r")
"""Before these the first value of (0008,0005) must be back in place; so it is from there on (PS3.5 6.1.2.5.3)."""

_RESET_IN_NAMES = _RESET | frozenset(b"^=")
_ESCAPES = re.compile(rb"\x1b(?:\$[()]?.|[()\-].)", re.DOTALL)

Decoded = tuple[str, FindingCode | None]


def decode_text(value: bytes, character_set: CharacterSet, *, is_name: bool = False) -> Decoded:
    """Decode the raw value of a text VR that (0008,0005) applies to.

    Args:
        value: as it stands in the file.
        character_set: of its data set.
        is_name: whether it is PN, in which ``^`` and ``=`` delimit too.

    Returns:
        The text, and ``undeclared-character-set`` or ``undecodable-text`` where that is so.
    """
    if ESCAPE in value and not character_set.stand_alone:
        found = [CODE_ELEMENTS.get(escape) for escape in _ESCAPES.findall(value)]
        if any(found):
            return _decode_extended(value, character_set, _RESET_IN_NAMES if is_name else _RESET)
    return _decode_plain(value, character_set.encoding)


def decode_default(value: bytes) -> Decoded:
    """Decode the raw value of a VR of the default repertoire (CS, UI, DA, ...): ASCII, or what stands there instead."""
    return _decode_plain(value, None)


def _decode_plain(value: bytes, encoding: str | None) -> Decoded:
    if value.isascii():
        return value.decode("ascii"), None
    if encoding is not None:
        return _decode_with(value, encoding)
    try:
        return value.decode("utf-8"), FindingCode.UNDECLARED_CHARACTER_SET
    except UnicodeDecodeError:
        return value.decode("latin-1"), FindingCode.UNDECLARED_CHARACTER_SET


def _decode_extended(value: bytes, character_set: CharacterSet, resets: frozenset[int]) -> Decoded:
    """Decode text with escape sequences: runs of bytes, each with the sets that are in place for its G0 and G1 halves."""
    parts: list[str] = []
    finding: FindingCode | None = None
    g0: CodeElement | None = None  # None: ASCII
    g1: CodeElement | None = None  # None: the first value of (0008,0005)
    at = 0
    while at < len(value):
        if value[at] == ESCAPE and (found := _ESCAPES.match(value, at)) and (element := CODE_ELEMENTS.get(found[0])):
            one_byte_g0 = element.in_g0 and element.width == 1  # ASCII, or JIS X 0201, which is read as ASCII: nothing to declare
            if not one_byte_g0 and element.encoding not in character_set.declared:
                finding = finding or FindingCode.UNDECLARED_CHARACTER_SET
            if element.in_g0:
                g0 = element
            else:
                g1 = element
            at = found.end()
            continue
        to = _end_of_run(value, at, resets, wide=g0 is not None and g0.width == 2)
        text, problem = _decode_run(value[at:to], g0, g1, character_set)
        parts.append(text)
        finding = problem or finding
        at = to
        if at < len(value) and value[at] in resets:
            g0 = g1 = None
            parts.append(chr(value[at]))
            at += 1
    return "".join(parts), finding


def _end_of_run(value: bytes, at: int, resets: frozenset[int], *, wide: bool) -> int:
    """Where the run of bytes under the sets in place ends: at an escape sequence or a delimiter.

    In a set of two bytes (``wide``) no byte delimits that belongs to a character.
    """
    to = at
    while to < len(value) and value[to] != ESCAPE:
        if wide and 0x21 <= value[to] <= 0x7E and to + 1 < len(value) and 0x21 <= value[to + 1] <= 0x7E:
            to += 2
        elif value[to] in resets:
            return to
        else:
            to += 1
    return max(to, at + 1)


def _decode_run(run: bytes, g0: CodeElement | None, g1: CodeElement | None, character_set: CharacterSet) -> Decoded:
    if g0 is not None and g0.width == 2:
        # Python's ISO-2022 codecs know the sets of two bytes by their escape sequence only.
        escape = b"\x1b$(D" if g0.encoding == "iso2022_jp_2" else b"\x1b$B"
        return _decode_with(escape + run, g0.encoding)
    return _decode_plain(run, g1.encoding if g1 is not None else character_set.encoding)


def _decode_with(value: bytes, encoding: str) -> Decoded:
    try:
        return value.decode(encoding), None
    except UnicodeDecodeError:
        with contextlib.suppress(RuntimeError):
            return value.decode(encoding, "replace"), FindingCode.UNDECODABLE_TEXT
    except RuntimeError:
        pass
    # CPython's ISO-2022-JP codecs give up altogether on single shifts into a set that has none.
    return "�" * len(value), FindingCode.UNDECODABLE_TEXT
