"""Files made to hurt: whatever could make a reader slow, or make it allocate, in every way that we could think of."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from tests.engine.builder import DEFLATED, IMPLICIT, ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, E, Writer, keys, meta, parents, part10

_SIZE = 2_000_000
_IMPLICIT = Writer(explicit=False)
_SEQUENCE = 0x00081115
_OPENED = E.element(_SEQUENCE, b"", "SQ", UNDEFINED) + E.mark(ITEM, UNDEFINED)
_CLOSED = E.mark(ITEM_END) + E.mark(SEQUENCE_END)
_LABEL = 0x00620005
_TAIL = E.element("RedPaletteColorLookupTableData", struct.pack("<4H", 1, 2, 3, 4), "OW")


def _deep(levels: int) -> bytes:
    """Sequences in sequences, of undefined length, none of them closed."""
    return part10(keys() + _OPENED * levels)


def _bomb(head: bytes = b"") -> bytes:
    """A deflated data set that would inflate to 8 GiB: a block of zeros over and over."""
    compressor = zlib.compressobj(9, wbits=-15)
    data = compressor.compress(keys() + parents() + head) + compressor.flush(zlib.Z_FULL_FLUSH)
    block = compressor.compress(bytes(1 << 20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return part10(data + block * 8192, meta(DEFLATED))


def _filled(piece: bytes) -> bytes:
    return piece * (_SIZE // len(piece))


def _data_set(data_set: bytes) -> bytes:
    return part10(keys() + parents() + data_set)


def _implicit(data_set: bytes) -> bytes:
    return part10(keys(_IMPLICIT) + data_set, meta(IMPLICIT))


def _at_depth(data_set: bytes, levels: int = 250) -> bytes:
    return part10(keys() + _OPENED * levels + _filled(data_set))


def _nested_with_lengths(levels: int) -> bytes:
    content = _filled(E.element(0x00080005, "GBK "))
    for _ in range(levels):
        content = E.element(_SEQUENCE, E.mark(ITEM, len(content)) + content, "SQ")
    return part10(keys() + content)


def _items(item: bytes, which: str | int = "SegmentSequence") -> bytes:
    return _data_set(E.element(which, _filled(item), "SQ"))


def _text(value: bytes, character_set: str = "", vr: str = "UT", which: str = "PatientComments") -> bytes:
    return part10(E.element("SpecificCharacterSet", character_set) + keys() + E.element(which, _filled(value), vr))


def _claimed_lengths_nested() -> bytes:
    inside = E.mark(ITEM, 0xFFFFFFF0) + E.element("CodeMeaning", b"x", "UT", 0xFFFFFFF0)
    return _data_set(E.element("SegmentSequence", inside, "SQ", 0xFFFFFFF0))


FILES: dict[str, Callable[[], bytes]] = {
    "nested 200,000 deep": lambda: _deep(200_000),
    "nested 200,000 deep, with lengths": lambda: part10(
        keys() + (E.element(_SEQUENCE, b"", "SQ", 0x7FFFFFFF) + E.mark(ITEM, 0x7FFFFFFF)) * 200_000
    ),
    "nested 50,000 deep and closed": lambda: _deep(50_000) + _CLOSED * 50_000 + parents() + _TAIL,
    "a bomb that is skipped": lambda: _bomb(E.element("EncapsulatedDocument", b"", "OB", 0xFFFFFFFE)),
    "a claimed length of 4 GiB": lambda: _data_set(E.element("PatientComments", b"x", "UT", 0xFFFFFFF0)),
    "claimed lengths in one another": _claimed_lengths_nested,
    "empty items": lambda: _data_set(E.element("SegmentSequence", E.mark(ITEM) * 200_000, "SQ")),
    "empty items that nobody wants": lambda: _data_set(E.element(_SEQUENCE, E.mark(ITEM) * 200_000, "SQ")),
    "zeros": lambda: _data_set(bytes(1_000_000)),
    "many values": lambda: _data_set(E.element("ImageComments", b"\\" * 60_000) + E.element("WindowCenter", b"1\\" * 32_000)),
    "a long number": lambda: _data_set(E.element("InstanceNumber", "9" * 60_000)),
    "many escapes": lambda: part10(
        E.element("SpecificCharacterSet", "\\ISO 2022 IR 87") + keys() + E.element("PatientName", b"\x1b$B;" * 16_000)
    ),
    "a long deflate of nothing": lambda: part10(zlib.compress(b"", 9)[2:-4] + bytes(2_000_000), meta(DEFLATED)),
}
"""Such that any reader ends soon."""

LARGE_FILES: dict[str, Callable[[], bytes]] = {
    "a million empty items": lambda: _data_set(E.element("SegmentSequence", E.mark(ITEM) * 1_000_000, "SQ")),
    "a bomb of zeros": _bomb,
    "a bomb that is wanted": lambda: _bomb(E.element("PatientComments", b"", "UT", 0xFFFFFFFE)),
    "a bomb of fragments": lambda: _bomb(E.element("EncapsulatedDocument", b"", "OB", UNDEFINED)),
    "empty deflate blocks": lambda: part10(_filled(b"\0\0\0\xff\xff"), meta(DEFLATED)),
    "up and down, 250 deep": lambda: part10(keys() + _filled(_OPENED * 250 + _CLOSED * 250)),
    "character sets at depth 250": lambda: _at_depth(E.element(0x00080005, "ISO_IR 192")),
    "texts at depth 250": lambda: _at_depth(E.element("PatientName", b"\xc3\xa4")),
    "odd lengths at depth 250": lambda: _at_depth(E.element("PatientName", b"x", length=1)),
    "lengths at depth 250": lambda: _nested_with_lengths(250),
    "creators": lambda: _implicit(
        b"".join(_IMPLICIT.element((9 + 2 * (number // 240)) << 16 | (0x10 + number % 240), b"A ", "LO") for number in range(_SIZE // 10))
    ),
    "a creator again and again": lambda: _data_set(_filled(E.element(0x00190010, "SIEMENS MR HEADER", "LO"))),
    "an element again and again": lambda: _implicit(_filled(_IMPLICIT.element("PatientID", b"ab"))),
    "a sequence again and again": lambda: _data_set(_filled(E.element("SegmentSequence", b"", "SQ"))),
    "items with a bad value": lambda: _items(E.item(E.element(_LABEL, b"\xff\xfe"))),
    "items with a character set by turns": lambda: _items(
        E.item(E.element(0x00080005, "ISO_IR 192") + E.element(_LABEL, b"\xc3\xa4"))
        + E.item(E.element(0x00080005, "ISO_IR 100") + E.element(_LABEL, b"\xe4 "))
    ),
    "a character set that nobody can end": lambda: part10(
        E.element(0x00080005, _filled(b"X"), "UT") + E.element("SegmentSequence", _filled(E.item(E.element(_LABEL, b"\xc3\xa4"))), "SQ")
    ),
    "a character set of many terms": lambda: part10(
        E.element(0x00080005, "\\" * 60_000) + E.element("SegmentSequence", _filled(E.item(E.element(_LABEL, b"\xc3\xa4"))), "SQ")
    ),
    "sequences of wrong lengths": lambda: _data_set(_filled(E.element("SegmentSequence", b"abcdefghij", "SQ"))),
    "fragments": lambda: _data_set(E.element(0x00420011, b"", "OB", UNDEFINED) + _filled(E.mark(ITEM))),
    "no delimitation, nearly": lambda: _data_set(E.element(0x00420011, b"", "OB", UNDEFINED) + b"abcdefgh" + _filled(b"\xfe\xff\xdd")),
    "VRs that there are none": lambda: part10(keys() + _filled(b"\x09\x00\x10\x10XX\x00\x00")),
    "no VRs": lambda: part10(keys() + _filled(b"\x09\x00\x10\x10\x01\x02\x00\x01")),
    "delimitations": lambda: part10(keys() + _filled(E.mark(ITEM_END))),
    "stray items": lambda: part10(keys() + _filled(E.mark(ITEM, UNDEFINED) + _CLOSED)),
    "components": lambda: _text(b"\\", vr="UC", which="ImageType"),
    "names": lambda: _text(b"=\\", which="PatientName"),
    "numbers": lambda: _text(b"1\\", vr="UC", which="PixelSpacing"),
    "numbers of many digits": lambda: _text(b"1e-300" + b"0" * 390 + b"\\", vr="UC", which="PixelSpacing"),
    "large numbers in few characters": lambda: part10(keys() + _filled(E.element("NumberOfFrames", b"1e+308\\" * 9000))),
    "dates": lambda: _text(b"2020\\", vr="UC", which="FrameReferenceDateTime"),
    "escapes": lambda: _text(b"\x1b$B", "\\ISO 2022 IR 87"),
    "lone escapes": lambda: _text(b"\x1b", "\\ISO 2022 IR 87") + E.element("PatientSpeciesDescription", b"\x1b$B", "UC"),
    "a long key and many findings": lambda: part10(
        keys()
        + E.element("PatientID", _filled(b"x"), "UT")
        + _filled(E.element("PatientComments", b"x", length=1))
        + E.element("SegmentSequence", E.item(E.element(_LABEL, b"\xff\xfe")) * 300)
    ),
    "bytes that are not text": lambda: _text(b"\xff", "ISO_IR 192"),
    "control characters": lambda: _text(b"\1"),
}
"""Such that a reader ends soon in which nothing grows faster than the file."""
