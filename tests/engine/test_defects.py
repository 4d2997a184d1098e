"""One crafted input for each code that an engine can raise, and what is kept all the same."""

from __future__ import annotations

import os
import socket
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from dicomlake._core import codes
from dicomlake.errors import STATUS_OF_CODE, FileCode, FindingCode
from dicomlake.limits import ReadingLimits
from tests.engine.builder import DEFLATED, IMPLICIT, UID, UNDEFINED, E, Writer, keys, meta, parents, part10, sound, with_elements
from tests.engine.conftest import ScanBytes, both_engines, scan_one

_RAW = zlib.compressobj(wbits=-15)
_DEFLATED = _RAW.compress(keys() + parents() + E.element("ImageComments", "cut")[:-2]) + _RAW.flush(zlib.Z_FULL_FLUSH)
_BAD_BLOCK = b"\x07\xff\xff"  # a deflate block of the type that there is none

_DEEP = b"".join(E.element("ReferencedSeriesSequence", b"", "SQ", UNDEFINED) + E.mark(0xFFFEE000, UNDEFINED) for _ in range(300))
_DEEP_END = (E.mark(0xFFFEE00D) + E.mark(0xFFFEE0DD)) * 300

FILES: dict[FileCode, bytes] = {
    FileCode.EMPTY_FILE: b"",
    FileCode.NOT_DICOM: b"just a text, and a long one, in which nobody would look for a header" * 10,
    FileCode.DICOMDIR: part10(E.element("FileSetID", "X"), meta(sop_class="1.2.840.10008.1.3.10")),
    FileCode.TRUNCATED: part10(E.element("SOPClassUID", "1.2.3") + E.element("SOPInstanceUID", UID)[:20], meta(instance=None)),
    FileCode.MISSING_KEY: part10(parents(), meta(instance=None)),
    FileCode.UNSUPPORTED_TRANSFER_SYNTAX: part10(b"\x93\x17\xfe" * 20, meta("1.2.3.4.5", instance=None)),
    FileCode.CORRUPT_ELEMENT: part10(E.element("Modality", "CT") + b"\xff\x21\x00\x77\x01\x02\xff\xff\xff", meta(instance=None)),
    FileCode.CORRUPT_DEFLATE: part10(_BAD_BLOCK * 8, meta(DEFLATED, instance=None)),
    FileCode.HEADER_TOO_LARGE: part10(E.element("PatientComments", "x" * 9000), meta(instance=None)),
    FileCode.NESTING_TOO_DEEP: part10(_DEEP + _DEEP_END, meta(instance=None)),
}
"""Bytes of which nothing can be kept, by the code that says why."""

PARTLY: dict[FileCode, tuple[bytes, str | None]] = {
    FileCode.TRUNCATED: (part10(keys() + parents() + E.element("PixelSpacing", "0.5\\0.5")[:-3]), "PixelSpacing"),
    FileCode.UNSUPPORTED_TRANSFER_SYNTAX: (part10(b"\x93\x17\xfe" * 20, meta("1.2.3.4.5")), None),
    FileCode.CORRUPT_ELEMENT: (part10(keys() + parents() + b"\x21\x10\x33\x77\x01\x02\xff\xff\xff\xff\xff"), "(1021,7733)"),
    FileCode.CORRUPT_DEFLATE: (part10(_DEFLATED + _BAD_BLOCK, meta(DEFLATED)), "ImageComments"),
    FileCode.HEADER_TOO_LARGE: (part10(keys() + parents() + E.element("ImageComments", "x" * 9000)), "ImageComments"),
    FileCode.NESTING_TOO_DEEP: (part10(keys() + _DEEP + _DEEP_END + parents()), "ReferencedSeriesSequence"),
}
"""Bytes of which something can be kept, by the code, with the path to where reading stopped being right."""

