"""The header tree of one file: what `inspect` shows, told by a walk that records everything."""

# ruff: noqa: ARG002 - a Recorder is told more than each of its kinds needs

from __future__ import annotations

from typing import Any

from dicomlake.extract.header_tree import (
    CREATOR_LIMIT,
    NODES_LIMIT,
    VALUE_LIMIT,
    HeaderNode,
    HeaderTree,
    Mark,
    codes_of_file,
    marked,
    printable,
    shown_value,
)
from dicomlake.extract.pydicom_engine.columns import ReadColumn
from dicomlake.extract.pydicom_engine.element import ITEM, UNDEFINED_LENGTH
from dicomlake.extract.pydicom_engine.findings import FILE_LIMIT
from dicomlake.extract.pydicom_engine.gathered import RawValue
from dicomlake.extract.pydicom_engine.json_text import dictionary_vr
from dicomlake.extract.pydicom_engine.levels import DataSet, SequenceOfItems, tag_text
from dicomlake.extract.pydicom_engine.reading import HeaderReader
from dicomlake.extract.pydicom_engine.rows import header_row
from dicomlake.extract.pydicom_engine.values import components, vr_of
from dicomlake.schema import LakeSchema
from dicomlake.schema.dictionary import entry_of_tag

_READ_LIMIT = 1024


def read_tree(url: str, reader: HeaderReader, schema: LakeSchema) -> HeaderTree:
    """Read the whole header of one file; one that can't be read is a tree without nodes, with its code."""
    recorder = _TreeRecorder()
    header = reader.read(url, None, recorder)
    findings = list(header.found.findings)
    if header.recognised:
        header_row([ReadColumn.of(column, schema.partition_by) for column in schema.columns], header, findings)
    marks = [Mark(finding.level, finding.code, finding.tag, finding.byte_offset) for finding in findings[:FILE_LIMIT]]
    defect = header.found.defect
    return HeaderTree(
        url=url,
        nodes=marked(recorder.nodes, marks),
        complete=recorder.complete,
        transfer_syntax=header.syntax.uid if header.syntax is not None else None,
        pixel_data=header.pixel_data.keyword if header.pixel_data is not None else None,
        code=defect.code if defect is not None else None,
        message=defect.message if defect is not None else None,
        byte_offset=defect.byte_offset if defect is not None else None,
        element_path=printable(defect.element_path) if defect is not None and defect.element_path else None,
        file_codes=codes_of_file(marks),
    )


class _TreeRecorder:
    """Makes a node of everything that the walk passes, up to a bound; see ``Recorder``."""

    def __init__(self) -> None:
        self.nodes: list[HeaderNode] = []
        self.complete = True

    def wants(self, data_set: DataSet, tag: int, vr: bytes | None, length: int) -> bool:
        return length <= _READ_LIMIT and self.complete

    def leaf(self, data_set: DataSet, tag: int, vr: bytes | None, position: int | None, length: int | None, value: bytes | None) -> None:
        name = dictionary_vr(data_set, tag, vr)
        shown: str | None = None
        if value is not None:
            raw = RawValue(tag, vr, value, position, data_set)
            name = vr_of(raw, name)
            shown = _shown(components(raw, name, lambda _: None))
        self._add(data_set, tag, name, shown, length, position)

    def begin_sequence(self, sequence: SequenceOfItems, vr: bytes | None, position: int | None, length: int) -> None:
        self._add(sequence.parent, sequence.tag, "SQ", None, _length(length), position)

    def end_sequence(self, sequence: SequenceOfItems) -> None:
        """Nothing to do: depth tells where a node belongs."""

    def begin_item(self, item: DataSet, position: int | None, length: int) -> None:
        node = HeaderNode(tag_text(ITEM), "", f"Item [{item.index}]", None, None, _length(length), position, 2 * item.depth - 1)
        self._append(node)

    def end_item(self, item: DataSet) -> None:
        """Nothing to do: depth tells where a node belongs."""

    def _add(self, data_set: DataSet, tag: int, vr: str, value: str | None, length: int | None, position: int | None) -> None:
        entry = entry_of_tag(tag)
        creator = (data_set.creators or {}).get(tag >> 16 << 8 | (tag >> 8 & 0xFF)) if tag & 0x10000 else None
        keyword = entry.keyword if entry is not None else ""
        shown = printable(creator[:CREATOR_LIMIT]) if creator is not None else None
        self._append(HeaderNode(tag_text(tag), printable(vr), keyword, shown, value, length, position, 2 * data_set.depth))

    def _append(self, node: HeaderNode) -> None:
        if len(self.nodes) < NODES_LIMIT:
            self.nodes.append(node)
        else:
            self.complete = False


def _length(length: int) -> int | None:
    return None if length == UNDEFINED_LENGTH else length


def _shown(decoded: list[Any] | str | None) -> str:
    if decoded is None:
        return ""
    return shown_value(decoded if isinstance(decoded, str) else "\\".join(str(part) for part in decoded[:VALUE_LIMIT]))
