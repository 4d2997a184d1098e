#!/usr/bin/env python3
"""Write src/text/tables.rs: the character of each byte, or pair of bytes, of a character set, by Python's codecs.

Run it from any folder; it needs only Python (3.11 made the tables in the repository):

    python pipeline/core/scripts/make_character_tables.py

Only Python's tables will do, because the Python engine must give the same text: the encodings of the Web differ in dozens of characters.
"""

from __future__ import annotations

import argparse
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

TABLES = Path(__file__).resolve().parents[1] / "src" / "text" / "tables.rs"

ONE_BYTE = {
    "ISO_8859_2": ("iso8859_2", "Latin-2, ISO_IR 101"),
    "ISO_8859_3": ("iso8859_3", "Latin-3, ISO_IR 109"),
    "ISO_8859_4": ("iso8859_4", "Latin-4, ISO_IR 110"),
    "ISO_8859_5": ("iso8859_5", "Cyrillic, ISO_IR 144"),
    "ISO_8859_6": ("iso8859_6", "Arabic, ISO_IR 127"),
    "ISO_8859_7": ("iso8859_7", "Greek, ISO_IR 126"),
    "ISO_8859_8": ("iso8859_8", "Hebrew, ISO_IR 138"),
    "ISO_8859_9": ("iso8859_9", "Latin-5, ISO_IR 148"),
    "ISO_8859_15": ("iso8859_15", "Latin-9, ISO_IR 203"),
    "TIS_620": ("tis_620", "Thai, ISO_IR 166"),
}
FIRST_OF_G1 = 0xA0
"""Every set of one byte has the same characters below: ASCII and the C1 controls."""

Decoder = Callable[[int, int], bytes]


def _euc(lead: int, trail: int) -> bytes:
    return bytes((lead, trail))


def _after(escape: bytes) -> Decoder:
    """Pairs with their high bits, as EUC has them, without those bits behind an escape sequence."""

    def pair(lead: int, trail: int) -> bytes:
        in_g0 = lead >= FIRST_OF_G1 and trail >= FIRST_OF_G1
        return escape + bytes((lead & 0x7F, trail & 0x7F)) if in_g0 else b"\xff"

    return pair


TWO_BYTE = {
    "JIS_X_0208": ("iso2022_jp", _after(b"\x1b$B"), "", "Kanji, kana and more, ISO 2022 IR 87, and the pairs of Shift JIS"),
    "JIS_X_0212": ("iso2022_jp_2", _after(b"\x1b$(D"), "", "Supplementary kanji, ISO 2022 IR 159"),
    "KS_X_1001": ("iso2022_jp_2", _after(b"\x1b$(C"), "", "Hangul and hanja, ISO 2022 IR 149"),
    "GB_2312": ("gb2312", _euc, "", "Simplified hanzi, ISO 2022 IR 58"),
    "GBK": ("gbk", _euc, "gb2312", "What GBK has more than GB 2312, or otherwise"),
    "GB_18030": ("gb18030", _euc, "gbk", "What GB 18030 has more than GBK in two bytes"),
}


def _character(encoding: str, value: bytes) -> str | None:
    """The character that bytes stand for; None where they are none, or several."""
    try:
        text = value.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if len(text) == 1 else None


def _in_rust(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    alone = character.isprintable() and not unicodedata.category(character).startswith("M")
    return character if alone else f"\\u{{{ord(character):x}}}"


def _one_byte(name: str, encoding: str, what: str) -> Iterator[str]:
    yield f"/// {what}: 0xA0 to 0xFF; 0 where there is no character."
    yield f"pub(super) static {name}: [u16; 96] = ["
    codes = [ord(_character(encoding, bytes((byte,))) or "\0") for byte in range(FIRST_OF_G1, 0x100)]
    for at in range(0, len(codes), 16):
        yield "    " + ", ".join(f"0x{code:04X}" for code in codes[at : at + 16]) + ","
    yield "];"
    yield ""


def _runs(encoding: str, pair: Decoder, under: str) -> Iterator[tuple[int, str]]:
    """Characters of trail bytes that follow each other, less those that the set ``under`` has too."""
    run: tuple[int, str] | None = None
    for lead in range(0x81, 0xFF):
        for trail in range(0x40, 0x100):
            character = _character(encoding, pair(lead, trail))
            if character is not None and under and character == _character(under, _euc(lead, trail)):
                character = None
            if character is not None:
                run = (lead << 8 | trail, "") if run is None else run
                run = (run[0], run[1] + character)
            elif run is not None:
                yield run
                run = None


def _two_byte(name: str, encoding: str, pair: Decoder, under: str, what: str) -> Iterator[str]:
    yield f"/// {what}."
    yield f"pub(super) static {name}: &[Run] = &["
    for first, characters in _runs(encoding, pair, under):
        yield f'    (0x{first:04X}, "{"".join(map(_in_rust, characters))}"),'
    yield "];"
    yield ""


def _four_byte() -> Iterator[str]:
    yield "/// The characters of GB 18030 in four bytes: from each number of a sequence on, the code points from that one on."
    yield "pub(super) static GB_18030_RANGES: &[(u32, u32)] = &["
    after: tuple[int, int] | None = None
    numbers = ((number, _character("gb18030", _four_bytes(number))) for number in range(126 * 10 * 1260))
    for number, character in numbers:
        here = None if character is None else ord(character)
        if (None if after is None else after[1]) != here:
            yield f"    ({number}, 0x{here or 0:X}),"
        after = None if here is None else (number, here + 1)
    yield "];"


def _four_bytes(number: int) -> bytes:
    tens, fourth = divmod(number, 10)
    rows, third = divmod(tens, 126)
    first, second = divmod(rows, 10)
    return bytes((0x81 + first, 0x30 + second, 0x81 + third, 0x30 + fourth))


def _lines() -> Iterator[str]:
    yield "//! What bytes stand for in each character set, as Python's codecs have it."
    yield "//!"
    yield "//! Made by scripts/make_character_tables.py; change that, never this."
    yield ""
    yield "/// The lead and trail byte of a pair, and the characters of the pairs from there on, trail byte by trail byte."
    yield "pub(super) type Run = (u16, &'static str);"
    yield ""
    for name, (encoding, what) in ONE_BYTE.items():
        yield from _one_byte(name, encoding, what)
    for name, (encoding, pair, under, what) in TWO_BYTE.items():
        yield from _two_byte(name, encoding, pair, under, what)
    yield from _four_byte()


def main() -> None:
    """Write the tables, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where the tables are stale")
    text = "\n".join(_lines()) + "\n"
    if not parser.parse_args().check:
        TABLES.write_text(text, encoding="utf-8")
    elif not TABLES.exists() or TABLES.read_text(encoding="utf-8") != text:
        sys.exit(f"{TABLES} is stale: run {Path(__file__).name}")


if __name__ == "__main__":
    main()
