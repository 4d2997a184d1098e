"""The engine `pydicom`: files that pydicom can't read have a code, limits hold, and nothing of pydicom reaches the host process."""

from __future__ import annotations

import logging
import struct
import warnings
import zlib
from typing import Any

import pydicom
import pytest

from dicomlake.errors import STATUS_OF_CODE, FileCode, FindingCode
from dicomlake.limits import ReadingLimits
from dicomlake.schema import user_column
from tests.engine.builder import DEFLATED, UNDEFINED, E, keys, meta, parents, part10, sound, with_elements
from tests.engine.conftest import ScanBytes
from tests.engine.hostile import FILES as HOSTILE
from tests.engine.test_defects import FILES, FINDINGS, PARTLY

pytestmark = pytest.mark.parametrize("engine", ["pydicom"], indirect=True, scope="module")

CODES: dict[FileCode, FileCode] = {
    **{code: code for code in FILES if code is not FileCode.NESTING_TOO_DEEP},
    FileCode.UNSUPPORTED_TRANSFER_SYNTAX: FileCode.TRUNCATED,
    FileCode.CORRUPT_ELEMENT: FileCode.TRUNCATED,
}
"""The code that pydicom's reading shows of each crafted file of which nothing can be kept."""

NOT_FOUND = {FindingCode.ODD_LENGTH, FindingCode.OUT_OF_ORDER, FindingCode.TOO_MANY_ROWS}
"""Findings about the structure, which pydicom does not show; and of rows that the native engine does not keep, to bound its memory."""


@pytest.mark.parametrize("code", CODES)
def test_file_that_can_not_be_read(scan_bytes: ScanBytes, code: FileCode) -> None:
    """A file of which nothing can be kept has a code, the status of that code, and a finding where it failed."""
    scanned = scan_bytes(FILES[code], reading=ReadingLimits(first_read=512, header_limit=8192))
    expected = CODES[code]
    assert (scanned.file["code"], scanned.file["status"]) == (expected, STATUS_OF_CODE[expected])
    assert scanned.instance is None
    assert scanned.file["message"]
    levels = [finding["level"] for finding in scanned.findings if finding["code"] == expected]
    assert levels == (["file"] if scanned.file["status"] == "failed" else [])


def test_truncated_file_keeps_its_whole_elements(scan_bytes: ScanBytes) -> None:
    """A file that ends inside an element at top level is indexed, with its code and without that element."""
    data, _ = PARTLY[FileCode.TRUNCATED]
    scanned = scan_bytes(data)
    assert (scanned.file["status"], scanned.file["code"]) == ("indexed", "truncated")
    assert scanned.file["byte_offset"] == data.index(E.element("PixelSpacing", "")[:4])
    assert (scanned.value("PatientID"), scanned.value("PixelSpacing")) == ("P1", None)


def test_sequence_that_ends_early_fails(scan_bytes: ScanBytes) -> None:
    """A file in which pydicom raises is failed, whatever it holds before that."""
    opened = E.element("SegmentSequence", b"", "SQ", UNDEFINED) + E.mark(0xFFFEE000, UNDEFINED)
    scanned = scan_bytes(part10(keys() + parents() + opened))
    assert (scanned.file["status"], scanned.file["code"], scanned.instance) == ("failed", "truncated", None)


@pytest.mark.parametrize("code", [code for code in FINDINGS if code not in NOT_FOUND])
def test_finding(scan_bytes: ScanBytes, code: FindingCode) -> None:
    """Each crafted defect of a value raises its code, and the file is indexed."""
    scanned = scan_bytes(FINDINGS[code])
    assert scanned.file["status"] == "indexed"
    assert code in scanned.codes()


def test_nesting_too_deep(scan_bytes: ScanBytes) -> None:
    """Where pydicom goes deeper than Python does, the file fails."""
    scanned = scan_bytes(HOSTILE["nested 50,000 deep and closed"]())
    assert (scanned.file["status"], scanned.file["code"]) == ("failed", "nesting-too-deep")


