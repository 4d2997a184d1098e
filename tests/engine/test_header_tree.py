"""The header tree that `inspect` shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomlake.api import header_tree
from dicomlake.extract.header_tree import NODES_LIMIT, HeaderNode, HeaderTree, printable
from tests.engine.builder import ITEM, E, keys, parents, part10, with_elements


def _tree(tmp_path: Path, data: bytes) -> HeaderTree:
    """The tree of a file of these bytes."""
    path = tmp_path / "file"
    path.write_bytes(data)
    return header_tree(path, engine="native")


@pytest.mark.long
def test_trees_of_real_files(real_files_folder: Path) -> None:
    """Of each real file that pydicom reads whole, both engines make the same nodes, lengths and places of items aside.

    Files with an element out of order are left out: of one that comes twice pydicom keeps the last.
    """
    compared = 0
    for path in sorted(real_files_folder.rglob("*.dcm")):
        native, pydicom = (header_tree(path, engine=engine) for engine in ("native", "pydicom"))
        is_in_order = not any("out-of-order" in node.codes for node in native.nodes)
        if pydicom.code is None and is_in_order and "_meta_0010_vr_" not in path.name:
            compared += 1
            assert [_shown(node) for node in native.nodes] == [_shown(node) for node in pydicom.nodes], path
            assert (native.transfer_syntax, native.pixel_data) == (pydicom.transfer_syntax, pydicom.pixel_data)
    assert compared > 500


def _shown(node: HeaderNode) -> tuple[object, ...]:
    place = node.byte_offset if node.vr else None
    return (node.tag, node.vr, node.keyword, node.creator, node.depth, place)


def test_nodes(tmp_path: Path) -> None:
    """Elements, sequences and items come in order, each with its depth, place and value; group 2 too."""
    private = E.element(0x00190010, "ACME", "LO") + E.element(0x00191001, "secret", "LO")
    data = part10(keys() + private + parents() + E.sequence("SegmentSequence", E.element("SegmentLabel", "liver")))
    tree = _tree(tmp_path, data)
    by_keyword = {node.keyword: node for node in tree.nodes}
    assert (tree.code, tree.complete, tree.pixel_data) == (None, True, None)
    assert by_keyword["TransferSyntaxUID"].value == tree.transfer_syntax
    label = by_keyword["SegmentLabel"]
    assert (label.tag, label.vr, label.value, label.length, label.depth) == ("(0062,0005)", "LO", "liver", 6, 2)
    assert label.byte_offset is not None
    assert data[label.byte_offset :].startswith(b"liver")
    assert [node.depth for node in tree.nodes[-3:]] == [0, 1, 2]
    assert [node.creator for node in tree.nodes if node.tag == "(0019,1001)"] == ["ACME"]


def test_defects_are_marked_where_they_are(tmp_path: Path) -> None:
    """A finding marks its element; a defect of the file is told of the tree."""
    item = E.element("SegmentLabel", b"\xff\xff")
    tree = _tree(tmp_path, with_elements(E.element("StudyDate", "x"), E.sequence("SegmentSequence", item, item)) + b"\x64\0\1")
    marked = [(node.keyword, node.codes) for node in tree.nodes if node.codes]
    assert marked == [("StudyDate", ("invalid-date",))] + [("SegmentLabel", ("undeclared-character-set",))] * 2
    assert tree.code == "truncated"
    assert "missing-required" in _tree(tmp_path, part10(keys())).file_codes


def test_values_are_safe_for_a_terminal(tmp_path: Path) -> None:
    """What does not print is escaped, and long values are cut."""
    name = "\x1b[2J\u202eevil\x07".encode() + b"x" * 5000
    tree = _tree(tmp_path, with_elements(E.element("SpecificCharacterSet", "ISO_IR 192"), E.element("PatientName", name[:60])))
    (shown,) = [node.value for node in tree.nodes if node.keyword == "PatientName"]
    assert shown is not None
    assert shown.isprintable()
    assert shown.startswith("�2J\\u202eevil\\x07xxx")
    assert printable("a\U000e0041\nb") == "a\\U000e0041\\x0ab"


def test_it_is_bounded(tmp_path: Path) -> None:
    """However much a file holds, a tree holds so many nodes."""
    tree = _tree(tmp_path, part10(keys() + E.element("SegmentSequence", E.mark(ITEM) * (NODES_LIMIT + 10), "SQ") + parents()))
    assert len(tree.nodes) == NODES_LIMIT
    assert not tree.complete


def test_file_that_is_none(tmp_path: Path) -> None:
    """A file that can't be read is a tree without nodes, with its code."""
    assert header_tree(str(tmp_path / "nowhere")).code == "unreadable"
    assert _tree(tmp_path, b"text").code == "not-dicom"