FINDINGS: dict[FindingCode, bytes] = {
    FindingCode.MISSING_PREAMBLE: meta() + keys() + parents(),
    FindingCode.MISSING_FILE_META: bytes(128) + b"DICM" + keys() + parents(),
    FindingCode.WRONG_TRANSFER_SYNTAX: part10(keys() + parents(), meta(IMPLICIT)),
    FindingCode.INVALID_DATE: with_elements(E.element("StudyDate", "20231301")),
    FindingCode.INVALID_TIME: with_elements(E.element("StudyTime", "99")),
    FindingCode.INVALID_DATETIME: with_elements(E.element("AcquisitionDateTime", "now")),
    FindingCode.INVALID_NUMBER: with_elements(E.element("SliceThickness", "thin")),
    FindingCode.INVALID_UID: with_elements(E.element("StudyInstanceUID", "1.02")),
    FindingCode.TOO_MANY_VALUES: with_elements(E.element("InstanceNumber", "1\\2")),
    FindingCode.UNDECODABLE_TEXT: with_elements(E.element("SpecificCharacterSet", "ISO_IR 192"), E.element("PatientName", b"\xff")),
    FindingCode.UNDECLARED_CHARACTER_SET: with_elements(E.element("PatientName", "Ä".encode())),
    FindingCode.WRONG_VR: with_elements(E.element("StudyDate", b"20230101", "LO")),
    FindingCode.ODD_LENGTH: with_elements(E.element("StudyID", b"abc", length=3)),
    FindingCode.OUT_OF_ORDER: part10(parents() + keys()),
    FindingCode.MISSING_REQUIRED: part10(keys()),
    FindingCode.INVALID_CODE_STRING: with_elements(E.element("Modality", "../../etc")),
    FindingCode.INVALID_AGE: with_elements(E.element("PatientAge", "42")),
    FindingCode.IMPLAUSIBLE_AGE: with_elements(E.element("PatientAge", "162Y")),
    FindingCode.NONSTANDARD_CHARACTER_SET: with_elements(E.element("SpecificCharacterSet", "UTF-8")),
    FindingCode.TRAILING_BYTES: with_elements() + b"\0",
    FindingCode.FRAME_COUNT: with_elements(E.element("NumberOfFrames", "5000")),
    FindingCode.REPEATED_NUMBER: with_elements(E.sequence("SegmentSequence", *[E.element("SegmentNumber", b"\1\0")] * 2)),
    FindingCode.TOO_MANY_ROWS: with_elements(E.sequence("AcquisitionContextSequence", *[b""] * 20_000)),
}

RAISED_IN_PYTHON = {FindingCode.FRAME_COUNT}
"""Codes that the same Python raises for every engine."""

NOT_OF_ENGINES = {
    FindingCode.CONFLICTING_DUPLICATE,
    FindingCode.INCONSISTENT_ATTRIBUTE,
    FindingCode.DANGLING_REFERENCE,
    FindingCode.IRREGULAR_GEOMETRY,
    FileCode.CORRUPT_ARCHIVE,
    FileCode.WORKER_KILLED,
    FileCode.ARCHIVE,
    FileCode.UNSUPPORTED_MEMBER,
}

_SMALL = ReadingLimits(first_read=512, header_limit=8192)


@pytest.mark.parametrize("code", FILES)
def test_file_code(scan_bytes: ScanBytes, code: FileCode) -> None:
    """A file of which nothing can be kept has the status of its code, and a finding where it failed."""
    scanned = scan_bytes(FILES[code], reading=_SMALL)
    assert (scanned.file["code"], scanned.file["status"]) == (code, STATUS_OF_CODE[code])
    assert scanned.file["message"]
    assert scanned.instance is None
    levels = [finding["level"] for finding in scanned.findings if finding["code"] == code]
    assert levels == (["file"] if scanned.file["status"] == "failed" else [])


@pytest.mark.parametrize("code", PARTLY)
def test_file_code_of_a_file_kept_in_part(scan_bytes: ScanBytes, code: FileCode) -> None:
    """A file that is read in part is indexed with its code, and says where reading stopped being right, as its one finding does."""
    data, path = PARTLY[code]
    scanned = scan_bytes(data, reading=_SMALL)
    assert (scanned.file["status"], scanned.file["code"]) == ("indexed", code)
    assert scanned.file["SOPInstanceUID"] == scanned.value("SOPInstanceUID") == UID
    assert (scanned.file["element_path"] or "").split(".")[0].split("[")[0] == (path or "")
    found = scanned.finding(code)
    assert found["level"] == "file"
    assert (found["byte_offset"], found["element_path"]) == (scanned.file["byte_offset"], scanned.file["element_path"])


