"""Values: each rule of typing as rows of a table, element in, cell and finding out."""

from __future__ import annotations

import math
import struct
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.engine.builder import E, Writer, keys, meta, parents, part10, with_elements
from tests.engine.conftest import ScanBytes, both_engines, scan

IMPLICIT_UID = "1.2.840.10008.1.2"

# keyword, bytes of the value, cell, code of the finding
VALUES: list[tuple[str, str, Any, str | None]] = [
    # padding and emptiness (PS3.5 6.2)
    ("PatientID", " P7 ", "P7", None),
    ("StudyID", "  ", None, None),
    ("PatientName", "A^B ", "A^B", None),
    ("PatientName", " A^B", " A^B", None),
    ("PatientComments", "  two leading", "  two leading", None),
    ("SoftwareVersions", "a \\ b", ["a", "b"], None),
    ("SoftwareVersions", "a\\\\b", ["a", None, "b"], None),
    ("SoftwareVersions", "", None, None),
    ("StudyDescription", "a\\b", "a\\b", None),
    ("PatientComments", "a\\b", "a\\b", None),
    ("PatientName", "A^B==", "A^B", None),
    ("PatientName", "A^B=C^D=", "A^B=C^D", None),
    ("PatientName", "^^^", None, None),
    ("PatientName", "=", None, None),
    ("PatientName", "A^B=^^", "A^B", None),
    ("OperatorsName", "A^B\\=", ["A^B", None], None),
    ("PatientName", "=C^D", "=C^D", None),
    # dates
    ("StudyDate", "20240229", date(2024, 2, 29), None),
    ("StudyDate", "2024.02.29", date(2024, 2, 29), None),
    ("StudyDate", " 20240229 ", date(2024, 2, 29), None),
    ("StudyDate", "20230229", None, "invalid-date"),
    ("StudyDate", "20240101-20240201", None, "invalid-date"),
    ("StudyDate", "00000101", None, "invalid-date"),
    ("StudyDate", "2024-02-29", None, "invalid-date"),
    ("StudyDate", "20240229\\20240301", date(2024, 2, 29), "too-many-values"),
    ("StudyDate", "\\20240301", None, "too-many-values"),
    # times of day
    ("StudyTime", "07", "07:00:00.000000", None),
    ("StudyTime", "0708", "07:08:00.000000", None),
    ("StudyTime", "070809", "07:08:09.000000", None),
    ("StudyTime", "070809.1", "07:08:09.100000", None),
    ("StudyTime", "070809.123456 ", "07:08:09.123456", None),
    ("StudyTime", "07:08:09", "07:08:09.000000", None),
    ("StudyTime", "07:08:09.25", "07:08:09.250000", None),
    ("StudyTime", "07:0809", None, "invalid-time"),
    ("StudyTime", "240000", None, "invalid-time"),
    ("StudyTime", "070809.1234567", None, "invalid-time"),
    ("StudyTime", "235960", "23:59:59.000000", None),
    ("StudyTime", "235961", None, "invalid-time"),
    # date and time
    ("AcquisitionDateTime", "2024", datetime(2024, 1, 1), None),
    ("AcquisitionDateTime", "20240229070809.5", datetime(2024, 2, 29, 7, 8, 9, 500_000), None),
    ("AcquisitionDateTime", "20240229070809+0130", datetime(2024, 2, 29, 7, 8, 9), None),
    ("AcquisitionDateTime", "20240229235960", datetime(2024, 2, 29, 23, 59, 59), None),
    ("AcquisitionDateTime", "20240230", None, "invalid-datetime"),
    ("AcquisitionDateTime", "yesterday", None, "invalid-datetime"),
    # numbers in text
    ("InstanceNumber", " +12 ", 12, None),
    ("InstanceNumber", "-007", -7, None),
    ("InstanceNumber", "2.0", 2, "invalid-number"),
    ("InstanceNumber", "2.5", None, "invalid-number"),
    ("InstanceNumber", "1_000", None, "invalid-number"),
    ("InstanceNumber", "0000000000012", 12, "invalid-number"),
    ("InstanceNumber", "99999999999999999999", None, "invalid-number"),
    ("InstanceNumber", "2147483647", 2147483647, None),
    ("InstanceNumber", "-2147483649", -2147483649, "invalid-number"),
    ("InstanceNumber", "2147483648", 2147483648, "invalid-number"),
    ("InstanceNumber", "1\\2", 1, "too-many-values"),
    ("SliceThickness", " 1.5", 1.5, None),
    ("SliceThickness", "-1e-3", -0.001, None),
    ("SliceThickness", ".5", 0.5, None),
    ("SliceThickness", "5.", 5.0, None),
    ("SliceThickness", "0.1234567890123456", 0.1234567890123456, "invalid-number"),
    ("SliceThickness", "1,5", None, "invalid-number"),
    ("SliceThickness", "nan", None, "invalid-number"),
    ("SliceThickness", "1e999", None, "invalid-number"),
    ("PixelSpacing", "0.5\\0.25", [0.5, 0.25], None),
    ("PixelSpacing", "0.5\\", [0.5, None], None),
    ("PixelSpacing", "0.5\\x", [0.5, None], "invalid-number"),
    ("PixelSpacing", "0.5", [0.5], None),
    # UIDs (PS3.5 9.1)
    ("FrameOfReferenceUID", "1.2.3", "1.2.3", None),
    ("FrameOfReferenceUID", "1.2.03", "1.2.03", "invalid-uid"),
    ("FrameOfReferenceUID", "1..2", "1..2", "invalid-uid"),
    ("FrameOfReferenceUID", "1." + "2" * 63, "1." + "2" * 63, "invalid-uid"),
    ("SOPInstanceUID", "1.2.3\\1.2.4", "1.2.3\\1.2.4", "invalid-uid"),
    ("StudyInstanceUID", "1.2.3\\", "1.2.3\\", "invalid-uid"),
    # ages
    ("PatientAge", "042Y", "042Y", None),
    ("PatientAge", "130Y", "130Y", None),
    ("PatientAge", "999M", "999M", None),
    ("PatientAge", "42", "42", "invalid-age"),
    ("PatientAge", "3Y", "3Y", "invalid-age"),
    ("PatientAge", "042y", "042y", "invalid-age"),
    ("PatientAge", "162Y", "162Y", "implausible-age"),
    # the partition column
    ("Modality", "MR ", "MR", None),
    ("Modality", "C/T", None, "invalid-code-string"),
    ("Modality", "CT\\MR", None, "invalid-code-string"),
    ("Modality", "A" * 17, None, "invalid-code-string"),
]


