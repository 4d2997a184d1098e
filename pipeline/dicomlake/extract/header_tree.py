"""One file's whole header as a tree to look at: what `dicomlake inspect` shows.

Texts of nodes come from the file and are made safe for a terminal here: control characters, bidirectional marks and other characters
that don't print are escaped. Everything is bounded, whatever the file holds.
"""

# ruff: noqa: ARG002 - a Recorder is told more than each of its kinds needs

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.pydicom_engine.columns import ReadColumn
from dicomlake.extract.pydicom_engine.element import ITEM
from dicomlake.extract.pydicom_engine.engine import header_reader
from dicomlake.extract.pydicom_engine.findings import Finding
from dicomlake.extract.pydicom_engine.gathered import RawValue
from dicomlake.extract.pydicom_engine.json_text import dictionary_vr
from dicomlake.extract.pydicom_engine.levels import DataSet, SequenceOfItems, tag_text
from dicomlake.extract.pydicom_engine.rows import header_row
from dicomlake.extract.pydicom_engine.values import components, vr_of
from dicomlake.limits import ReadingLimits
from dicomlake.schema import LakeSchema
from dicomlake.schema.dictionary import entry_of_tag

NODES_LIMIT = 20_000
"""The most nodes that a tree holds."""

VALUE_LIMIT = 256
"""The most characters of a value that a node shows."""

_READ_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class HeaderNode:
    """An element, a sequence, or an item of the sequence before it.

    ``depth`` counts from 0 at top level; ``byte_offset`` is that of the value in the file, None in a deflated data set; ``length`` is in
    bytes, None when undefined; ``value`` is None where it was not read, and shortened (with an ellipsis) where it is long; ``codes`` are
    the finding codes that this element raised.
    """

    tag: str
    vr: str
    keyword: str
    creator: str | None
    value: str | None
    length: int | None
    byte_offset: int | None
    depth: int
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderTree:
    """The header of one file.

    ``code``, ``message``, ``byte_offset`` and ``element_path`` are as in the table `files`: set where the file is no DICOM file, or could
    not be read to the end of its header. ``file_codes`` are the findings that belong to no element. ``complete`` is False where there are
    more nodes than a tree holds. ``pixel_data`` is the keyword of the element that ended the header.
    """

    url: str
    nodes: tuple[HeaderNode, ...]
    complete: bool
    transfer_syntax: str | None
    pixel_data: str | None
    code: str | None
    message: str | None
    byte_offset: int | None
    element_path: str | None
    file_codes: tuple[str, ...]


def header_tree(
    url: str, storage_options: Mapping[str, Any] | None = None, reading: ReadingLimits | None = None, schema: LakeSchema | None = None
) -> HeaderTree:
    """Read the whole header of one file.

    Args:
        url: as in the column `url` of `files`.
        storage_options: for urls that are not local.
        reading: how far to read.
        schema: the columns whose values are checked; the standard ones unless given.

    Returns:
        The tree; a file that can't be read is one without nodes, with its code.
    """
    schema = schema or LakeSchema.build()
    request = ScanRequest(schema, reading or ReadingLimits(), storage_options=storage_options or {})
    recorder = _TreeRecorder()
    header = header_reader(request).read(url, None, recorder)
    findings = list(header.found.findings)
    if header.recognised:
        header_row([ReadColumn.of(column, schema.partition_by) for column in schema.columns], header, findings)
    defect = header.found.defect
    return HeaderTree(
        url=url,
        nodes=_marked(recorder.nodes, findings),
        complete=recorder.complete,
        transfer_syntax=header.syntax.uid if header.syntax is not None else None,
        pixel_data=header.pixel_data.keyword if header.pixel_data is not None else None,
        code=defect.code if defect is not None else None,
        message=defect.message if defect is not None else None,
        byte_offset=defect.byte_offset if defect is not None else None,
        element_path=printable(defect.element_path) if defect is not None and defect.element_path else None,
        file_codes=tuple(dict.fromkeys(finding.code for finding in findings if finding.level == "file" or finding.byte_offset is None)),
    )


def printable(text: str) -> str:
    r"""A text that a terminal shows as it is: what does not print is written ``\xHH``, ``\uHHHH`` or ``\UHHHHHHHH``."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


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
        shown = printable(creator) if creator is not None else None
        self._append(HeaderNode(tag_text(tag), printable(vr), keyword, shown, value, length, position, 2 * data_set.depth))

    def _append(self, node: HeaderNode) -> None:
        if len(self.nodes) < NODES_LIMIT:
            self.nodes.append(node)
        else:
            self.complete = False


def _length(length: int) -> int | None:
    return None if length == 0xFFFFFFFF else length


def _shown(decoded: list[Any] | str | None) -> str:
    if decoded is None:
        return ""
    text = decoded if isinstance(decoded, str) else "\\".join(str(part) for part in decoded[:VALUE_LIMIT])
    shown = printable(text[: VALUE_LIMIT + 1])
    return shown if len(shown) <= VALUE_LIMIT else shown[:VALUE_LIMIT] + "…"


def _marked(nodes: list[HeaderNode], findings: list[Finding]) -> tuple[HeaderNode, ...]:
    """The nodes with the codes of the findings at their place."""
    codes: dict[tuple[int | None, str | None], list[str]] = {}
    for finding in findings:
        if finding.level == "value" and finding.byte_offset is not None:
            codes.setdefault((finding.byte_offset, finding.tag), []).append(finding.code)
    return tuple(
        replace(node, codes=tuple(dict.fromkeys(found))) if (found := codes.get((node.byte_offset, node.tag))) else node for node in nodes
    )
