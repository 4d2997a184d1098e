"""Files made to hurt: each ends soon, in little memory, indexed or with its code."""

from __future__ import annotations

import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from dicomlake.limits import ReadingLimits
from tests.engine.builder import DEFLATED, ITEM, UNDEFINED, E, Writer, keys, meta, parents, part10
from tests.engine.conftest import ScanBytes

_IMPLICIT = Writer(explicit=False)
_SEQUENCE = 0x00081115


def _deep(levels: int) -> bytes:
    return part10(keys() + (E.element(_SEQUENCE, b"", "SQ", UNDEFINED) + E.mark(ITEM, UNDEFINED)) * levels)


def _deep_with_lengths() -> bytes:
    opened = E.element(_SEQUENCE, b"", "SQ", 0x7FFFFFFF) + E.mark(ITEM, 0x7FFFFFFF)
    return part10(keys() + opened * 100_000)


def _bomb() -> bytes:
    # 8 GiB of zeros in 8 MB would be slow to make: a stream that claims an element of 4 GiB and inflates to 256 MiB says the same.
    compressor = zlib.compressobj(9, wbits=-15)
    data = compressor.compress(keys() + parents() + E.element("EncapsulatedDocument", b"", "OB", 0xFFFFFFFE))
    zeros = bytes(1 << 20)
    data += b"".join(compressor.compress(zeros) for _ in range(256)) + compressor.flush()
    return part10(data, meta(DEFLATED))


def _claimed_length() -> bytes:
    return part10(keys() + parents() + E.element("PatientComments", b"x", "UT", 0xFFFFFFF0))


def _claimed_lengths_nested() -> bytes:
    inside = E.mark(ITEM, 0xFFFFFFF0) + E.element("CodeMeaning", b"x", "UT", 0xFFFFFFF0)
    return part10(keys() + parents() + E.element("SegmentSequence", inside, "SQ", 0xFFFFFFF0))


def _empty_items() -> bytes:
    return part10(keys() + parents() + E.element("SegmentSequence", E.mark(ITEM) * 1_000_000, "SQ"))


def _empty_unwanted_items() -> bytes:
    return part10(keys() + E.element(_SEQUENCE, E.mark(ITEM) * 200_000, "SQ") + parents())


def _zeros() -> bytes:
    return part10(keys() + parents() + bytes(1_000_000))


def _many_values() -> bytes:
    return part10(keys() + parents() + E.element("ImageComments", b"\\" * 60_000) + E.element("WindowCenter", b"1\\" * 32_000))


def _long_number() -> bytes:
    return part10(keys() + parents() + E.element("InstanceNumber", "9" * 60_000))


def _many_escapes() -> bytes:
    return part10(E.element("SpecificCharacterSet", "\\ISO 2022 IR 87") + keys() + E.element("PatientName", b"\x1b$B;" * 16_000))


def _long_deflate_of_nothing() -> bytes:
    return part10(zlib.compress(b"", 9)[2:-4] + bytes(2_000_000), meta(DEFLATED))


FILES: list[Callable[[], bytes]] = [
    lambda: _deep(200_000),
    _deep_with_lengths,
    _bomb,
    _claimed_length,
    _claimed_lengths_nested,
    _empty_items,
    _empty_unwanted_items,
    _zeros,
    _many_values,
    _long_number,
    _many_escapes,
    _long_deflate_of_nothing,
]


@pytest.mark.parametrize("make", FILES)
def test_hostile_file_ends_soon(scan_bytes: ScanBytes, make: Callable[[], bytes]) -> None:
    """A hostile file is indexed or has its code, within seconds."""
    data = make()
    began = time.process_time()
    scanned = scan_bytes(data)
    seconds = time.process_time() - began
    assert scanned.file["status"] == "indexed"
    assert seconds < 20  # a bound on hanging, not on speed
    assert len(scanned.findings) <= 256


@pytest.mark.parametrize("make", [_claimed_length, _claimed_lengths_nested, _bomb, lambda: _deep(20_000)])
def test_memory_is_bounded(scan_bytes: ScanBytes, make: Callable[[], bytes]) -> None:
    """Nothing is allocated from a claimed length, a depth, or what a stream would inflate to."""
    data = make()
    scan_bytes(part10(keys()))
    tracemalloc.start()
    try:
        scan_bytes(data, reading=ReadingLimits(header_limit=8 << 20))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * len(data) + (16 << 20)


@pytest.mark.parametrize(
    ("make", "code"), [(lambda: _deep(200_000), "nesting-too-deep"), (_bomb, "header-too-large"), (_claimed_length, "truncated")]
)
def test_hostile_file_has_its_code(scan_bytes: ScanBytes, make: Callable[[], bytes], code: str) -> None:
    """What is too deep, too large or cut short says so."""
    scanned = scan_bytes(make())
    assert scanned.file["code"] == code
    assert scanned.value("Modality") == "CT"


def test_deep_nesting_that_ends_well_is_walked_past(scan_bytes: ScanBytes) -> None:
    """Nesting too deep that is closed again costs what is inside, no more."""
    closed = (E.mark(0xFFFEE00D) + E.mark(0xFFFEE0DD)) * 50_000
    data = _deep(50_000) + closed + parents() + _unwanted_tail()
    assert scan_bytes(data).value("PatientID") == "P1"


def _unwanted_tail() -> bytes:
    return E.element("RedPaletteColorLookupTableData", struct.pack("<4H", 1, 2, 3, 4), "OW")
