"""Sequences: right ones however they stand, and wrong ones that must cost little (PS3.5 7.5)."""

from __future__ import annotations

import pytest

from dicomlake.limits import ReadingLimits
from tests.engine.builder import BIG_ENDIAN, ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, E, Writer, keys, meta, parents, part10, with_elements
from tests.engine.conftest import ScanBytes, both_engines

IMPLICIT_WRITER = Writer(explicit=False)
UN_SEQUENCE = E.element("SegmentSequence", b"", "UN", UNDEFINED)
IMPLICIT_ITEM = IMPLICIT_WRITER.item(IMPLICIT_WRITER.element("SegmentLabel", "liver"))
EXPLICIT_ITEM = E.item(E.element("SegmentLabel", "liver"))


WITHOUT_NUMBER = {"repeated-number"}
"""The segments of these files have no number, which is a finding of its own."""


@both_engines
@pytest.mark.parametrize(
    "sequence",
    [
        UN_SEQUENCE + IMPLICIT_ITEM + E.mark(SEQUENCE_END),
        UN_SEQUENCE + EXPLICIT_ITEM + E.mark(SEQUENCE_END),
        E.element("SegmentSequence", IMPLICIT_ITEM, "UN"),
        E.element("SegmentSequence", EXPLICIT_ITEM, "UN"),
        E.element("SegmentSequence", IMPLICIT_ITEM, "SQ"),
        E.sequence("SegmentSequence", E.element("SegmentLabel", "liver"), defined=False),
        E.element("SegmentSequence", b"", "SQ", UNDEFINED) + EXPLICIT_ITEM + E.mark(SEQUENCE_END),
    ],
)
def test_sequences_however_they_stand(scan_bytes: ScanBytes, sequence: bytes) -> None:
    """Sequences as UN, in implicit VR inside explicit VR, of defined and undefined length, are the same sequence."""
    scanned = scan_bytes(with_elements(sequence, E.element("SegmentationType", "BINARY")))
    assert scanned.value("Segment_SegmentLabel") == ["liver"]
    assert scanned.value("SegmentationType") == "BINARY"
    assert scanned.codes() - WITHOUT_NUMBER == set()


def test_un_in_little_endian_inside_big_endian(scan_bytes: ScanBytes) -> None:
    """UN holds implicit VR little endian even in a big endian data set (PS3.5 6.2.2 note 2)."""
    big = Writer(little=False)
    sequence = big.element("SegmentSequence", b"", "UN", UNDEFINED) + IMPLICIT_ITEM + E.mark(SEQUENCE_END)
    scanned = scan_bytes(part10(keys(big) + parents(big) + sequence, meta(BIG_ENDIAN)))
    assert scanned.value("Segment_SegmentLabel") == ["liver"]


ITEM_LABEL = E.element("SegmentLabel", "liver")
AFTER = E.element("StructureSetLabel", "after")


def test_recovery_never_goes_back(scan_bytes: ScanBytes) -> None:
    """What is nested too deep may go on past the end that a sequence around it said: what was passed is not read again."""
    opened = E.element("ReferencedSeriesSequence", b"", "SQ", UNDEFINED) + E.mark(ITEM, UNDEFINED)
    without_item = E.element("ReferencedSeriesSequence", b"", "SQ", UNDEFINED) + E.element("PatientID", "P1")
    content = E.mark(ITEM, UNDEFINED) + opened * 300 + without_item
    sequence = E.element("SegmentSequence", content, "SQ", 8 + 260 * len(opened))
    data = part10(keys() + sequence + parents())
    scanned = [scan_bytes(data, reading=ReadingLimits(first_read=first_read)) for first_read in (256, 1 << 20)]
    for one in scanned:
        assert one.file["code"] == "nesting-too-deep"
        assert one.value("header_digest") == scanned[0].value("header_digest")
        assert one.codes() - WITHOUT_NUMBER == {"nesting-too-deep", "missing-required"}


