"""A header that pydicom read, as DICOM JSON (PS3.18 annex F) and as a tree to look at."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from typing import Any

from pydicom.dataelem import RawDataElement

from dicomlake.extract.header_tree import CREATOR_LIMIT, NODES_LIMIT, VALUE_LIMIT, HeaderNode, printable, shown_value
from dicomlake.extract.pydicom_engine.level import UNDEFINED_LENGTH, Level, raw_value, tag_text
from dicomlake.extract.pydicom_engine.values import NUMBER_VRS, TEXT_VRS, decoded, number_of, parts_of
from dicomlake.schema.dictionary import entry_of_tag

INLINE_LIMIT = 1024
"""Binary values of more bytes than this are told by offset and length."""

_ITEM = 0xFFFEE000
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def json_text(level: Level) -> str:
    """The data set as DICOM JSON. Group lengths are left out (PS3.18 F.2.2), large binary values told by ``BulkDataURI``.

    A value that can't be written as its VR has it, such as an IS that is not a number, is written as text.
    """
    return json.dumps(_json(level), ensure_ascii=False, separators=(",", ":"))


def _json(level: Level) -> dict[str, Any]:
    return {f"{tag:08X}": _json_element(level, tag) for tag in level.elements if tag & 0xFFFF and tag >> 16 not in (0, 2)}


def _json_element(level: Level, tag: int) -> dict[str, Any]:
    items = level.items(tag)
    if items is not None:
        return {"vr": "SQ", "Value": [_json(item) for item in items]}
    vr, value = level.vr(tag), raw_value(level.elements[tag])
    if vr not in TEXT_VRS and getattr(level.elements[tag], "length", 0) == UNDEFINED_LENGTH:
        return {"vr": vr}
    if vr not in TEXT_VRS and len(value) > INLINE_LIMIT:
        offset = f"offset={level.position(tag)}&" if level.in_file else ""
        return {"vr": vr, "BulkDataURI": f"?{offset}length={len(value)}"}
    if vr not in TEXT_VRS and vr not in NUMBER_VRS and vr != "AT":
        return {"vr": vr, "InlineBinary": base64.b64encode(value).decode("ascii")} if value else {"vr": vr}
    found = decoded(tag, vr, level, lambda _: None)
    if found is None:
        return {"vr": vr}
    parts = found if isinstance(found, list) else parts_of(found, vr) if vr in TEXT_VRS else [found]
    return {"vr": vr, "Value": [_json_value(part, vr) for part in parts]}


def _json_value(part: Any, vr: str) -> Any:  # noqa: ANN401
    if part == "":
        return None
    if isinstance(part, float) and not math.isfinite(part):
        return "NaN" if math.isnan(part) else str(part)
    if vr == "PN":
        return {name: group for name, group in zip(_NAME_GROUPS, part.split("="), strict=False) if group}
    if vr in ("IS", "DS"):
        number, _ = number_of(part, vr)
        return part if number is None else number
    return part


def nodes(level: Level, depth: int = 0) -> Iterator[HeaderNode]:
    """The nodes of a data set and of its items, in order."""
    for tag, element in level.elements.items():
        entry, creator, vr, items = entry_of_tag(tag), level.creator(tag), level.vr(tag), level.items(tag)
        length = element.length if isinstance(element, RawDataElement) else None
        is_short = vr in TEXT_VRS or (length or 0) <= INLINE_LIMIT
        shown = _shown(decoded(tag, vr, level, lambda _: None)) if items is None and is_short else None
        yield HeaderNode(
            tag=tag_text(tag),
            vr=printable(vr),
            keyword=entry.keyword if entry is not None else "",
            creator=printable(creator[:CREATOR_LIMIT]) if creator is not None else None,
            value=shown,
            length=None if length == UNDEFINED_LENGTH else length,
            byte_offset=level.position(tag) if level.in_file else None,
            depth=depth,
        )
        for index, item in enumerate(items or []):
            yield HeaderNode(tag_text(_ITEM), "", f"Item [{index}]", None, None, None, None, depth + 1)
            yield from nodes(item, depth + 2)


def first_nodes(*levels: Level) -> tuple[tuple[HeaderNode, ...], bool]:
    """The nodes that a tree holds, and whether they are all."""
    found = [node for level in levels for node, _ in zip(nodes(level), range(NODES_LIMIT + 1), strict=False)]
    return tuple(found[:NODES_LIMIT]), len(found) <= NODES_LIMIT


def _shown(value: Any) -> str:  # noqa: ANN401
    if value is None:
        return ""
    return shown_value(value if isinstance(value, str) else "\\".join(str(part) for part in value[:VALUE_LIMIT]))