@both_engines
@pytest.mark.parametrize(("keyword", "text", "cell", "code"), VALUES)
def test_text_becomes_a_typed_value(scan_bytes: ScanBytes, keyword: str, text: str, cell: Any, code: str | None) -> None:
    """A text in the file is the cell that the contract says, with the finding that it says."""
    scanned = scan_bytes(with_elements(E.element(keyword, text)))
    assert scanned.value(keyword) == cell
    assert scanned.codes() == ({code} if code else set())
    if code:
        assert scanned.finding(code)["raw"].removesuffix("\\x00").strip() == text.strip()


BINARY: list[tuple[str, str, bytes, Any, str | None]] = [
    ("Rows", "US", struct.pack("<H", 512), 512, None),
    ("Rows", "US", struct.pack("<HH", 512, 3), 512, "too-many-values"),
    ("Rows", "US", b"\x01\x02\x03\x04\x05\x06"[:3], None, "invalid-number"),
    ("AcquisitionMatrix", "US", struct.pack("<4H", 0, 256, 128, 0), [0, 256, 128, 0], None),
    ("TotalPixelMatrixColumns", "UL", struct.pack("<L", 4_000_000_000), 4_000_000_000, None),
    ("DiffusionBValue", "FD", struct.pack("<d", 1000.5), 1000.5, None),
    ("SpiralPitchFactor", "FL", struct.pack("<f", 0.5), 0.5, "wrong-vr"),
    ("Rows", "UL", struct.pack("<L", 4_000_000_000), None, "invalid-number"),
    ("Rows", "IS", b"512 ", 512, "wrong-vr"),
    ("InstanceNumber", "US", struct.pack("<H", 7), 7, "wrong-vr"),
    ("InstanceNumber", "DS", b"7.0 ", 7, "wrong-vr"),
    ("SliceThickness", "IS", b"2 ", 2.0, "wrong-vr"),
    ("StudyDate", "LO", b"20240229", date(2024, 2, 29), "wrong-vr"),
    ("StudyDate", "DT", b"20240229070809", date(2024, 2, 29), "wrong-vr"),
    ("PatientID", "SH", b"P7", "P7", "wrong-vr"),
    ("PatientID", "UN", b"P7", "P7", None),
    ("PatientID", "ZZ", b"P7", "P7", "wrong-vr"),
    ("StudyID", "OB", b"\x0a\xff", "0aff", "wrong-vr"),
    ("InstanceNumber", "OB", b"12", None, "wrong-vr"),
]


@both_engines
@pytest.mark.parametrize(("keyword", "vr", "value", "cell", "code"), BINARY)
def test_vr_of_the_file_rules(scan_bytes: ScanBytes, keyword: str, vr: str, value: bytes, cell: Any, code: str | None) -> None:
    """A value is parsed by the VR in the file and converted to the column's type."""
    scanned = scan_bytes(with_elements(E.element(keyword, value, vr, length=len(value))))
    assert scanned.value(keyword) == cell
    assert scanned.codes() - {"odd-length"} >= ({code} if code else set())
    assert bool(scanned.codes()) == bool(code)


@both_engines
def test_nan_in_binary_is_kept(scan_bytes: ScanBytes) -> None:
    """NaN is a value of FD."""
    assert math.isnan(scan_bytes(with_elements(E.element("DiffusionBValue", struct.pack("<d", math.nan)))).value("DiffusionBValue"))


