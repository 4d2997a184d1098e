"""Structure: encodings, recognition, sequences right and wrong, private blocks, and where a header ends."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pytest

from dicomlake.limits import ReadingLimits
from dicomlake.schema import user_column
from tests.engine.builder import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    ITEM,
    JPEG,
    SEQUENCE_END,
    UID,
    UNDEFINED,
    E,
    Writer,
    keys,
    meta,
    parents,
    part10,
    sound,
    with_elements,
)
from tests.engine.conftest import ScanBytes, both_engines

WRITERS = {IMPLICIT: Writer(explicit=False), EXPLICIT: E, BIG_ENDIAN: Writer(little=False)}


def _data_set(writer: Writer) -> bytes:
    items = [writer.element("SegmentNumber", struct.pack("<H" if writer.little else ">H", number)) for number in (1, 258)]
    return keys(writer) + parents(writer) + writer.sequence("SegmentSequence", *items, defined=False)


@pytest.mark.parametrize("declared", [IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED, JPEG, None])
@pytest.mark.parametrize("actual", [IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED])
def test_data_set_is_read_as_it_stands(scan_bytes: ScanBytes, declared: str | None, actual: str) -> None:
    """A data set is read in the syntax that it stands in, and a meta that says another is a finding."""
    data_set = _data_set(WRITERS.get(actual, E))
    if actual == DEFLATED:
        compressor = zlib.compressobj(wbits=-15)
        data_set = compressor.compress(data_set) + compressor.flush()
    scanned = scan_bytes(part10(data_set, meta(declared)))
    assert scanned.value("Segment_SegmentNumber") == [1, 258]
    assert scanned.value("TransferSyntaxUID") == declared
    agrees = declared in (None, actual) or (declared == JPEG and actual == EXPLICIT)
    assert scanned.codes() == (set() if agrees else {"wrong-transfer-syntax"})


@pytest.mark.parametrize("wrap", [lambda data: meta() + data, lambda data: data, lambda data: b"DICM" + meta() + data])
@pytest.mark.parametrize("writer", WRITERS.values())
def test_recognised_by_content(scan_bytes: ScanBytes, wrap: Callable[[bytes], bytes], writer: Writer) -> None:
    """Files without preamble, without DICM, without meta are recognised by what they hold."""
    scanned = scan_bytes(wrap(_data_set(writer)))
    assert scanned.value("SOPInstanceUID") == UID
    assert "missing-preamble" in scanned.codes()


@both_engines
@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"\x89PNG\r\n\x1a\n" + bytes(200),
        b"\0" * 5000,
        b"\x08\0 a line of text that begins like an element",
        b"PK\x03\x04" + bytes(100),
        b"ID3,a;b;c\n" * 50,
        bytes(range(256)) * 8,
        b"\xff\xd8\xff\xe0" + bytes(60),
    ],
)
def test_what_is_no_dicom(scan_bytes: ScanBytes, data: bytes) -> None:
    """Other files are told after one small read."""
    scanned = scan_bytes(data)
    assert (scanned.file["status"], scanned.file["code"], scanned.file["requests"]) == ("not_dicom", "not-dicom", 1)


@both_engines
def test_lying_meta_length(scan_bytes: ScanBytes) -> None:
    """The length of group 2 is not believed."""
    for length in (0, 1, 70_000, UNDEFINED):
        group_2 = E.element("FileMetaInformationGroupLength", struct.pack("<L", length)) + meta()[12:]
        assert scan_bytes(part10(keys() + parents(), group_2)).value("PatientID") == "P1"


@both_engines
def test_unknown_transfer_syntax(scan_bytes: ScanBytes) -> None:
    """A transfer syntax that PS3.6 does not have is read as explicit VR little endian where the bytes fit."""
    scanned = scan_bytes(part10(keys() + parents() + E.element("PixelData", b"", "OB", UNDEFINED), meta("1.2.3.4")))
    assert scanned.codes() == set()
    assert scanned.value("is_compressed") is True
    assert scanned.value("transfer_syntax_name") is None


@both_engines
def test_command_set_before_the_data_set(scan_bytes: ScanBytes) -> None:
    """A command set, always in implicit VR, is passed over."""
    implicit = WRITERS[IMPLICIT]
    command = implicit.element(0x00000002, "1.2.3", "UI") + implicit.element(0x00000100, b"\1\0", "US")
    command = implicit.element(0x00000000, struct.pack("<L", len(command)), "UL") + command
    assert scan_bytes(part10(command + keys() + parents())).value("PatientID") == "P1"


@pytest.mark.parametrize("vr", ["ZZ", "\0\0", "\xff\xff", "ui", "12"])
@pytest.mark.parametrize("keyword", ["SOPClassUID", "StudyInstanceUID"])
def test_damaged_vr(scan_bytes: ScanBytes, vr: str, keyword: str) -> None:
    """An element whose VR is none that there is has the form after which an element follows."""
    data_set = (keys() + parents()).replace(E.element(keyword, "")[:4] + b"UI", E.element(keyword, "")[:4] + vr.encode("latin-1"))
    scanned = scan_bytes(part10(data_set))
    assert scanned.value("SeriesInstanceUID") == "1.2.3.4"
    assert scanned.value(keyword).startswith("1.2")
    assert scanned.codes() == {"wrong-vr"}


@both_engines
def test_private_column_by_creator(engine: str, scan_bytes: ScanBytes) -> None:
    """A private column finds its element through the block that its creator reserved, in explicit and implicit VR, UN and items."""
    column = user_column("(0019,xx0C)[SIEMENS MR HEADER]", name="b_value", vr="IS")
    nested = user_column("(0021,xx01)[ACME][*].(0021,xx02)[ACME]", name="acme", vr="LO")
    for uid, writer in WRITERS.items():
        creators = writer.element(0x00190010, "OTHER", "LO") + writer.element(0x00190011, "SIEMENS MR HEADER ", "LO")
        group_19 = creators + writer.element(0x0019100C, "7", "IS") + writer.element(0x0019110C, "1000", "IS")
        inside = writer.element(0x00210010, "ACME", "LO") + writer.element(0x00211002, "inside", "LO")
        group_21 = writer.element(0x00210012, "ACME", "LO") + writer.sequence(0x00211201, inside, b"", vr="SQ" if writer.explicit else "UN")
        data_set = keys(writer) + group_19 + group_21 + parents(writer)
        scanned = scan_bytes(part10(data_set, meta(uid)), columns=[column, nested])
        assert scanned.value("b_value") == 1000
        assert scanned.codes() == ({"out-of-order"} if engine == "native" else set())  # the parents' keys stand behind groups 0019 and 0021
        assert scanned.value("acme") == ["inside", None]
        assert scanned.value("private_creators") == ["ACME", "OTHER", "SIEMENS MR HEADER"]


@both_engines
def test_column_of_one_item_and_of_all(scan_bytes: ScanBytes) -> None:
    """`[k]` and `[*]` of one sequence don't disturb each other."""
    columns = [
        user_column("SegmentSequence[1].SegmentLabel", name="second"),
        user_column("SegmentSequence[7].SegmentLabel", name="eighth"),
    ]
    labels = [E.element("SegmentLabel", label) for label in ("a", "b")]
    scanned = scan_bytes(with_elements(E.sequence("SegmentSequence", *labels)), columns=columns)
    assert (scanned.value("second"), scanned.value("eighth")) == ("b", None)
    assert scanned.value("Segment_SegmentLabel") == ["a", "b"]


