"""The header digest, against the definition in words: XXH3 of bytes picked by hand."""

from __future__ import annotations

import zlib

import xxhash

from dicomlake.limits import ReadingLimits
from tests.engine.builder import DEFLATED, IMPLICIT, ITEM, SEQUENCE_END, UNDEFINED, E, Writer, keys, meta, parents, part10
from tests.engine.conftest import ScanBytes, both_engines

LARGE = 16 * 1024


def _digest(data: bytes) -> str:
    return xxhash.xxh3_128_hexdigest(data)


@both_engines
def test_whole_data_set_without_meta_and_pixels(scan_bytes: ScanBytes) -> None:
    """It is over the data set up to the tag of pixel data, and nothing else."""
    data_set = keys() + E.sequence("ProcedureCodeSequence", E.element("CodeValue", "X"), defined=False) + parents()
    expected = _digest(data_set)
    pixels = E.element("PixelData", bytes(20), "OW")
    assert scan_bytes(part10(data_set)).value("header_digest") == expected
    assert scan_bytes(part10(data_set + pixels, meta(instance=None))).value("header_digest") == expected
    assert scan_bytes(meta() + data_set + pixels).value("header_digest") == expected


@both_engines
def test_large_values_count_by_their_header(scan_bytes: ScanBytes) -> None:
    """A value over 16 KiB counts by tag, VR and length alone, wanted or not, in sequences too; one of 16 KiB counts whole."""
    whole = E.element("ImageComments", "a" * LARGE)
    large = E.element(0x00420011, b"b" * (LARGE + 2), "OB")
    nested = E.element(0x54001010, b"c" * (LARGE + 2), "OW")
    item = E.mark(ITEM, len(nested)) + nested
    waveform = E.element("WaveformSequence", item, "SQ")
    data = part10(keys() + parents() + whole + large + waveform)
    counted = keys() + parents() + whole + large[:12] + waveform[:12] + item[:8] + nested[:12]
    assert scan_bytes(data).value("header_digest") == _digest(counted)
    for first_read in (256, 20_000, 1_000_000):
        assert scan_bytes(data, reading=ReadingLimits(first_read=first_read)).value("header_digest") == _digest(counted)


@both_engines
def test_large_wanted_text_counts_by_its_header(scan_bytes: ScanBytes) -> None:
    """Whether somebody wants a value makes no difference to the digest."""
    comments = E.element("PatientComments", "x" * 40_000)
    scanned = scan_bytes(part10(keys() + comments + parents()))
    assert scanned.value("PatientComments") == "x" * 40_000
    assert scanned.value("header_digest") == _digest(keys() + comments[:8] + parents())


def test_fragments_count_one_by_one(scan_bytes: ScanBytes) -> None:
    """Of an element of undefined length that is not a sequence, each fragment is a value."""
    head = E.element(0x7FE00003, b"", "OB", UNDEFINED)
    small, large = E.mark(ITEM, 4) + b"abcd", E.mark(ITEM, LARGE + 2) + bytes(LARGE + 2)
    end = E.mark(SEQUENCE_END)
    data_set = keys() + parents() + head + small + large + end
    assert scan_bytes(part10(data_set)).value("header_digest") == _digest(keys() + parents() + head + small + large[:8] + end)


@both_engines
def test_header_cut_short(scan_bytes: ScanBytes) -> None:
    """Of a header cut short it is over what was walked."""
    walked = keys() + parents()
    assert scan_bytes(part10(walked + E.element("ImageComments", "abc")[:-1])).value("header_digest") == _digest(walked)


@both_engines
def test_inflated_bytes_count(scan_bytes: ScanBytes) -> None:
    """Of a deflated data set it is over the inflated bytes."""
    data_set = keys() + parents()
    compressor = zlib.compressobj(wbits=-15)
    data = part10(compressor.compress(data_set) + compressor.flush(), meta(DEFLATED))
    assert scan_bytes(data).value("header_digest") == scan_bytes(part10(data_set)).value("header_digest") == _digest(data_set)


@both_engines
def test_bytes_as_they_stand(scan_bytes: ScanBytes) -> None:
    """The same values in another encoding are other bytes."""
    implicit = Writer(explicit=False)
    data_set = keys(implicit) + parents(implicit)
    assert scan_bytes(part10(data_set, meta(IMPLICIT))).value("header_digest") == _digest(data_set)


@both_engines
def test_it_does_not_depend_on_what_is_asked(scan_bytes: ScanBytes) -> None:
    """With `headers` the digest is the same."""
    data = part10(
        keys() + E.sequence("ProcedureCodeSequence", E.element("CodeValue", "X")) + parents() + E.element(0x00420011, bytes(20_000), "OB")
    )
    assert scan_bytes(data, headers=True).value("header_digest") == scan_bytes(data).value("header_digest")


def test_passed_over_bytes_are_left_out(scan_bytes: ScanBytes) -> None:
    """What is passed over because it can't be understood is left out."""
    garbage = b"garbage garbage."
    sequence = E.element("SegmentSequence", garbage, "SQ")
    last = E.element("StructureSetLabel", "x")
    expected = _digest(keys() + parents() + sequence[:12] + last)
    assert scan_bytes(part10(keys() + parents() + sequence + last)).value("header_digest") == expected
