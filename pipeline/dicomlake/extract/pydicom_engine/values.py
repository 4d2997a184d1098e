"""From a value as pydicom found it to the cell of a column, and the findings about it. pydicom's own classes decode and convert."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from pydicom.charset import decode_bytes
from pydicom.config import IGNORE
from pydicom.dataelem import RawDataElement
from pydicom.errors import BytesLengthException
from pydicom.valuerep import DA, DT, PN_DELIMS, TEXT_VR_DELIMS, TM, DSfloat
from pydicom.values import convert_numbers, converters

from dicomlake.errors import FindingCode
from dicomlake.extract.header_tree import printable
from dicomlake.extract.pydicom_engine.level import UNDEFINED_LENGTH, Level, label_of_tag, raw_value, tag_text
from dicomlake.schema import Column, Step
from dicomlake.schema.types import is_list, item_type

CHARACTER_SET_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
TEXT_VRS = CHARACTER_SET_VRS | {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"}
NUMBER_VRS = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"})
UNDIVIDED_VRS = frozenset({"LT", "ST", "UT", "UR"})
"""VRs of one value, in which a backslash is a character (PS3.5 6.2)."""

UNTRIMMED_AHEAD_VRS = UNDIVIDED_VRS | {"UC", "PN", "UI"}
"""VRs whose leading spaces are not padding (PS3.5 6.2)."""

RAW_LIMIT = 1024
"""The most bytes of a value that a finding shows."""

Note = Callable[[FindingCode], None]
Finding = dict[str, Any]
Value = str | list[Any] | None

_DEFAULT_REPERTOIRE = "iso8859"
_DELIMITERS = TEXT_VR_DELIMS | {ord("\\")}
_NAME_DELIMITERS = _DELIMITERS | PN_DELIMS | {ord("=")}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COLONS = re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?")
_DATE_TIME = re.compile(r"(\d{4}(?:\d\d){0,5}(?:(?<=\d{14})\.\d{1,6})?)(?:[+-]\d{4})?", re.ASCII)
_AGE = re.compile(r"([0-9]{3})([DWMY])")
_EMPTY_NAME = re.compile(r"[\^= \0\\]*")
_EMPTY_GROUPS = re.compile(r"(=[\^ \0]*)+$")
_ESCAPE = re.compile("\x1b[\x20-\x2f]*[\x30-\x7e]|\x1b")
"""An escape sequence (ISO 2022); one that pydicom leaves in a text means nothing to it."""

_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")
_PARTITION = re.compile(r"[ -.0-\[\]-~]{1,16}")
_RANGES = {"int32": 2**31, "int64": 2**63}
_BOOLS = {"YES": True, "Y": True, "TRUE": True, "1": True, "NO": False, "N": False, "FALSE": False, "0": False}
_DIGITS_LIMIT = 400
_CODE_OF_TYPE = {
    **dict.fromkeys(("int32", "int64", "float64"), FindingCode.INVALID_NUMBER),
    **dict.fromkeys(("timestamp[us]", "timestamp[us, UTC]"), FindingCode.INVALID_DATETIME),
    "date32": FindingCode.INVALID_DATE,
    "time": FindingCode.INVALID_TIME,
    "bool": FindingCode.INVALID_CODE_STRING,
}
_MESSAGES = {
    FindingCode.INVALID_DATE: "the value is not a date (PS3.5 6.2, DA)",
    FindingCode.INVALID_TIME: "the value is not a time of day (PS3.5 6.2, TM)",
    FindingCode.INVALID_DATETIME: "the value is not a date and time (PS3.5 6.2, DT)",
    FindingCode.INVALID_NUMBER: "the value is not a number of its VR, or does not fit the column (PS3.5 6.2)",
    FindingCode.INVALID_UID: "the value is not a UID (PS3.5 9.1)",
    FindingCode.INVALID_CODE_STRING: "the value is not a code that the column can hold",
    FindingCode.TOO_MANY_VALUES: "there are several values where one belongs; the first is kept",
    FindingCode.UNDECODABLE_TEXT: "some bytes are not of the declared character set (0008,0005)",
    FindingCode.UNDECLARED_CHARACTER_SET: "some characters are not of a character set that (0008,0005) declares",
    FindingCode.INVALID_AGE: "the value is not an age (PS3.5 6.2, AS)",
    FindingCode.IMPLAUSIBLE_AGE: "the age is above 130 years, or below 0",
    FindingCode.NONSTANDARD_CHARACTER_SET: "PS3.3 C.12.1.1.2 names character sets otherwise",
    FindingCode.WRONG_VR: "the VR in the file is not that of the data dictionary (PS3.6)",
}


def column_value(column: Column, steps: Sequence[Step], level: Level, findings: list[Finding], *, is_partition: bool = False) -> Any:  # noqa: ANN401
    """The cell of a column, or an entry of its list, going down its path from a data set.

    Raises:
        Exception: pydicom can't parse a sequence on the way.
    """
    step, *inner = steps
    tag = next((tag for tag in reversed(level.tags_of(step)) if tag in level.elements), None)
    if tag is None:
        return None
    items = level.items(tag, are_wanted=bool(inner))
    if not inner and items is not None:
        findings.append(value_finding(FindingCode.WRONG_VR, tag, level))
        return None
    if not inner:
        return _cell(column, tag, level, findings, is_partition=is_partition)
    if not items:
        if items is None and raw_value(level.elements[tag]):
            findings.append(value_finding(FindingCode.WRONG_VR, tag, level))
        return None
    if step.item == -1:
        entries = [column_value(column, inner, item, findings) for item in items]
        if any(further.item == -1 for further in inner):
            return [entry for of_item in entries for entry in of_item or ()] or None
        return entries
    return column_value(column, inner, items[step.item or 0], findings) if (step.item or 0) < len(items) else None


def value_finding(code: FindingCode, tag: int, level: Level, message: str | None = None) -> Finding:
    """A finding about the value of an element."""
    found: Finding = {"level": "value", "code": code, "message": message or _MESSAGES[code]}
    found |= {"element_path": level.path + label_of_tag(tag), "tag": tag_text(tag)}
    if tag in level.elements:
        raw = printable(raw_value(level.elements[tag])[:RAW_LIMIT].decode("utf-8", "backslashreplace"))
        found["raw"] = raw.encode()[:RAW_LIMIT].decode("utf-8", "ignore")
        found["byte_offset"] = level.position(tag) if level.in_file else None
    return found


def decoded(tag: int, vr: str, level: Level, note: Note) -> Value:
    """A value decoded by its VR: a text, a list of numbers or tags, bytes as hex; None where it is empty or cut short."""
    element = level.elements[tag]
    value = raw_value(element)
    if isinstance(element, RawDataElement) and element.length not in (UNDEFINED_LENGTH, len(value)):
        return None
    if vr in TEXT_VRS:
        text = _text(value, vr, level, note)
        return (text.rstrip(" \0") if vr in UNTRIMMED_AHEAD_VRS else text.strip(" \0")) or None
    if not value:
        return None
    is_little = not isinstance(element, RawDataElement) or element.is_little_endian or element.VR == "UN"
    if vr == "AT" and len(value) % 4 == 0:
        halves: Any = convert_numbers(value, is_little, "H")
        return [f"{halves[at]:04X}{halves[at + 1]:04X}" for at in range(0, len(halves), 2)]
    if vr not in NUMBER_VRS:
        return value.hex()
    try:
        numbers: Any = convert_numbers(value, is_little, converters[vr][1])  # type: ignore[index]
    except BytesLengthException:
        note(FindingCode.INVALID_NUMBER)
        return None
    return list(numbers) if isinstance(numbers, list) else [numbers]


def parts_of(text: str, vr: str) -> list[str]:
    """The values of a text."""
    if vr in UNDIVIDED_VRS:
        return [text]
    strip = str.rstrip if vr in UNTRIMMED_AHEAD_VRS else str.strip
    return [strip(part, " \0") for part in text.split("\\")]


def number_of(text: str, vr: str) -> tuple[float | int | None, bool]:
    """The number of an IS or DS, and whether it is written as its VR has it."""
    if len(text) > _DIGITS_LIMIT or not _NUMBER.fullmatch(text):
        return None, False
    if vr == "IS" and re.fullmatch(r"[+-]?[0-9]+", text):
        return int(text), len(text) <= 12 and -(2**31) <= int(text) < 2**31
    value = float(DSfloat(text, validation_mode=IGNORE))
    if math.isinf(value):
        return None, False
    if vr != "IS":
        return value, len(text) <= 16
    return (int(value) if value.is_integer() and abs(value) < 2**63 else None), False


def _text(value: bytes, vr: str, level: Level, note: Note) -> str:
    # Padding is no part of what an escape sequence put in place.
    value = value.rstrip(b" \0") if vr in UNTRIMMED_AHEAD_VRS else value.strip(b" \0")
    text = _ESCAPE.sub("\ufffd", _decoded_text(value, vr, level, note))
    if "\ufffd" in text:
        note(FindingCode.UNDECODABLE_TEXT)
    return text


def _decoded_text(value: bytes, vr: str, level: Level, note: Note) -> str:
    encodings = level.encodings if vr in CHARACTER_SET_VRS else [_DEFAULT_REPERTOIRE]
    if encodings == [_DEFAULT_REPERTOIRE] or (value.isascii() and b"\x1b" not in value):
        # Without a character set pydicom takes Latin-1; UTF-8, where the bytes are that, is what writers mean.
        if not value.isascii():
            note(FindingCode.UNDECLARED_CHARACTER_SET)
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return decode_bytes(value, encodings, _NAME_DELIMITERS if vr == "PN" else _DELIMITERS)


def _cell(column: Column, tag: int, level: Level, findings: list[Finding], *, is_partition: bool) -> Any:  # noqa: ANN401
    noted: list[FindingCode] = []
    vr, in_file = level.vr(tag, column.vr), level.elements[tag].VR
    if in_file not in (None, "UN") and in_file not in column.vr.split(" or "):
        noted.append(FindingCode.WRONG_VR)
    value = _typed(column, decoded(tag, vr, level, noted.append), vr, noted.append)
    if is_partition and value is not None and not _PARTITION.fullmatch(str(value)):
        noted.append(FindingCode.INVALID_CODE_STRING)
        value = None
    findings.extend(value_finding(code, tag, level) for code in dict.fromkeys(noted))
    return value


def _typed(column: Column, value: Value, vr: str, note: Note) -> Any:  # noqa: ANN401
    if value is None:
        return None
    as_list, item = is_list(column.type) and not column.path.gathers, item_type(column.type)
    if isinstance(value, str):
        if vr not in TEXT_VRS and item != "string":
            note(_CODE_OF_TYPE[item])
            return None
        if vr == "PN":
            value = "" if _EMPTY_NAME.fullmatch(value) else "\\".join(map(_without_empty_groups, value.split("\\")))
            if not value:
                return None
        parts = [part for part in value.split("\\") if part or not as_list]
        is_single = len(parts) == 1 or as_list or column.vm != "1"
        if vr == "UI" and not (is_single and all(len(part) <= 64 and _UID.fullmatch(part) for part in parts)):
            note(FindingCode.INVALID_UID)
        if "AS" in (vr, column.vr) and item == "string" and value:
            _check_age(parts if as_list else [value], note)
        if item == "string" and not as_list:
            return value or None
        values: list[Any] = parts_of(value, vr)
    else:
        values = value
    if as_list:
        return [None if part == "" else _converted(part, vr, item, note) for part in values]
    if item == "string":
        return "\\".join(str(part) for part in values)
    if len(values) > 1:
        note(FindingCode.TOO_MANY_VALUES)
    return None if values[0] == "" else _converted(values[0], vr, item, note)


def _without_empty_groups(name: str) -> str:
    """A name less the empty component groups at its end (PS3.5 6.2.1)."""
    shorter = _EMPTY_GROUPS.sub("", name)
    name = name if shorter == name else shorter.rstrip(" \0")
    return "" if _EMPTY_NAME.fullmatch(name) else name


def _check_age(parts: list[str], note: Note) -> None:
    for part in parts:
        found = _AGE.fullmatch(part)
        if found is None:
            note(FindingCode.INVALID_AGE)
        elif found[2] == "Y" and int(found[1]) > 130:
            note(FindingCode.IMPLAUSIBLE_AGE)


def _converted(part: Any, vr: str, item: str, note: Note) -> Any:  # noqa: ANN401
    """One value as the type has it; None with a note where it is not of that type."""
    try:
        value, is_sound = _CONVERTERS[item](part, vr)
    except (ValueError, TypeError, OverflowError):
        value, is_sound = None, False
    if item in _RANGES and value is not None and not -_RANGES[item] <= value < _RANGES[item]:
        value, is_sound = None, False
    if not is_sound:
        note(_CODE_OF_TYPE[item])
    return value


def _integer(part: Any, vr: str) -> tuple[Any, bool]:  # noqa: ANN401
    if isinstance(part, str):
        value, is_sound = number_of(part, "IS")
        return value, is_sound if vr != "DS" else value is not None and number_of(part, "DS")[1]
    return (int(part), True) if part == int(part) else (None, False)


def _float(part: Any, vr: str) -> tuple[Any, bool]:  # noqa: ANN401
    if isinstance(part, str):
        value, is_sound = number_of(part, "DS")
        return value, is_sound if vr != "IS" else value is not None and number_of(part, "IS")[1]
    return float(part), True


def _date(part: Any, vr: str) -> tuple[Any, bool]:  # noqa: ANN401
    value = _date_time(part, vr)[0] if vr == "DT" and len(str(part)) not in (8, 10) else DA(str(part))
    return (date(value.year, value.month, value.day), True) if value is not None else (None, False)


def _time(part: Any, _vr: str) -> tuple[Any, bool]:  # noqa: ANN401
    text = str(part)
    value: TM | None = TM(text.replace(":", "") if _COLONS.fullmatch(text) else text)
    if value is None:
        return None, False
    return value.strftime("%H:%M:%S.%f"), True


def _date_time(part: Any, _vr: str) -> tuple[Any, bool]:  # noqa: ANN401
    found = _DATE_TIME.fullmatch(str(part))
    # pydicom takes any digits for a moment, and refuses offsets from UTC that only the wall clock's reader may ignore.
    value = DT(found[1]) if found is not None else None
    return value and value.replace(tzinfo=None), value is not None


def _bool(part: Any, _vr: str) -> tuple[Any, bool]:  # noqa: ANN401
    value = _BOOLS.get(str(part).upper())
    return value, value is not None


_CONVERTERS: dict[str, Callable[[Any, str], tuple[Any, bool]]] = {
    "string": lambda part, _: (str(part), True),
    "int32": _integer,
    "int64": _integer,
    "float64": _float,
    "date32": _date,
    "time": _time,
    "timestamp[us]": _date_time,
    "timestamp[us, UTC]": _date_time,
    "bool": _bool,
}