PIXELS: list[tuple[int, str, bytes, str, int | None]] = [
    (0x7FE00010, "OW", E.element(0x7FE00010, bytes(8), "OW"), "PixelData", 8),
    (0x7FE00010, "OB", E.element(0x7FE00010, b"", "OB", UNDEFINED) + E.mark(ITEM), "PixelData", None),
    (0x7FE00008, "OF", E.element(0x7FE00008, bytes(8), "OF"), "FloatPixelData", 8),
    (0x7FE00009, "OD", E.element(0x7FE00009, bytes(8), "OD"), "DoubleFloatPixelData", 8),
]


@both_engines
@pytest.mark.parametrize(("tag", "vr", "element", "keyword", "length"), PIXELS)
def test_header_ends_at_pixel_data(scan_bytes: ScanBytes, tag: int, vr: str, element: bytes, keyword: str, length: int | None) -> None:
    """A header ends at pixel data at top level, past the offset tables before it and the pixel data of icons."""
    icon = E.sequence(
        "IconImageSequence",
        E.element(0x7FE00010, bytes(20), "OB"),
        E.element(0x7FE00010, b"", "OB", UNDEFINED) + E.mark(ITEM) + E.mark(ITEM, 4) + bytes(4) + E.mark(SEQUENCE_END),
    )
    tables = E.element(0x7FE00001, bytes(16), "OV") + E.element(0x7FE00002, bytes(16), "OV") + E.element(0x7FE00003, bytes(8), "UV")
    data_set = keys() + parents() + icon + tables
    data = part10(data_set + element + b"trailing that nobody reads")
    scanned = scan_bytes(data)
    assert scanned.codes() == set()
    assert (
        scanned.value("header_bytes")
        == len(part10(data_set))
        == data.index(struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode(), len(part10(data_set)))
    )
    assert scanned.value("pixel_data_keyword") == keyword
    assert scanned.value("pixel_data_length") == length
    assert scanned.value("pixel_data_offset") == len(part10(data_set)) + 12