@both_engines
@pytest.mark.parametrize(("representation", "expected"), [(0, 63536), (1, -2000), (None, 63536)])
def test_us_or_ss_by_pixel_representation(scan_bytes: ScanBytes, representation: int | None, expected: int) -> None:
    """In implicit VR PixelRepresentation says whether PixelPaddingValue is signed."""
    writer = Writer(explicit=False)
    element = b"" if representation is None else writer.element("PixelRepresentation", struct.pack("<H", representation))
    data_set = keys(writer) + parents(writer) + element + writer.element("PixelPaddingValue", struct.pack("<h", -2000))
    assert scan_bytes(part10(data_set, meta(IMPLICIT_UID))).value("PixelPaddingValue") == expected


@both_engines
def test_gathered_lists_line_up(scan_bytes: ScanBytes) -> None:
    """An item that lacks the leaf is a null entry, so that lists of one sequence line up."""
    number, label = E.element("SegmentNumber", b"\x01\0"), E.element("SegmentLabel", "liver")
    code = E.sequence("SegmentedPropertyTypeCodeSequence", E.element("CodeMeaning", "Organ"))
    scanned = scan_bytes(with_elements(E.sequence("SegmentSequence", number + label, label, b"", number + code)))
    assert scanned.value("Segment_SegmentNumber") == [1, None, None, 1]
    assert scanned.value("Segment_SegmentLabel") == ["liver", "liver", None, None]
    assert scanned.value("SegmentedPropertyTypeCode_CodeMeaning") == [None, None, None, "Organ"]


@both_engines
@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize("items", [0, 1])
def test_sequence_without_items_is_null(scan_bytes: ScanBytes, items: int, *, defined: bool) -> None:
    """An absent sequence and one without items are null; one with an empty item has an entry."""
    scanned = scan_bytes(with_elements(E.sequence("SegmentSequence", *[b""] * items, defined=defined)))
    assert scanned.value("Segment_SegmentLabel") == ([None] if items else None)
    assert scan_bytes(with_elements()).value("Segment_SegmentLabel") is None


@both_engines
def test_element_that_comes_twice(engine: str, scan_bytes: ScanBytes) -> None:
    """Of an element that comes twice the last one counts; the native engine says that the order is wrong."""
    scanned = scan_bytes(part10(keys() + E.element("PatientID", "A") + E.element("PatientID", "B") + parents()[10:]))
    assert scanned.value("PatientID") == "B"
    assert ("out-of-order" in scanned.codes()) == (engine == "native")


@both_engines
def test_finding_says_where(scan_bytes: ScanBytes) -> None:
    """A finding names element, tag, offset and raw text, and bytes that are not text as hex; its message holds no value."""
    item = E.element("CodeValue", "A") + E.element("CodeMeaning", b"\x80bad\x01", "LO", length=5)
    data = with_elements(E.sequence("ProcedureCodeSequence", item, item), E.element("SpecificCharacterSet", "ISO_IR 192"))
    scanned = scan_bytes(data)
    found = scanned.finding("undecodable-text")
    assert found["element_path"] == "ProcedureCodeSequence[0].CodeMeaning"
    assert found["tag"] == "(0008,0104)"
    assert found["raw"] == "\\x80bad\\x01"
    assert data[found["byte_offset"] :].startswith(b"\x80bad\x01")
    assert "bad" not in found["message"]
    assert (found["level"], found["PatientID"]) == ("value", "P1")


@both_engines
def test_raw_text_is_bounded(scan_bytes: ScanBytes) -> None:
    """A finding shows at most 1 KiB of a value."""
    scanned = scan_bytes(with_elements(E.element("StudyDate", b"\xff" * 5000)))
    assert 1000 < len(scanned.finding("invalid-date")["raw"].encode()) <= 1024


@both_engines
@pytest.mark.parametrize(
    ("birth", "is_implausible"), [("17941231", True), ("20240301", True), ("20240229", False), ("18940301", False), ("", False)]
)
def test_age_between_dates(scan_bytes: ScanBytes, birth: str, *, is_implausible: bool) -> None:
    """An age by birth date and study date that nobody has is a finding at the birth date."""
    scanned = scan_bytes(with_elements(E.element("StudyDate", "20240229"), E.element("PatientBirthDate", birth)))
    paths = [finding["element_path"] for finding in scanned.findings if finding["code"] == "implausible-age"]
    assert paths == (["PatientBirthDate"] if is_implausible else [])


@pytest.mark.usefixtures("engine")
def test_age_of_repeated_dates(tmp_path: Path) -> None:
    """Files that repeat the dates of the file before have its finding too, whatever stands between them."""
    born = ["17941231", "17941231", "19941231", "17941231", "", "17941231"]
    data = [with_elements(E.element("StudyDate", "20240229"), *([E.element("PatientBirthDate", date)] if date else [])) for date in born]
    for number, content in enumerate(data):
        (tmp_path / str(number)).write_bytes(content)
    findings = scan([str(tmp_path / str(number)) for number in range(len(born))]).findings.to_pylist()
    found = sorted(int(Path(row["url"]).name) for row in findings if row["code"] == "implausible-age")
    assert found == [0, 1, 3, 5]
