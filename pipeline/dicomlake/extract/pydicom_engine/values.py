"""A raw value into the cell of a column: decoded by its VR, trimmed, split, typed, and each defect found on the way.

The VR in the file rules over the column's; of UN, and in implicit VR, the column's counts. What can't be typed is null and a finding
with the raw text.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from dicomlake.errors import FindingCode
from dicomlake.extract.pydicom_engine.character_set import ESCAPE, character_set
from dicomlake.extract.pydicom_engine.columns import (
    CHARACTER_SET_VRS,
    NUMBER_FORMATS,
    TEXT_VRS,
    UNDIVIDED_VRS,
    UNTRIMMED_AHEAD_VRS,
    CellValue,
    ReadColumn,
    Scalar,
)
from dicomlake.extract.pydicom_engine.element import KNOWN_VRS
from dicomlake.extract.pydicom_engine.findings import Finding, raw_text
from dicomlake.extract.pydicom_engine.gathered import RawValue
from dicomlake.extract.pydicom_engine.levels import label_of_tag, tag_text
from dicomlake.extract.pydicom_engine.parsing import (
    MICROSECONDS_A_DAY,
    is_uid,
    parse_date,
    parse_date_time,
    parse_decimal,
    parse_integer,
    parse_time,
)
from dicomlake.extract.pydicom_engine.text import decode_default, decode_text
from dicomlake.extract.pydicom_engine.wanted import PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET

Component = str | int | float
Note = Callable[[FindingCode], None]

_REMEMBERED_LENGTH = 128
_REMEMBERED_VALUES = 256

_INTEGER_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_PARTITION = re.compile(r"[ -.0-\[\]-~]{1,16}")  # printable ASCII without / and \
_BOOLS = {"YES": True, "Y": True, "TRUE": True, "1": True, "NO": False, "N": False, "FALSE": False, "0": False}

_MESSAGES = {
    FindingCode.INVALID_DATE: "this is no date (PS3.5 6.2, DA)",
    FindingCode.INVALID_TIME: "this is no time of day (PS3.5 6.2, TM)",
    FindingCode.INVALID_DATETIME: "this is no date and time (PS3.5 6.2, DT)",
    FindingCode.INVALID_NUMBER: "this is no number as its VR has it, or does not fit the column (PS3.5 6.2)",
    FindingCode.INVALID_UID: "this is no UID (PS3.5 9.1)",
    FindingCode.INVALID_CODE_STRING: "this is no code that the column can hold",
    FindingCode.TOO_MANY_VALUES: "there are several values where one belongs; the first is kept",
    FindingCode.UNDECODABLE_TEXT: "bytes are not of the declared character set (0008,0005)",
    FindingCode.UNDECLARED_CHARACTER_SET: "characters stand here that (0008,0005) does not declare",
    FindingCode.WRONG_VR: "the VR in the file is not that of the data dictionary (PS3.6)",
}


def vr_of(raw: RawValue, column_vr: str) -> str:
    """The VR by which to understand a value: the file's, unless that is UN or none that there is; else the column's.

    ``US or SS`` goes by PixelRepresentation (PS3.3 C.7.6.3.1).
    """
    if raw.vr is not None and raw.vr != b"UN" and raw.vr in KNOWN_VRS:
        return raw.vr.decode("ascii")
    if column_vr == "US or SS":
        representation = raw.data_set.inherited(PIXEL_REPRESENTATION)
        signed = representation is not None and representation in (b"\x01\x00", b"\x00\x01")
        return "SS" if signed else "US"
    return column_vr.partition(" or ")[0]


def components(raw: RawValue, vr: str, note: Note) -> list[Component] | str | None:
    """A raw value decoded by its VR: its components; a text of one component or none as it is; None where it is empty."""
    value = raw.value
    if vr in TEXT_VRS:
        if vr in CHARACTER_SET_VRS:
            text, problem = decode_text(value, character_set(raw.data_set.inherited(SPECIFIC_CHARACTER_SET)), is_name=vr == "PN")
        else:
            text, problem = decode_default(value)
        if problem is not None:
            note(problem)
        return text.rstrip(" \0") if vr in UNTRIMMED_AHEAD_VRS else text.strip(" \0")
    if not value:
        return None
    number = NUMBER_FORMATS.get(vr)
    if number is not None:
        size = struct.calcsize(f"<{number}")
        if len(value) % size:
            note(FindingCode.INVALID_NUMBER)
            return None
        return list(struct.unpack(f"{'<' if raw.data_set.encoding.little else '>'}{len(value) // size}{number}", value))
    if vr == "AT" and len(value) % 4 == 0:
        tags = struct.unpack(f"{'<' if raw.data_set.encoding.little else '>'}{len(value) // 2}H", value)
        return [f"{tags[i]:04X}{tags[i + 1]:04X}" for i in range(0, len(tags), 2)]
    return value.hex()


def cell(column: ReadColumn, raw: RawValue, findings: list[Finding]) -> CellValue:
    """The value of a column (of one entry, where the column gathers over items), and what is wrong with it.

    Files of one series say most things alike, so that short values without a finding are remembered, which saves a third of all time.
    Remembered are only those of which VR, bytes and byte order say it all: ASCII without escape sequences, and never ``US or SS``.
    """
    key = (raw.vr, raw.value, raw.data_set.encoding.little)
    known = column.known
    if key in known:
        return known[key]
    before = len(findings)
    found = _checked_cell(column, raw, findings)
    says_it_all = raw.value.isascii() and ESCAPE not in raw.value and column.vr != "US or SS"
    if says_it_all and len(findings) == before and len(raw.value) <= _REMEMBERED_LENGTH:
        if len(known) >= _REMEMBERED_VALUES:
            known.clear()
        known[key] = found
    return found


def _checked_cell(column: ReadColumn, raw: RawValue, findings: list[Finding]) -> CellValue:
    noted: list[FindingCode] = []
    vr = vr_of(raw, column.vr)
    if raw.vr is not None and raw.vr != b"UN" and raw.vr.decode("latin-1") not in column.expected:
        noted.append(FindingCode.WRONG_VR)
    found = _typed(column, raw, vr, noted.append)
    if noted:
        path = raw.data_set.path() + label_of_tag(raw.tag)
        shown = raw_text(raw.value)
        findings.extend(
            Finding("value", code, _MESSAGES[code], path, tag_text(raw.tag), raw.position, shown) for code in dict.fromkeys(noted)
        )
    return found


def _typed(column: ReadColumn, raw: RawValue, vr: str, note: Note) -> CellValue:
    decoded = components(raw, vr, note)
    if decoded is None or decoded == "":
        return None
    as_list = column.is_list and not column.gathers
    convert = _CONVERTERS[column.item]
    if isinstance(decoded, str):
        if vr not in TEXT_VRS and column.item != "string":
            note(_CODE_OF_TYPE[column.item])  # bytes without a meaning are neither a number nor a date
            return None
        if vr == "PN":
            decoded = _names(decoded)
        if column.item == "string" and not as_list:
            return _checked_text(column, vr, decoded, note)
        if vr in UNDIVIDED_VRS or vr not in TEXT_VRS or "\\" not in decoded:
            value = convert(decoded, vr, column.item, note)
            return [value] if as_list else value
        strip = str.rstrip if vr in UNTRIMMED_AHEAD_VRS else str.strip
        decoded = [strip(part, " \0") for part in decoded.split("\\")]
    if as_list:
        return [None if part == "" else convert(part, vr, column.item, note) for part in decoded]
    if column.item == "string":
        return "\\".join(str(part) for part in decoded)
    if len(decoded) > 1:
        note(FindingCode.TOO_MANY_VALUES)
    return None if decoded[0] == "" else convert(decoded[0], vr, column.item, note)


def _checked_text(column: ReadColumn, vr: str, text: str, note: Note) -> str | None:
    if vr == "UI":
        for part in text.split("\\"):
            _to_text(part, vr, "string", note)
    elif column.is_partition and not _PARTITION.fullmatch(text):
        # Else files that are corrupt in this place would make thousands of partitions.
        note(FindingCode.INVALID_CODE_STRING)
        return None
    return text


def _names(text: str) -> str:
    """PN: of each name, empty component groups at its end are left out (PS3.5 6.2.1)."""
    if "=" not in text:
        return text
    return "\\".join(name.rstrip("=") for name in text.split("\\"))


def _to_text(part: Component, vr: str, _: str, note: Note) -> str:
    if vr == "UI" and not is_uid(str(part)):
        note(FindingCode.INVALID_UID)
    return str(part)


def _to_integer(part: Component, vr: str, item: str, note: Note) -> int | None:
    value: int | None
    if isinstance(part, str):
        value, sound = parse_integer(part)
        if vr == "DS" and value is not None:
            sound = parse_decimal(part)[1]
        if not sound:
            note(FindingCode.INVALID_NUMBER)
    elif isinstance(part, float):
        value = int(part) if part.is_integer() else None
        if value is None:
            note(FindingCode.INVALID_NUMBER)
    else:
        value = part
    low, high = _INTEGER_RANGES[item]
    if value is not None and not low <= value <= high:
        note(FindingCode.INVALID_NUMBER)
        return None
    return value


def _to_float(part: Component, vr: str, _: str, note: Note) -> float | None:
    if not isinstance(part, str):
        return float(part)
    value, sound = parse_decimal(part)
    if vr == "IS" and value is not None:
        sound = parse_integer(part)[1]
    if not sound:
        note(FindingCode.INVALID_NUMBER)
    return value


def _to_date(part: Component, vr: str, _: str, note: Note) -> int | None:
    value = parse_date(str(part))
    if value is None and vr == "DT":
        instant, _sound = parse_date_time(str(part))
        value = None if instant is None else instant // MICROSECONDS_A_DAY
    if value is None:
        note(FindingCode.INVALID_DATE)
    return value


def _to_time(part: Component, _vr: str, _: str, note: Note) -> str | None:
    value, sound = parse_time(str(part))
    if not sound:
        note(FindingCode.INVALID_TIME)
    return value


def _to_date_time(part: Component, _vr: str, _: str, note: Note) -> int | None:
    value, sound = parse_date_time(str(part))
    if not sound:
        note(FindingCode.INVALID_DATETIME)
    return value


def _to_bool(part: Component, _vr: str, _: str, note: Note) -> bool | None:
    value = _BOOLS.get(str(part).upper())
    if value is None:
        note(FindingCode.INVALID_CODE_STRING)
    return value


_CODE_OF_TYPE = {
    "int32": FindingCode.INVALID_NUMBER,
    "int64": FindingCode.INVALID_NUMBER,
    "float64": FindingCode.INVALID_NUMBER,
    "date32": FindingCode.INVALID_DATE,
    "time": FindingCode.INVALID_TIME,
    "timestamp[us]": FindingCode.INVALID_DATETIME,
    "timestamp[us, UTC]": FindingCode.INVALID_DATETIME,
    "bool": FindingCode.INVALID_CODE_STRING,
}

_CONVERTERS: dict[str, Callable[[Component, str, str, Note], Scalar]] = {
    "string": _to_text,
    "int32": _to_integer,
    "int64": _to_integer,
    "float64": _to_float,
    "date32": _to_date,
    "time": _to_time,
    "timestamp[us]": _to_date_time,
    "timestamp[us, UTC]": _to_date_time,
    "bool": _to_bool,
}
