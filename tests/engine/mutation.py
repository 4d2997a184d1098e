"""Damage at random to a file that exists: bits, bytes and ranges, at places that tell, and anywhere."""

from __future__ import annotations

import re
from random import Random

_TELLING = [
    bytes.fromhex(text)
    for text in (
        *("ffffffff", "feff00e0", "feff0de0", "feffdde0", "fffee000", "fffee0dd", "5351", "554e", "554e0000ffffffff", "53510000ffffffff"),
        *("0000", "00", "1b2442", "1b284a", "5c", "0800050043530a0049534f5f495220313932", "e07f1000", "efbfbd", "ff", "7fffffff"),
        *("20", "3d", "5e", "0100", "02001000", "4449434d", "0000000000000000"),
    )
]
_VRS = b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV xx".split()
_ELEMENT = re.compile(rb"[\x00-\x7f]\x00..(?:" + b"|".join(_VRS[:-1]) + rb")|\xfe\xff[\x00\x0d\xdd]\xe0", re.DOTALL)


def mutated(random: Random, data: bytes, other: bytes = b"") -> bytes:
    """The file with some damage; pieces of ``other`` may come into it. Preambles are mostly spared, since little is read of them."""
    for _ in range(random.choice([1, 1, 1, 2, 3, 6])):
        data = _damaged(random, data, other)
    return data


def _place(random: Random, data: bytes) -> int:
    first = 132 if len(data) > 140 and random.random() < 0.95 else 0
    # Headers are at the beginning: of a large file, few bytes after that are ever looked at.
    last = len(data) if random.random() < 0.3 else min(len(data), first + random.choice([400, 2000, 8000]))
    at = random.randrange(first, max(first + 1, last))
    if random.random() < 0.6:
        found = _ELEMENT.search(data, at)
        if found is not None:
            return found.start()
    return min(at, len(data))


def _damaged(random: Random, data: bytes, other: bytes) -> bytes:  # noqa: PLR0911 - one return for each kind of damage
    at = _place(random, data)
    kind = random.randrange(10)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return _put(data, at + random.randrange(12), bytes([_byte(data, at) ^ 1 << random.randrange(8)]))
    if kind == 2:
        return _put(data, at + 4, random.choice(_VRS))
    if kind == 3:
        length = random.choice([0, 1, 2, 3, 8, 0xFF, 0xFFFF, 0xFFFE, random.randrange(0x10000)]).to_bytes(2, "little")
        return _put(data, at + 6, length)
    if kind == 4:
        length = random.choice([0, 2, 8, 0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, random.randrange(1 << 16), random.randrange(1 << 32)])
        return _put(data, at + random.choice([4, 8]), length.to_bytes(4, "little"))
    if kind == 5:
        return data[:at] + data[at + random.choice([1, 2, 4, 8, 20, 100]) :]
    if kind == 6:
        to = at + random.choice([1, 2, 8, 30, 200])
        return data[:to] + data[at:to] * random.choice([1, 1, 2, 9]) + data[to:]
    if kind == 7:
        piece = random.choice(_TELLING)
        return data[:at] + piece + data[at + random.choice([0, len(piece)]) :]
    if kind == 8 and other:
        begin = _place(random, other)
        piece = other[begin : begin + random.choice([8, 40, 400, 4000])]
        return data[:at] + piece + data[at + random.choice([0, len(piece)]) :]
    count = random.randrange(1, 12)
    return _put(data, at, bytes(random.randrange(256) for _ in range(count)))


def _byte(data: bytes, at: int) -> int:
    return data[at] if at < len(data) else 0


def _put(data: bytes, at: int, piece: bytes) -> bytes:
    return data[:at] + piece + data[at + len(piece) :]
