"""What each column must be, straight from pydicom's own ``dcmread``: written from DESIGN section 4, without looking at the engine.

Nothing of dicomlake is imported here. pydicom parses, decodes and converts; this file only says which of its answers a column takes.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
import struct
import warnings
from pathlib import Path
from typing import Any

import pydicom
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import DA, DT, IS, TM, DSfloat

COLUMNS_CSV = Path(__file__).parents[2] / "pipeline" / "dicomlake" / "schema" / "columns.csv"
_STEP = re.compile(r"(\w+)(?:\[(\*|\d+)\])?$")
_TEXT = {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
_LEADING_SPACES_ARE_PADDING = {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "SH", "TM"}
_ONE_VALUE = {"LT", "ST", "UT", "UR"}
_CHARSET = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
_RANGES = {"int32": (-(2**31), 2**31), "int64": (-(2**63), 2**63)}


def columns() -> list[dict[str, str]]:
    """The rows of columns.csv."""
    return list(csv.DictReader(COLUMNS_CSV.read_text("utf-8").splitlines()))


def read(path: Path) -> pydicom.FileDataset | None:
    """What pydicom reads of a file; None where it raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(path, stop_before_pixels=True, force=True)
    except Exception:  # noqa: BLE001 - pydicom raises whatever its parts raise
        return None


def instance_uid(dataset: pydicom.FileDataset) -> str | None:
    """The SOPInstanceUID of a file, by DESIGN section 3: the data set's, else the file meta's."""
    return _column(dataset, ["SOPInstanceUID"], "string") or _column(dataset.file_meta, ["MediaStorageSOPInstanceUID"], "string")


def row(dataset: pydicom.FileDataset) -> dict[str, Any]:
    """Every header column of a file."""
    found: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for column in columns():
            root = dataset.file_meta if column["group"] == "file meta" else dataset
            found[column["name"]] = _column(root, column["path"].split("."), column["type"])
        found["SOPInstanceUID"] = instance_uid(dataset)
    modality = found["Modality"]
    if (modality is not None and not re.fullmatch(r"[ -~]{1,16}", modality)) or (modality and re.search(r"[/\\]", modality)):
        found["Modality"] = None
    return found


def _column(dataset: Dataset, path: list[str], type_name: str) -> Any:
    """The value of one column: go down the path; ``[*]`` gathers a list."""
    step = _STEP.match(path[0])
    assert step is not None
    tag = tag_for_keyword(step[1])
    assert tag is not None
    if len(path) == 1:
        return _leaf(dataset, tag, type_name)
    items = _items(dataset, tag)
    if step[2] == "*":
        if not items:
            return None
        item_type = type_name.removeprefix("list<").removesuffix(">")
        return [_column(item, path[1:], item_type) for item in items]
    index = int(step[2])
    return _column(items[index], path[1:], type_name) if index < len(items) else None


def _items(dataset: Dataset, tag: int) -> list[Dataset]:
    try:
        value = dataset[tag].value if tag in dataset else None
    except Exception:  # noqa: BLE001 - likewise
        return []
    return list(value) if isinstance(value, pydicom.Sequence) else []


def _leaf(dataset: Dataset, tag: int, type_name: str) -> Any:
    raw, vr = _raw(dataset, tag)
    if raw is None:
        return None
    if vr in _TEXT:
        parts = _texts(dataset, tag, raw, vr)
        if parts is None:
            return None
    elif vr in ("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"):
        parts = _numbers(dataset, tag, raw, vr)
    else:
        parts = [raw.hex()] if raw else None
    if parts is None or not parts:
        return None
    scalar = type_name.removeprefix("list<").removesuffix(">")
    if type_name.startswith("list<"):
        if len(parts) == 1 and parts[0] == "":
            return None
        return [None if part == "" else _typed(part, vr, scalar) for part in parts]
    if scalar == "string":
        return "\\".join(str(part) for part in parts) or None
    return None if parts[0] == "" else _typed(parts[0], vr, scalar)


