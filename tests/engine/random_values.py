"""Values at random, by VR: sound ones, and every way of being wrong that a reader must tell from them."""

from __future__ import annotations

import math
import struct
from random import Random

CHARACTER_SETS = [
    *(f"ISO_IR {number}" for number in (6, 13, 100, 101, 109, 110, 126, 127, 138, 144, 148, 149, 166, 192, 203)),
    *(f"ISO 2022 IR {number}" for number in (6, 13, 58, 87, 100, 101, 126, 127, 138, 144, 149, 159, 166, 192)),
    *("GB18030", "GBK", "UTF-8", "latin1", "ISO-IR 100", "iso_ir_192", "ISO8859-5", "KLINGON", "", " ", "\0"),
]
"""Terms of (0008,0005): right ones, misspelt ones, none."""

_ESCAPES = [
    *(b"\x1b(B", b"\x1b(J", b"\x1b)I", b"\x1b$B", b"\x1b$@", b"\x1b$(D", b"\x1b$)C", b"\x1b$)A", b"\x1b-A", b"\x1b-B", b"\x1b-C"),
    *(b"\x1b-D", b"\x1b-L", b"\x1b-G", b"\x1b-F", b"\x1b-H", b"\x1b-M", b"\x1b-T", b"\x1b-b", b"\x1b%G", b"\x1b", b"\x1b$", b"\x1b$("),
    *(b"\x1b.A", b"\x1bN", b"\x1b\x1b", b"\x1b(I", b"\x1b$A", b"\x1b$)B"),
]
_SCRIPTS = [
    *("Müller", "Łódź", "Люкс", "Διον", "قبان", "שרון", "นาม", "山田^太郎", "やま", "ﾔﾏﾀﾞ", "김희중", "王小东", "乗表", "\U00020000"),
    *("€ž", "🩻", "\u2028\u202e"),
]
_ENCODINGS = [
    *("utf-8", "latin-1", "iso8859_2", "iso8859_5", "iso8859_7", "iso8859_6", "iso8859_8", "iso8859_9", "iso8859_11", "iso8859_15"),
    *("shift_jis", "euc_jp", "euc_kr", "gb2312", "gbk", "gb18030", "iso2022_jp", "iso2022_jp_2", "iso2022_kr"),
]
_DELIMITERS = [
    *(b"\\", b"^", b"=", b"\\\\", b"==", b" ", b"\0", b"\r\n", b"\t", b"\f", b"\x0b", b"\x7f", b"\x85", b"/", b'"'),
    *(b"\xa0", b"\x8e", b"\x8f"),
]
_WORDS = [b"A", b"Doe", b"head ", b"x" * 70, b"ORIGINAL", b"LEFT", b"YES", b"no", b"01", b"3O", b"$C", b";3ED", b"~}", b"nan", b"Infinity"]

_DATES = [
    *("20240229", "20230229", "19991231", "2024.02.29", "2024.2.9", "00010101", "00000101", "99991231", "20241301"),
    *("2024022", "20240229 "),
]
_TIMES = ["070809", "07", "0708", "07:08:09", "07:08:09.5", "235960", "240000", "070809.123456", "070809.1234567", "0708.5", "070809.", "7"]
_MOMENTS = ["2024", "202402", "20240229070809.5", "20240229070809+0130", "2024022907-9999", "20240230", "20240229235960", "202402290708+1"]
_INTEGERS = [
    *("7", " 7", "-7", "+7", "007", "7.0", "7.5", "1e3", "1e400", "2147483648", "-2147483648", "9223372036854775808"),
    *("9" * 300, "0x7", "1_0", "-0"),
]
_DECIMALS = [
    *("0.5", "-.5", "5.", ".", "1e5", "1E-7", "1e309", "1e-400", "0.1234567890123456789", "1,5", "inf", "NaN", "+1.0"),
    *("1e", "--1", "4.9e-324"),
]
_UIDS = [
    *("1.2.3", "1.02", "1..2", ".1", "1.", "2.25." + "9" * 58, "2.25." + "9" * 59, "1.2.a", "0.0", "1.2.840.10008.1.2.1"),
    *("1.2.3\0\0", " 1.2"),
]
_CODES = ["CT", "MR", "../x", "a" * 17, "O\x7f", "ORIGINAL\\PRIMARY", "YES", "NO", "Y", "TRUE", "0", "lower", "CT\\MR", "Ä"]
_AGES = ["045Y", "006M", "002W", "010D", "45Y", "0045Y"]
_NUMBER_FORMATS = {
    "US": "H",
    "SS": "h",
    "UL": "L",
    "SL": "l",
    "UV": "Q",
    "SV": "q",
    "FL": "f",
    "FD": "d",
    "OF": "f",
    "OD": "d",
    "OL": "L",
    "OW": "H",
}
_FLOATS = [0.0, -0.0, 1.5, 1e10, math.nan, math.inf, -math.inf, 1e300, 2.0**31, 2.0**63, -(2.0**63), 5e-324, 0.1]
_POOLS = {
    "DA": _DATES,
    "TM": _TIMES,
    "DT": _MOMENTS + _DATES,
    "IS": _INTEGERS,
    "DS": _DECIMALS + _INTEGERS,
    "UI": _UIDS,
    "CS": _CODES,
    "AS": _AGES,
}