@pytest.mark.parametrize("behind", [b"", _BAD_BLOCK * 3], ids=["cut", "corrupt"])
def test_value_too_long_in_a_deflated_data_set(scan_bytes: ScanBytes, behind: bytes) -> None:
    """A value longer than its item in a deflated data set has one code, whether or not what is corrupt behind it was inflated already."""
    compressor = zlib.compressobj(0, wbits=-15)
    too_long = E.sequence("SegmentSequence", E.element("SegmentLabel", b"abc", length=50), b"", b"")
    deflated = compressor.compress(keys() + parents() + too_long + bytes(400)) + compressor.flush(zlib.Z_FULL_FLUSH) + behind
    for first_read in (256, 1 << 20):
        assert scan_bytes(part10(deflated, meta(DEFLATED)), reading=ReadingLimits(first_read=first_read)).file["code"] == "truncated"


def test_distance_before_the_beginning_is_corrupt(scan_bytes: ScanBytes) -> None:
    """A deflated data set that copies from before its first byte is corrupt (RFC 1951 3.2.3), not taken for zeros."""
    # Literals 8 and 0, then three bytes from four back, in a block with the fixed codes.
    scanned = scan_bytes(part10(b"\xe3\x60\x00\x62\x00" + bytes(32), meta(DEFLATED)))
    assert (scanned.file["code"], scanned.file["status"]) == (FileCode.CORRUPT_DEFLATE, "indexed")


def test_reading_goes_on_after_nesting_too_deep(scan_bytes: ScanBytes) -> None:
    """What is nested too deep is walked past: what follows it is read."""
    data, _ = PARTLY[FileCode.NESTING_TOO_DEEP]
    assert scan_bytes(data).value("PatientID") == "P1"


@pytest.mark.parametrize("code", FINDINGS)
def test_finding_code(scan_bytes: ScanBytes, code: FindingCode) -> None:
    """Each crafted input raises its code, and is indexed."""
    scanned = scan_bytes(FINDINGS[code])
    assert scanned.file["status"] == "indexed"
    assert code in scanned.codes()


def test_codes_are_those_of_the_native_engine() -> None:
    """The two tables of codes, Python's and Rust's, are one: a code that is added to one alone fails here."""
    of_files, of_findings = codes()
    assert of_files == [code.value for code in FileCode]
    assert of_findings == [code.value for code in FindingCode if code not in NOT_OF_ENGINES | RAISED_IN_PYTHON]


def test_every_code_has_a_crafted_input() -> None:
    """No code of an engine is without a crafted input."""
    files_made_otherwise = {FileCode.NOT_REGULAR, FileCode.UNREADABLE, FileCode.TIMED_OUT}
    assert set(FileCode) - NOT_OF_ENGINES == set(FILES) | files_made_otherwise
    assert set(FindingCode) - NOT_OF_ENGINES == set(FINDINGS)


@both_engines
def test_sound_file_has_no_finding(scan_bytes: ScanBytes) -> None:
    """A file in which nothing is wrong has no code and no finding."""
    scanned = scan_bytes(sound())
    assert (scanned.file["status"], scanned.file["code"], scanned.findings) == ("indexed", None, [])


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.close()


def _folder(path: Path) -> None:
    path.mkdir()


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _vanished(_: Path) -> None:
    pass


@both_engines
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_fifo, FileCode.NOT_REGULAR),
        (_socket, FileCode.NOT_REGULAR),
        (_folder, FileCode.NOT_REGULAR),
        (_dangling, FileCode.UNREADABLE),
        (_vanished, FileCode.UNREADABLE),
    ],
)
def test_what_is_no_file(tmp_path: Path, make: Callable[[Path], None], code: FileCode) -> None:
    """What is no regular file, or not there, is a row with its code, and never waited for."""
    path = tmp_path / "thing"
    make(path)
    scanned = scan_one(str(path))
    assert (scanned.file["code"], scanned.file["status"]) == (code, STATUS_OF_CODE[code])


