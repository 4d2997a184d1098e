"""Rows of `content_items`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydicom.dataset import Dataset

from tests.engine.oracle.data_set import code, first, items_below, value

Row = dict[str, Any]

_CONTENT = "ContentSequence"
_OTHERS = {
    "AcquisitionContextSequence",
    "ContentItemModifierSequence",
    "ProtocolContextSequence",
    "SpecimenLocalizationContentItemSequence",
    "SpecimenPreparationStepContentItemSequence",
}


def content_items(top: Dataset) -> list[Row]:
    """The rows of a file, in the order of the document."""
    rows: list[Row] = []
    row_of: dict[int, Row] = {}
    if _CONTENT in top or "ValueType" in top:
        row_of[id(top)] = {"depth": 0, "element_path": _CONTENT, "position": "1", "parent_number": None, "item_number": 1, **_cells(top)}
        rows.append(row_of[id(top)])
    for item in items_below(top):
        around = item.around[-1] if item.around else top
        parent = row_of.get(id(around)) if item.sequences[-1] == _CONTENT else None
        if parent is not None:
            place = {"depth": parent["depth"] + 1, "element_path": parent["element_path"], "parent_number": parent["item_number"]}
            place["position"] = f"{parent['position']}.{item.numbers[-1]}"
        elif item.sequences[-1] in {_CONTENT, *_OTHERS}:
            place = {"depth": 0, "element_path": ".".join(item.sequences), "parent_number": None}
            place["position"] = ".".join(map(str, item.numbers))
        else:
            continue
        row_of[id(item.dataset)] = {**place, "item_number": len(rows) + 1, **_cells(item.dataset)}
        rows.append(row_of[id(item.dataset)])
    return rows


def _cells(item: Dataset) -> Row:
    measured, reference = first(item, "MeasuredValueSequence"), first(item, "ReferencedSOPSequence")
    concept, chosen = code(item, "ConceptNameCodeSequence"), code(item, "ConceptCodeSequence")
    units = [code(one, "MeasurementUnitsCodeSequence") for one in (measured, item)]
    day = value(item, "Date", "date32")
    row = {
        "RelationshipType": value(item, "RelationshipType"),
        "ValueType": value(item, "ValueType"),
        "concept_code": concept[0],
        "concept_scheme": concept[1],
        "concept_meaning": concept[2],
        "NumericValue": _first_known(value(one, "NumericValue", "float64") for one in (measured, item)),
        "unit_code": _first_known(unit[0] for unit in units),
        "unit_meaning": _first_known(unit[2] for unit in units),
        "value_code": chosen[0],
        "value_scheme": chosen[1],
        "DateTimeValue": _first_known([value(item, "DateTime", "timestamp[us]"), day and datetime(day.year, day.month, day.day)]),
        "ReferencedSOPInstanceUID": value(reference, "ReferencedSOPInstanceUID"),
        "ReferencedFrameNumber": value(reference, "ReferencedFrameNumber", "list<int64>"),
        "template_id": value(first(item, "ContentTemplateSequence"), "TemplateIdentifier"),
    }
    target = value(item, "ReferencedContentItemIdentifier")
    texts = {
        keyword: value(item, keyword) for keyword in ("DateTime", "Date", "Time", "PersonName", "UID", "GraphicType", "TemporalRangeType")
    }
    row["value"] = _first_known(
        [
            target and target.replace("\\", "."),
            value(item, "TextValue"),
            chosen[2],
            chosen[0],
            _number_with_unit(item, measured, row["unit_code"]),
            *(texts[keyword] for keyword in ("DateTime", "Date", "Time", "PersonName", "UID")),
            row["ReferencedSOPInstanceUID"],
            texts["GraphicType"],
            texts["TemporalRangeType"],
        ]
    )
    return row


def _number_with_unit(item: Dataset, measured: Dataset | None, unit: str | None) -> str | None:
    written = _first_known(value(one, "NumericValue") for one in (measured, item))
    number = (written or "").split("\\")[0].strip()
    return " ".join([number, *([unit] if unit not in (None, "1") else [])]) if number else None


def _first_known(values: Any) -> Any:
    return next((one for one in values if one is not None), None)