def character_set(random: Random) -> bytes:
    """A value of (0008,0005)."""
    count = random.choice([1, 1, 1, 2, 2, 3, 4])
    return "\\".join(random.choice(CHARACTER_SETS) for _ in range(count)).encode("latin-1")


def text(random: Random, encoding: str | None = None) -> bytes:
    """Text in one encoding or several, with escape sequences and delimiters where they belong and where they don't."""
    parts: list[bytes] = []
    for _ in range(random.choice([1, 1, 2, 3, 5, 9])):
        kind = random.randrange(8)
        if kind < 2:
            parts.append(random.choice(_WORDS))
        elif kind == 2:
            parts.append(random.choice(_ESCAPES))
        elif kind == 3:
            parts.append(random.choice(_DELIMITERS))
        elif kind == 4:
            parts.append(_random_bytes(random, 4))
        else:
            chosen = encoding if encoding is not None and random.random() < 0.7 else random.choice(_ENCODINGS)
            parts.append(random.choice(_SCRIPTS).encode(chosen, "ignore"))
    return b"".join(parts)


def value(random: Random, vr: str, *, little: bool = True, encoding: str | None = None) -> bytes:
    """A value of a VR, not padded; now and then one of another VR, empty, or no value at all."""
    chance = random.random()
    if chance < 0.04:
        return b""
    if chance < 0.08:
        return _random_bytes(random, 24)
    if chance < 0.12:
        vr = random.choice(["DA", "TM", "DT", "IS", "DS", "UI", "CS", "US", "FD", "LO", "PN"])
    if vr in _NUMBER_FORMATS or vr == "AT":
        return _numbers(random, _NUMBER_FORMATS.get(vr, "HH"), little=little)
    pool = _POOLS.get(vr)
    if pool is not None and random.random() < 0.9:
        count = random.choice([1, 1, 1, 1, 2, 3])
        parts = [random.choice(["", " ", *pool]) if random.random() < 0.2 else random.choice(pool) for _ in range(count)]
        return "\\".join(parts).encode("latin-1")
    if vr in ("OB", "UN", "OV"):
        return _random_bytes(random, 40)
    return text(random, encoding)


def sound_value(random: Random, vr: str, *, little: bool = True, encoding: str | None = None) -> bytes:
    """A value of a VR as far as bytes go: text of its character set, and of dates and numbers also wrong ones."""
    if vr in _NUMBER_FORMATS or vr == "AT":
        return _numbers(random, _NUMBER_FORMATS.get(vr, "HH"), little=little)
    if vr in _POOLS:
        return "\\".join(random.choice(["", *_POOLS[vr]]) for _ in range(random.choice([1, 1, 1, 2, 3]))).encode("latin-1")
    if vr in ("OB", "UN", "OV"):
        return _random_bytes(random, 40)
    words = [word for word in [*(word.decode() for word in _WORDS if word.isalnum()), *_SCRIPTS] if _fits(word, encoding or "ascii")]
    return random.choice(["^", " ", "\\", "="]).join(random.sample(words, random.choice([1, 1, 2, 3]))).encode(encoding or "ascii")


def _fits(text: str, encoding: str) -> bool:
    return text.encode(encoding, "ignore").decode(encoding) == text


def large_value(random: Random, *, sound: bool = False) -> bytes:
    """A value around the sizes at which readers change their ways: 1 KiB, 16 KiB, and what fits no 16 bits."""
    length = random.choice([1022, 1024, 1026, 4096, 16382, 16384, 16386, 20_000, 65_534, 66_000])
    if sound:
        return random.choice([b"ab", b"1\\"]) * (length // 2)
    piece = random.choice([b"\\", b"1\\", b"ab", b"\xff\xfe", b"\x1b$B;3\x1b(B", "ä".encode(), b"9", bytes(2)])
    return (piece * (length // len(piece) + 1))[:length]


def _random_bytes(random: Random, most: int) -> bytes:
    return bytes(random.randrange(256) for _ in range(random.randrange(most + 1)))


def _numbers(random: Random, form: str, *, little: bool) -> bytes:
    order = "<" if little else ">"
    parts: list[bytes] = []
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        if form in "fd":
            number = random.choice(_FLOATS)
            parts.append(
                struct.pack(order + form, math.copysign(3e38, number) if form == "f" and 3.4e38 < abs(number) < math.inf else number)
            )
        else:
            size = struct.calcsize("<" + form)
            parts.append(
                random.choice([0, 1, 2, 0x7F, 1 << 8 * size - 1, (1 << 8 * size) - 1]).to_bytes(size, "little" if little else "big")
            )
    written = b"".join(parts)
    return written[:-1] if random.random() < 0.05 else written
