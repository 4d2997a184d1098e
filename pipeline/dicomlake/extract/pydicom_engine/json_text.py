"""`header_json`: the whole data set as DICOM JSON (PS3.18 annex F), written while the walk passes it.

Group lengths are left out (PS3.18 F.2.2), as are group 2 and pixel data. Of binary values over 1 KiB only the place is told, as
``"BulkDataURI": "?offset=O&length=N"``: relative to the file's own url, and without offset where it was inflated. What can't be written
as its VR has it, such as an IS that is no number, is written as the text that it is.
"""

# ruff: noqa: ARG002 - a Recorder is told more than each of its kinds needs

from __future__ import annotations

import base64
import json
import math

from dicomlake.extract.pydicom_engine.columns import NUMBER_FORMATS, TEXT_VRS, UNDIVIDED_VRS, UNTRIMMED_AHEAD_VRS
from dicomlake.extract.pydicom_engine.element import KNOWN_VRS
from dicomlake.extract.pydicom_engine.gathered import RawValue
from dicomlake.extract.pydicom_engine.levels import DataSet, SequenceOfItems
from dicomlake.extract.pydicom_engine.parsing import parse_decimal, parse_integer
from dicomlake.extract.pydicom_engine.values import Component, components, vr_of
from dicomlake.schema.dictionary import entry_of_tag, private_vr

INLINE_LIMIT = 1024
"""Binary values of more bytes than this are told by offset and length."""

_META_GROUP = 2
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_SPECIAL_FLOATS = {"nan": "NaN", "inf": "inf", "-inf": "-inf"}


class JsonRecorder:
    """Writes the JSON of a data set; see ``Recorder``.

    A tag that comes twice in a data set stands twice; readers of JSON keep the last one, as the columns do.
    """

    def __init__(self) -> None:
        self._parts: list[str] = ["{"]
        self._first = True

    def text(self) -> str:
        """The JSON text of what was passed so far, which is whole once the walk has ended."""
        return "".join([*self._parts, "}"])

    def wants(self, data_set: DataSet, tag: int, vr: bytes | None, length: int) -> bool:
        """Texts are wanted whole, other values up to the limit."""
        return length <= INLINE_LIMIT or dictionary_vr(data_set, tag, vr) in TEXT_VRS

    def leaf(self, data_set: DataSet, tag: int, vr: bytes | None, position: int | None, length: int | None, value: bytes | None) -> None:
        """Write an element."""
        if tag & 0xFFFF == 0 or tag >> 16 == _META_GROUP:
            return
        name = dictionary_vr(data_set, tag, vr)
        raw = RawValue(tag, vr, value or b"", position, data_set)
        name = vr_of(raw, name)
        if value is None:
            written = _bulk_data(position, length)
        elif name in TEXT_VRS or name in NUMBER_FORMATS or name == "AT":
            written = _values(raw, name)
        else:
            written = f'"InlineBinary":"{base64.b64encode(value).decode("ascii")}"' if value else ""
        self._begin_member(tag)
        self._parts.append(f'{{"vr":"{name}"{"," if written else ""}{written}}}')

    def begin_sequence(self, sequence: SequenceOfItems, vr: bytes | None, position: int | None, length: int) -> None:
        """Write the beginning of a sequence."""
        self._begin_member(sequence.tag)
        self._parts.append('{"vr":"SQ","Value":[')
        self._first = True

    def end_sequence(self, sequence: SequenceOfItems) -> None:
        """Write its end."""
        self._parts.append("]}")
        self._first = False

    def begin_item(self, item: DataSet, position: int | None, length: int) -> None:
        """Write the beginning of an item."""
        self._parts.append("{" if self._first else ",{")
        self._first = True

    def end_item(self, item: DataSet) -> None:
        """Write its end."""
        self._parts.append("}")
        self._first = False

    def _begin_member(self, tag: int) -> None:
        self._parts.append(f'{"" if self._first else ","}"{tag:08X}":')
        self._first = False


def dictionary_vr(data_set: DataSet, tag: int, vr: bytes | None) -> str:
    """The VR of an element: the file's, else the dictionary's (of private ones by creator), else UN."""
    if vr is not None and vr in KNOWN_VRS and vr != b"UN":
        return vr.decode("ascii")
    if tag & 0x10000:
        if 0x10 <= tag & 0xFFFF <= 0xFF:
            return "LO"
        creator = (data_set.creators or {}).get(tag >> 16 << 8 | (tag >> 8 & 0xFF))
        return (creator is not None and private_vr(creator, tag >> 16, tag & 0xFF)) or "UN"
    entry = entry_of_tag(tag)
    return entry.vr if entry is not None else "UN"


def _bulk_data(position: int | None, length: int | None) -> str:
    if length is None:
        return ""
    offset = "" if position is None else f"offset={position}&"  # bytes that were inflated have no place in the file
    return f'"BulkDataURI":"?{offset}length={length}"'


def _values(raw: RawValue, vr: str) -> str:
    decoded = components(raw, vr, lambda _: None)
    if decoded is None or decoded == "":
        return ""
    if isinstance(decoded, list):
        parts: list[Component] = decoded
    elif vr in UNDIVIDED_VRS:
        parts = [decoded]
    else:
        strip = str.rstrip if vr in UNTRIMMED_AHEAD_VRS else str.strip
        parts = [strip(part, " \0") for part in decoded.split("\\")]
    return f'"Value":[{",".join(_value(part, vr) for part in parts)}]'


def _value(part: Component, vr: str) -> str:
    if part == "":
        return "null"
    if isinstance(part, float) and not math.isfinite(part):
        return json.dumps(_SPECIAL_FLOATS[str(part)])
    if not isinstance(part, str):
        return json.dumps(part)
    if vr == "PN":
        groups = zip(_NAME_GROUPS, part.split("="), strict=False)
        return json.dumps({name: group for name, group in groups if group}, ensure_ascii=False)
    if vr in ("IS", "DS"):
        number = parse_integer(part)[0] if vr == "IS" else parse_decimal(part)[0]
        if number is not None:
            return json.dumps(number)
    return json.dumps(part, ensure_ascii=False)