@both_engines
def test_header_without_pixel_data(scan_bytes: ScanBytes) -> None:
    """A file without pixel data is header to its end."""
    data = with_elements()
    scanned = scan_bytes(data)
    assert scanned.value("header_bytes") == scanned.value("file_size") == len(data)
    assert (scanned.value("pixel_data_keyword"), scanned.value("pixel_data_offset")) == (None, None)


def test_large_unwanted_value_is_skipped(scan_bytes: ScanBytes) -> None:
    """A large value that nobody asked for is skipped by position; no byte is read twice, and pixels never."""
    large = E.element("EncapsulatedDocument", bytes(5_000_000), "OB")
    data = part10(
        keys()
        + parents()
        + large
        + E.element("MIMETypeOfEncapsulatedDocument", "application/pdf")
        + E.element("PixelData", bytes(100_000), "OW")
    )
    scanned = scan_bytes(data, reading=ReadingLimits(first_read=1024))
    assert scanned.value("MIMETypeOfEncapsulatedDocument") == "application/pdf"
    assert scanned.file["bytes_read"] < 8192
    assert scanned.file["requests"] <= 3


@both_engines
def test_window_grows_with_the_header(scan_bytes: ScanBytes) -> None:
    """A header larger than the first read is read in growing steps, each byte once."""
    comments = b"".join(E.element(0x00090000 | number, "x" * 100, "LO") for number in range(0x1000, 0x1400))
    data = part10(keys() + comments + parents() + E.element("PixelData", bytes(1_000_000), "OW"))
    scanned = scan_bytes(data, reading=ReadingLimits(first_read=256))
    header = scanned.value("header_bytes")
    assert scanned.value("PatientID") == "P1"
    assert header <= scanned.file["bytes_read"] <= 3 * header
    assert scanned.file["requests"] < 14


@both_engines
def test_group_lengths_are_passed(scan_bytes: ScanBytes) -> None:
    """Group lengths, right or wrong, mean nothing."""
    data_set = E.element(0x00080000, struct.pack("<L", 99999), "UL") + keys() + E.element(0x00100000, bytes(4), "UL") + parents()
    assert scan_bytes(part10(data_set)).codes() == set()


@both_engines
def test_sound_file(scan_bytes: ScanBytes) -> None:
    """Columns of `files` and `instances` that are about the file itself."""
    data = sound()
    scanned = scan_bytes(data)
    assert scanned.file["file_size"] == scanned.value("file_size") == len(data)
    assert scanned.file["header_digest"] == scanned.value("header_digest")
    assert (scanned.value("ProcedureCode_CodeValue"), scanned.value("InstanceNumber"), scanned.value("Rows")) == ("X1", 7, 2)
    assert scanned.value("sop_class_name") == "CT Image Storage"
    assert scanned.value("transfer_syntax_name") == "Explicit VR Little Endian"


@both_engines
def test_finding_of_a_private_element(scan_bytes: ScanBytes) -> None:
    """A finding of a private column names the tag that stands in the file."""
    column = user_column("(0019,xx0C)[SIEMENS MR HEADER]", name="b_value", vr="IS")
    data_set = keys() + E.element(0x00190011, "SIEMENS MR HEADER", "LO") + E.element(0x0019110C, "many", "IS") + parents()
    found = scan_bytes(part10(data_set), columns=[column]).finding("invalid-number")
    assert (found["tag"], found["element_path"], found["raw"]) == ("(0019,110C)", "(0019,110C)", "many")