BROKEN: dict[str, tuple[bytes, str]] = {
    "item delimitation missing": (
        E.element("SegmentSequence", b"", "SQ", UNDEFINED) + E.mark(ITEM, UNDEFINED) + ITEM_LABEL + E.mark(SEQUENCE_END),
        "out-of-order",
    ),
    "sequence delimitation missing": (
        E.element("SegmentSequence", b"", "SQ", UNDEFINED) + E.mark(ITEM, len(ITEM_LABEL)) + ITEM_LABEL,
        "corrupt-element",
    ),
    "delimitation after a defined item": (
        E.element("SegmentSequence", b"", "SQ", UNDEFINED) + E.item(ITEM_LABEL) + E.mark(ITEM_END) + E.mark(SEQUENCE_END),
        "out-of-order",
    ),
    "item longer than its sequence": (
        E.element("SegmentSequence", E.mark(ITEM, len(ITEM_LABEL) + 50) + ITEM_LABEL, "SQ"),
        "corrupt-element",
    ),
    "value longer than its item": (
        E.sequence("SegmentSequence", ITEM_LABEL + E.element("SegmentDescription", "x", "LT", length=500)),
        "corrupt-element",
    ),
    "bytes left over in an item": (E.sequence("SegmentSequence", ITEM_LABEL + b"\1\2\3\4"), "corrupt-element"),
    "garbage where an item should be": (
        E.element("SegmentSequence", E.item(ITEM_LABEL) + b"garbage garbage.", "SQ"),
        "corrupt-element",
    ),
    "stray item": (E.sequence("SegmentSequence", ITEM_LABEL) + E.item(E.element("PatientID", "NOT ME")), "out-of-order"),
    "stray item of undefined length": (
        E.sequence("SegmentSequence", ITEM_LABEL) + E.item(E.element("PatientID", "NOT ME"), defined=False) + E.mark(SEQUENCE_END),
        "out-of-order",
    ),
    "stray delimitations": (
        E.sequence("SegmentSequence", ITEM_LABEL) + E.mark(ITEM_END) + E.mark(SEQUENCE_END),
        "out-of-order",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_sequence_costs_little(scan_bytes: ScanBytes, name: str) -> None:
    """What is wrong in or near a sequence is told, and everything around it is read."""
    sequence, code = BROKEN[name]
    scanned = scan_bytes(part10(keys() + parents() + sequence + AFTER))
    assert scanned.value("Segment_SegmentLabel") == ["liver"]
    assert scanned.value("StructureSetLabel") == "after"
    assert scanned.value("PatientID") == "P1"
    assert scanned.codes() - WITHOUT_NUMBER == {code}
    assert scanned.file["code"] == (code if code == "corrupt-element" else None)


def test_path_to_a_defect(scan_bytes: ScanBytes) -> None:
    """The path to where reading stopped being right counts items from 0."""
    whole = E.element("SeriesInstanceUID", "1.2.3")
    cut = part10(keys() + E.sequence("ReferencedSeriesSequence", whole, whole, whole))[:-4]
    scanned = scan_bytes(cut)
    assert scanned.file["element_path"] == "ReferencedSeriesSequence[2].SeriesInstanceUID"
    assert cut[scanned.file["byte_offset"] :].startswith(whole[:8])


@pytest.mark.parametrize(
    ("element", "path"),
    [
        (E.element("ProcedureCodeSequence", "no items", "LO"), "ProcedureCodeSequence"),
        (E.sequence("StudyDescription", E.element("CodeValue", "X")), "StudyDescription"),
        (E.element("StudyDescription", b"", "UT", UNDEFINED) + E.mark(ITEM, 4) + b"text" + E.mark(SEQUENCE_END), "StudyDescription"),
    ],
)
def test_items_and_values_in_each_others_place(scan_bytes: ScanBytes, element: bytes, path: str) -> None:
    """Items where a value belongs, and a value where items belong, are null and a finding."""
    data = part10(keys() + element + parents())
    scanned = scan_bytes(data)
    found = scanned.finding("wrong-vr")
    assert found["element_path"] == path
    assert 8 <= found["byte_offset"] - data.index(element) <= 12
    assert (scanned.value("StudyDescription"), scanned.value("ProcedureCode_CodeValue"), scanned.value("PatientID")) == (None, None, "P1")


@pytest.mark.parametrize("ending", [b"", E.mark(0xFFFEE00D)])
def test_file_that_ends_between_elements_of_an_open_sequence_is_cut_short(scan_bytes: ScanBytes, ending: bytes) -> None:
    """Where a sequence and its item said no length and the file ends before their delimitations, it was cut, at whatever element."""
    opened = E.element("SegmentSequence", b"", "SQ", UNDEFINED) + E.mark(ITEM, UNDEFINED)
    scanned = scan_bytes(part10(keys() + parents() + opened + E.element("SegmentLabel", "liver") + ending))
    assert (scanned.file["status"], scanned.file["code"]) == ("indexed", "truncated")
    assert scanned.value("Segment_SegmentLabel") == ["liver"]