def test_file_that_takes_too_long(scan_bytes: ScanBytes) -> None:
    """A file that takes longer than it may keeps what was read."""
    data = part10(keys() + parents() + E.sequence(0x00081115, *[b""] * 5000))
    scanned = scan_bytes(data, reading=ReadingLimits(file_seconds_limit=1e-9))
    assert (scanned.file["code"], scanned.file["status"]) == (FileCode.TIMED_OUT, "indexed")


@both_engines
def test_instance_uid_of_the_meta(scan_bytes: ScanBytes) -> None:
    """A data set without SOPInstanceUID takes the file meta's, with a finding."""
    scanned = scan_bytes(
        part10(E.element("SOPClassUID", "1.2.3") + E.element("SOPInstanceUID", "") + E.element("Modality", "CT") + parents())
    )
    assert scanned.value("SOPInstanceUID") == scanned.file["SOPInstanceUID"] == UID
    assert scanned.finding("missing-required")["element_path"] == "SOPInstanceUID"


@both_engines
def test_missing_parents_are_null(scan_bytes: ScanBytes) -> None:
    """Missing keys of parents are null, each with a finding."""
    scanned = scan_bytes(part10(E.element("SOPInstanceUID", UID)))
    missing = [finding["element_path"] for finding in scanned.findings if finding["code"] == "missing-required"]
    assert missing == ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "Modality"]


def test_findings_of_one_file_are_bounded(scan_bytes: ScanBytes) -> None:
    """A file that is wrong a thousand times over has few findings of a kind, and the truth about its end is among them."""
    odd = b"".join(E.element(0x00090000 + number, b"x", "LO", length=1) for number in range(0x1000, 0x2000))
    item = E.element("SegmentNumber", b"\x01") + E.element("SegmentLabel", b"\xff")
    data = part10(keys() + odd + parents() + E.sequence("SegmentSequence", *[item] * 2000) + E.element("ContentLabel", "A")[:5])
    scanned = scan_bytes(data)
    codes = [finding["code"] for finding in scanned.findings]
    assert codes[0] == "truncated"
    assert codes.count("odd-length") == 16
    assert codes.count("repeated-number") == 1
    assert len(codes) <= 256


def test_path_that_is_deep_tells_where_it_begins(scan_bytes: ScanBytes) -> None:
    """Of a path of many steps the first ones are told: they say where in the header to look."""
    data, _ = PARTLY[FileCode.NESTING_TOO_DEEP]
    path = scan_bytes(data).file["element_path"]
    assert path == "ReferencedSeriesSequence[0]." * 32 + "… ReferencedSeriesSequence"


def test_raw_text_is_the_same_for_every_unicode(scan_bytes: ScanBytes) -> None:
    """A finding shows characters that only a later edition of Unicode has assigned, but no format or private ones."""
    shown = "\U00031350\U00013d9fé"  # of Unicode 15 and 16
    hidden = "\U00013430\u202e\ue000\uffff\U000e0041"
    finding = scan_bytes(with_elements(E.element("StudyDate", (shown + hidden).encode()))).finding("invalid-date")
    assert finding["raw"].startswith(shown + "\\xf0\\x93\\x90\\xb0\\xe2\\x80\\xae\\xee\\x80\\x80\\xef\\xbf\\xbf\\xf3\\xa0\\x81\\x81")


@both_engines
def test_message_holds_no_value(scan_bytes: ScanBytes) -> None:
    """Messages never hold a value of the header."""
    secret = "SECRET"
    for data in (
        part10(keys() + E.element("PatientID", secret) + E.element("PatientName", secret)[:-2]),
        with_elements(E.element("PatientBirthDate", secret), E.element("PatientID", secret)),
        part10(Writer(little=False).element("PatientID", secret), meta(secret, instance=None)),
    ):
        scanned = scan_bytes(data)
        assert secret not in (scanned.file["message"] or "")
        assert not any(secret in finding["message"] for finding in scanned.findings)
