"""Columns that gather over items (`[*]`): all values of all items, in the order of the file, and no finding that blames it."""

from __future__ import annotations

import struct

import pytest

from dicomlake.schema.columns import GATHERED_TEXTS, standard_columns, user_column
from tests.engine.builder import E, with_elements
from tests.engine.conftest import ScanBytes, both_engines


def _frame(*position: str) -> bytes:
    return E.sequence("PlanePositionSequence", E.element("ImagePositionPatient", "\\".join(position))) if position else b""


@both_engines
def test_all_values_of_each_item_are_kept(scan_bytes: ScanBytes) -> None:
    """Several values of an item are one text, with backslashes, of texts and of numbers alike."""
    columns = [
        user_column(path, name=name, type_name=GATHERED_TEXTS)
        for name, path in {
            "positions": "PerFrameFunctionalGroupsSequence[*].PlanePositionSequence[0].ImagePositionPatient",
            "vectors": "PerFrameFunctionalGroupsSequence[*].FrameContentSequence[0].DimensionIndexValues",
        }.items()
    ]
    indices = E.sequence("FrameContentSequence", E.element("DimensionIndexValues", struct.pack("<2L", 7, 70_000)))
    frames = E.sequence("PerFrameFunctionalGroupsSequence", indices + _frame("1.5", "2", "-3"), _frame(), _frame("4", "", "6"))
    scanned = scan_bytes(with_elements(frames), columns=columns)
    assert scanned.value("positions") == ["1.5\\2\\-3", None, "4\\\\6"]
    assert scanned.value("vectors") == ["7\\70000", None, None]
    assert scanned.codes() == set()


@both_engines
@pytest.mark.parametrize("defined", [True, False])
def test_lists_of_several_steps_are_joined(scan_bytes: ScanBytes, *, defined: bool) -> None:
    """An entry for each of the innermost items, in the order of the file; an item around without such items adds none."""
    columns = [
        user_column("ReferencedSeriesSequence[*].ReferencedInstanceSequence[*].ReferencedSOPInstanceUID", name="references"),
        user_column(
            "ReferencedSeriesSequence[*].ReferencedInstanceSequence[*].PurposeOfReferenceCodeSequence[0].CodeValue", name="purposes"
        ),
        user_column("ReferencedSeriesSequence[1].ReferencedInstanceSequence[*].ReferencedSOPInstanceUID", name="second"),
    ]

    def instance(uid: str) -> bytes:
        return E.element("ReferencedSOPInstanceUID", uid) if uid else E.element("ReferencedSOPClassUID", "1.2")

    def series(*uids: str) -> bytes:
        return E.sequence("ReferencedInstanceSequence", *map(instance, uids), defined=defined)

    items = [series("1.1", "1.2"), series("2.1"), b"", series(), series("5.1", "", "5.3")]
    scanned = scan_bytes(with_elements(E.sequence("ReferencedSeriesSequence", *items, defined=defined)), columns=columns)
    assert scanned.value("references") == ["1.1", "1.2", "2.1", "5.1", None, "5.3"]
    assert scanned.value("purposes") == [None] * 6
    assert scanned.value("second") == ["2.1"]
    assert scanned.codes() == set()


@both_engines
@pytest.mark.parametrize("items", [(), (b"",), (E.sequence("ReferencedInstanceSequence"),)])
def test_nothing_to_gather_is_null(scan_bytes: ScanBytes, items: tuple[bytes, ...]) -> None:
    """Without any innermost item there is no list."""
    column = user_column("ReferencedSeriesSequence[*].ReferencedInstanceSequence[*].ReferencedSOPInstanceUID", name="references")
    assert scan_bytes(with_elements(E.sequence("ReferencedSeriesSequence", *items)), columns=[column]).value("references") is None


def test_standard_columns_have_room_for_all_values() -> None:
    """No standard column that gathers leaves values of an item out."""
    gathering = [column for column in standard_columns() if column.path.gathers]
    assert len(gathering) == 9
    assert all(column.vm == "1" or column.type == GATHERED_TEXTS for column in gathering)