def test_header_limit(scan_bytes: ScanBytes) -> None:
    """No more bytes are read than the limit; a file whose header goes on fails."""
    data = part10(keys() + parents() + E.element("ImageComments", "x" * 9000) + E.element("PixelData", bytes(100_000), "OW"))
    scanned = scan_bytes(data, reading=ReadingLimits(first_read=512, header_limit=8192))
    assert (scanned.file["status"], scanned.file["code"]) == ("failed", "header-too-large")
    assert scanned.file["bytes_read"] <= 8192
    assert scan_bytes(data).file["bytes_read"] < 40_000


def test_inflated_limit(scan_bytes: ScanBytes) -> None:
    """A deflated data set is never inflated to more than the limit."""
    scanned = scan_bytes(HOSTILE["a bomb that is skipped"](), reading=ReadingLimits(header_limit=1 << 24))
    assert (scanned.file["status"], scanned.file["code"]) == ("failed", "header-too-large")


def test_time_limit(scan_bytes: ScanBytes) -> None:
    """A file that takes longer than it may fails."""
    scanned = scan_bytes(sound(), reading=ReadingLimits(file_seconds_limit=1e-9))
    assert (scanned.file["status"], scanned.file["code"]) == ("failed", "timed-out")


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_a_row(scan_bytes: ScanBytes, name: str) -> None:
    """A hostile file is a row with few findings."""
    scanned = scan_bytes(HOSTILE[name](), reading=ReadingLimits(header_limit=1 << 23))
    assert scanned.file["status"] in ("indexed", "failed")
    assert len(scanned.findings) <= 256


def test_nothing_reaches_the_host(scan_bytes: ScanBytes, caplog: Any, capfd: Any) -> None:
    """No warning and no log line reaches the user; filters, loggers and pydicom's settings are as before."""
    before = (pydicom.config.settings.reading_validation_mode, list(warnings.filters), logging.getLogger("pydicom").disabled)
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as caught:
        for data in (FINDINGS[FindingCode.UNDECODABLE_TEXT], FINDINGS[FindingCode.WRONG_TRANSFER_SYNTAX], FILES[FileCode.TRUNCATED]):
            scan_bytes(data, headers=True)
    after = (pydicom.config.settings.reading_validation_mode, list(warnings.filters), logging.getLogger("pydicom").disabled)
    assert before == after
    assert (caught, caplog.records, capfd.readouterr()) == ([], [], ("", ""))


def test_settings_of_the_host(scan_bytes: ScanBytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that lets pydicom raise for invalid values gets the same rows."""
    text = E.element("SpecificCharacterSet", "ISO_IR 192\\KLINGON"), E.element("PatientName", b"\xff")
    data = with_elements(E.element("StudyDate", "20231301"), *text)
    expected = scan_bytes(data)
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.RAISE)
    assert scan_bytes(data) == expected


def test_deflated_data_set(scan_bytes: ScanBytes) -> None:
    """A deflated data set has its columns; places in it are not places of the file."""
    compressor = zlib.compressobj(wbits=-15)
    data_set = keys() + parents() + E.element("PixelData", bytes(10), "OW")
    scanned = scan_bytes(part10(compressor.compress(data_set) + compressor.flush(), meta(DEFLATED)))
    assert (scanned.value("PatientID"), scanned.value("pixel_data_keyword"), scanned.value("pixel_data_length")) == ("P1", "PixelData", 10)
    assert (scanned.value("header_bytes"), scanned.value("pixel_data_offset")) == (None, None)


def test_columns_by_path(scan_bytes: ScanBytes) -> None:
    """Columns of private elements, of one item and of all items are answered."""
    columns = [
        user_column("(0019,xx0C)[ACME]", name="private", vr="US"),
        user_column("SegmentSequence[1].SegmentLabel", name="second"),
        user_column("SegmentSequence[*].SegmentNumber", name="numbers"),
    ]
    items = [E.element("SegmentNumber", struct.pack("<H", number)) + E.element("SegmentLabel", f"s{number}") for number in (1, 2)]
    private = E.element(0x00190011, "ACME", "LO") + E.element(0x0019110C, b"\5\0", "US")
    scanned = scan_bytes(part10(keys() + private + parents() + E.sequence("SegmentSequence", *items)), columns=columns)
    assert [scanned.value(column.name) for column in columns] == [5, "s2", [1, 2]]