def _raw(dataset: Dataset, tag: int) -> tuple[bytes | None, str]:
    """The bytes of a value, and the VR that pydicom gives it; None where the value is absent or cut short."""
    element = dataset.get_item(tag) if tag in dataset else None
    if element is None:
        return None, ""
    if not isinstance(element, RawDataElement):
        return _encoded(element.value, element.VR), element.VR
    value = element.value or b""
    if element.length not in (0xFFFFFFFF, len(value)):
        return None, ""
    vr = element.VR
    if vr in (None, "UN") or vr not in pydicom.values.converters:
        vr = dictionary_VR(tag)
    if " or " in vr:  # by PixelRepresentation, as pydicom does
        vr = "SS" if dataset.get("PixelRepresentation", 0) == 1 else "US"
    return value, vr


def _encoded(value: Any, vr: str) -> bytes:
    """Back to bytes: of what pydicom has converted already while reading, which is little else than character sets and UIDs."""
    values = list(value) if isinstance(value, MultiValue | list) else [value]
    if isinstance(value, bytes):
        return value
    if values == [None]:
        return b""
    if vr in ("US", "UL"):
        return b"".join(struct.pack("<H" if vr == "US" else "<L", one) for one in values)
    return "\\".join(str(one) for one in values).encode("latin-1")


def _texts(dataset: Dataset, tag: int, raw: bytes, vr: str) -> list[str] | None:
    """The components of a text as pydicom decodes them, less padding; what no character set declares by DESIGN's own rule."""
    charset = dataset._character_set
    default = vr not in _CHARSET or charset in ("iso8859", ["iso8859"])
    if default and b"\x1b" not in raw:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        values = [text]
    else:
        value = pydicom.values.convert_value(
            vr, RawDataElement(tag, vr, len(raw), raw, 0, is_implicit_VR=False, is_little_endian=True), charset
        )  # type: ignore[arg-type]
        values = ["\\".join(str(part) for part in value) if isinstance(value, MultiValue) else str(value)]
    text = values[0]
    text = text.strip(" \0") if vr in _LEADING_SPACES_ARE_PADDING else text.rstrip(" \0")
    if vr in _ONE_VALUE:
        return [text]
    parts = text.split("\\")
    if vr == "PN":
        parts = [part.rstrip("=") for part in parts]
    if len(parts) > 1:
        parts = [part.strip(" \0") if vr in _LEADING_SPACES_ARE_PADDING else part.rstrip(" \0") for part in parts]
    return parts


def _numbers(dataset: Dataset, tag: int, raw: bytes, vr: str) -> list[Any] | None:
    converted = not isinstance(dataset.get_item(tag), RawDataElement)
    little = converted or dataset.original_encoding[1]
    try:
        value = pydicom.values.convert_numbers(raw, little is not False, pydicom.values.converters[vr][1])  # type: ignore[index]
    except (pydicom.errors.BytesLengthException, struct.error):
        return None
    if value == "":
        return None
    return list(value) if isinstance(value, list) else [value]


def _typed(part: Any, vr: str, scalar: str) -> Any:
    try:
        if scalar == "string":
            return str(part)
        if scalar in _RANGES:
            if isinstance(part, str):
                part = IS(part.strip()) if re.fullmatch(r"[+\-0-9.eE]+", part) else None
            if part is None or part != int(part) or not _RANGES[scalar][0] <= part < _RANGES[scalar][1]:
                return None
            return int(part)
        if scalar == "float64":
            if isinstance(part, str):
                part = DSfloat(part) if re.fullmatch(r"[+\-0-9.eE]+", part) else None
            if part is None:
                return None
            return None if isinstance(part, DSfloat) and math.isinf(part) else float(part)
        if scalar == "date32":
            date = DA(part[:8] if vr == "DT" else part)
            return dt.date(date.year, date.month, date.day)
        if scalar == "time":
            legacy = re.fullmatch(r"\d\d:\d\d(:\d\d(\.\d+)?)?", part)
            return TM(part.replace(":", "") if legacy else part).strftime("%H:%M:%S.%f")
        return DT(part).replace(tzinfo=None)
    except (ValueError, TypeError, OverflowError, AttributeError):
        return None
