"""`header_json`: DICOM JSON (PS3.18 annex F), by hand and against pydicom's own writer."""

from __future__ import annotations

import json
import math
import struct
import warnings
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pydicom
import pytest

from tests.engine.builder import IMPLICIT, UID, UNDEFINED, E, Writer, keys, meta, parents, part10, with_elements
from tests.engine.conftest import ScanBytes, both_engines, scan

ELEMENTS: list[tuple[bytes, str, dict[str, Any]]] = [
    (E.element("PatientName", "A^B=C^D"), "00100010", {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Ideographic": "C^D"}]}),
    (E.element("PatientName", "==F"), "00100010", {"vr": "PN", "Value": [{"Phonetic": "F"}]}),
    (E.element("StudyDate", "20240229"), "00080020", {"vr": "DA", "Value": ["20240229"]}),
    (E.element("ImageType", "A\\\\B "), "00080008", {"vr": "CS", "Value": ["A", None, "B"]}),
    (E.element("PatientComments", "a\\b"), "00104000", {"vr": "LT", "Value": ["a\\b"]}),
    (E.element("InstanceNumber", " 7"), "00200013", {"vr": "IS", "Value": [7]}),
    (E.element("InstanceNumber", "x"), "00200013", {"vr": "IS", "Value": ["x"]}),
    (E.element("InstanceNumber", "7e2\\1e300"), "00200013", {"vr": "IS", "Value": [700, "1e300"]}),
    (E.element("PixelSpacing", "0.5\\1e1"), "00280030", {"vr": "DS", "Value": [0.5, 10.0]}),
    (E.element("Rows", struct.pack("<H", 5)), "00280010", {"vr": "US", "Value": [5]}),
    (E.element("DiffusionBValue", struct.pack("<dd", math.nan, -math.inf)), "00189087", {"vr": "FD", "Value": ["NaN", "-inf"]}),
    (E.element("FrameIncrementPointer", struct.pack("<HH", 0x18, 0x1063)), "00280009", {"vr": "AT", "Value": ["00181063"]}),
    (E.element("StudyID", ""), "00200010", {"vr": "SH"}),
    (E.element(0x00420011, b"abcd", "OB"), "00420011", {"vr": "OB", "InlineBinary": "YWJjZA=="}),
    (E.element(0x00191001, b"ab", "UN"), "00191001", {"vr": "UN", "InlineBinary": "YWI="}),
    (
        E.sequence("SegmentSequence", b"", E.element("SegmentLabel", "x")),
        "00620002",
        {"vr": "SQ", "Value": [{}, {"00620005": {"vr": "LO", "Value": ["x"]}}]},
    ),
    (E.sequence("SegmentSequence", defined=False), "00620002", {"vr": "SQ", "Value": []}),
]


@both_engines
@pytest.mark.parametrize(("element", "tag", "expected"), ELEMENTS)
def test_element(scan_bytes: ScanBytes, element: bytes, tag: str, expected: dict[str, Any]) -> None:
    """Each kind of element is written as annex F says."""
    written = json.loads(scan_bytes(with_elements(element), headers=True).value("header_json"))
    assert written[tag] == expected
    assert written["00080018"] == {"vr": "UI", "Value": [UID]}


@both_engines
def test_large_binary_is_told_by_its_place(scan_bytes: ScanBytes) -> None:
    """A binary value over 1 KiB is told by offset and length; a long text is written whole."""
    data = with_elements(E.element(0x00420011, b"z" * 5000, "OB"), E.element("PatientComments", "x" * 5000))
    written = json.loads(scan_bytes(data, headers=True).value("header_json"))
    assert written["00420011"] == {"vr": "OB", "BulkDataURI": f"?offset={data.index(b'zzzz')}&length=5000"}
    assert written["00104000"]["Value"] == ["x" * 5000]


@both_engines
def test_vr_of_a_large_value_goes_by_its_data_set(scan_bytes: ScanBytes) -> None:
    """A value that is only told by its place has the VR that it would have if it were read: `US or SS` by PixelRepresentation."""
    implicit = Writer(explicit=False)
    data_set = keys(implicit) + parents(implicit)
    data_set += implicit.element("PixelRepresentation", b"\1\0") + implicit.element("SmallestPixelValueInSeries", bytes(1026))
    written = json.loads(scan_bytes(part10(data_set, meta(IMPLICIT)), headers=True).value("header_json"))
    assert (written["00280108"]["vr"], "BulkDataURI" in written["00280108"]) == ("SS", True)


@both_engines
def test_only_where_asked(scan_bytes: ScanBytes) -> None:
    """Unless asked for it is null."""
    assert scan_bytes(with_elements()).value("header_json") is None


@both_engines
def test_what_is_left_out(scan_bytes: ScanBytes) -> None:
    """Group lengths, group 2 and pixel data are left out."""
    data = with_elements(E.element(0x00080000, bytes(4), "UL"), E.element("PixelData", b"", "OB", UNDEFINED))
    written = json.loads(scan_bytes(data, headers=True).value("header_json"))
    assert not {tag for tag in written if tag.endswith("0000") or tag.startswith(("0002", "7FE0"))}


def test_header_cut_short_is_valid_json(scan_bytes: ScanBytes) -> None:
    """Of a header cut short inside a sequence the JSON is whole."""
    cut = part10(with_elements()[132:] + E.sequence("SegmentSequence", E.element("SegmentLabel", "abcd")))[:-2]
    scanned = scan_bytes(part10(b"", cut[132:]), headers=True)
    assert scanned.file["code"] == "truncated"
    assert json.loads(scanned.value("header_json"))["00620002"] == {"vr": "SQ", "Value": [{}]}


@both_engines
@pytest.mark.usefixtures("engine", "lenient_pydicom")
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_real_files_against_pydicom(real_files_folder: Path) -> None:
    """Of each real file that pydicom can write as JSON, ours holds the same, large binary values aside."""
    paths = sorted(str(path) for path in real_files_folder.glob("pydicom+pydicom*/**/*") if path.is_file())[::2]
    compared = 0
    scanned = scan(paths, headers=True)
    whole = scanned.files.filter(pc.is_null(scanned.files["code"]))["url"]
    for row in scanned.instances.filter(pc.is_in(scanned.instances["url"], whole)).select(["url", "header_json"]).to_pylist():
        written = json.loads(row["header_json"])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = json.loads(pydicom.dcmread(row["url"], stop_before_pixels=True, force=True).to_json())
        except Exception:  # noqa: BLE001, S112 - pydicom raises whatever its parts raise
            continue
        compared += 1
        assert _alike(written, expected) == _alike(expected, written), row["url"]
    assert compared > 50


def _alike(value: Any, other: Any) -> Any:
    """A JSON value without what the two tell in different ways: large binaries, empty values, padding, group lengths."""
    if isinstance(value, dict):
        other = other if isinstance(other, dict) else {}
        if "BulkDataURI" in value or "BulkDataURI" in other:
            return "large"
        return {key: _alike(value[key], other.get(key)) for key in value if not key.endswith("0000") and value[key] not in ([], None)}
    if isinstance(value, list):
        others = other if isinstance(other, list) and len(other) == len(value) else [None] * len(value)
        return [_alike(one, another) for one, another in zip(value, others, strict=True)]
    return (value.strip() or None) if isinstance(value, str) else value
