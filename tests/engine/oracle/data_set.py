"""A data set as pydicom reads it: its items in one list, and its values typed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag
from pydicom.valuerep import DA, DT

_UNTRIMMED_AHEAD = {"LT", "PN", "ST", "UC", "UI", "UR", "UT"}
_IN_CHARACTER_SET = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}


@dataclass
class Item:
    """An item of a sequence: the sequences from the top and its number (from 1) in each, and the items around, the outermost first."""

    dataset: Dataset
    sequences: tuple[str, ...]
    numbers: tuple[int, ...]
    around: tuple[Dataset, ...]


def items_below(
    dataset: Dataset, sequences: tuple[str, ...] = (), numbers: tuple[int, ...] = (), around: tuple[Dataset, ...] = ()
) -> Iterator[Item]:
    """Every item at any depth, in the order in which they begin."""
    for tag in list(dataset.keys()):
        element = _element(dataset, tag)
        if element is None or element.VR != "SQ":
            continue
        label = keyword_for_tag(tag) or f"({tag.group:04X},{tag.element:04X})"
        for number, item in enumerate(element.value or [], 1):
            found = Item(item, (*sequences, label), (*numbers, number), around)
            yield found
            yield from items_below(item, found.sequences, found.numbers, (*around, item))


def sequence(dataset: Dataset | None, *keywords: str | int) -> list[Dataset]:
    """The items of a sequence; with several keywords those of the last sequence in all items of the ones before."""
    found = [] if dataset is None else [dataset]
    for keyword in keywords:
        elements = [_element(item, Tag(keyword)) for item in found]
        found = [item for element in elements if element is not None and element.VR == "SQ" for item in element.value or []]
    return found


def first(dataset: Dataset | None, *keywords: str) -> Dataset | None:
    """The first item of a sequence, of the first item of each sequence before."""
    for keyword in keywords:
        dataset = next(iter(sequence(dataset, keyword)), None)
    return dataset


def value(dataset: Dataset | None, keyword: str | int, type_name: str = "string") -> Any:
    """An attribute as a value of a column type; None where it is absent, empty or not of the type."""
    parts, vr = _parts(dataset, keyword)
    if type_name == "string":
        whole = "\\".join(_text(part, vr, dataset) for part in parts)
        return _trimmed(whole, vr) or None
    is_list = type_name.startswith("list<")
    convert = _CONVERTERS[type_name.removeprefix("list<").removesuffix(">")]
    if all(part in ("", None) for part in parts[:1]) and len(parts) < 2:
        return None
    cells = [None if part in ("", None) else convert(_trimmed(_text(part, vr, dataset), vr)) for part in parts]
    return cells if is_list else cells[0]


def code(dataset: Dataset | None, keyword: str) -> tuple[Any, Any, Any]:
    """Code value, scheme and meaning of the first item of a sequence of codes."""
    item = first(dataset, keyword)
    values = [value(item, name) for name in ("CodeValue", "LongCodeValue", "URNCodeValue")]
    return next((one for one in values if one is not None), None), value(item, "CodingSchemeDesignator"), value(item, "CodeMeaning")


def _element(dataset: Dataset, tag: Any) -> Any:
    try:
        return dataset[tag]
    except Exception:  # noqa: BLE001 - it is absent, or pydicom raises whatever its parts raise
        return None


def _parts(dataset: Dataset | None, keyword: str | int) -> tuple[list[Any], str]:
    """The values of an element, none where it is absent, and its VR."""
    if dataset is None or keyword not in dataset:
        return [], ""
    element = _element(dataset, Tag(keyword))
    if element is None:
        # A list of which one value can't be converted: pydicom converts all or none.
        raw = dataset.get_item(keyword).value
        return raw.decode("latin-1").split("\\") if isinstance(raw, bytes) else [], "LO"
    if element.VR == "SQ" or element.value is None:
        return [], ""
    values = element.value
    return (list(values) if isinstance(values, MultiValue | list) else [values]), element.VR


def _text(part: Any, vr: str, dataset: Dataset | None) -> str:
    if isinstance(part, bytes):
        return part.hex()
    text = str(part)
    if vr in _IN_CHARACTER_SET and _declares_none(dataset):
        # Without a character set pydicom takes Latin-1. Bytes that are UTF-8 are taken for that.
        try:
            return text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return text
    return text


def _declares_none(dataset: Dataset | None) -> bool:
    encodings = getattr(dataset, "_character_set", None)
    return encodings in (None, "iso8859", ["iso8859"])


def _trimmed(text: str, vr: str) -> str:
    return text.rstrip(" \0") if vr in _UNTRIMMED_AHEAD else text.strip(" \0")


def _integer(text: str) -> int | None:
    number = _float(text)
    if number is None or not number.is_integer() or abs(number) >= 2**63:
        return None
    return int(text) if text.lstrip("+-").isdigit() else int(number)


def _float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(DA(text).isoformat())
    except (ValueError, AttributeError):
        return None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(DT(text).replace(tzinfo=None).isoformat())
    except (ValueError, AttributeError):
        return None


_CONVERTERS = {"int64": _integer, "float64": _float, "date32": _day, "timestamp[us]": _moment, "string": str}
