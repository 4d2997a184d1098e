"""Rows of `content_items`: the tree of a structured report, and other sequences of content items wherever they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from dicomlake.extract.pydicom_engine.inside.cells import code, first_item, numbers, text, typed
from dicomlake.extract.pydicom_engine.level import Level, label_of_tag

Row = dict[str, Any]

_CONTENT_SEQUENCE = 0x0040A730
_VALUE_TYPE = 0x0040A040
_SEQUENCES_OF_ITEMS = frozenset(
    {
        0x00400440,  # ProtocolContextSequence
        0x00400441,  # ContentItemModifierSequence
        0x00400555,  # AcquisitionContextSequence
        0x00400612,  # SpecimenPreparationStepContentItemSequence
        0x00400620,  # SpecimenLocalizationContentItemSequence
        _CONTENT_SEQUENCE,
    }
)
_TEXTS = ("DateTime", "Date", "Time", "PersonName", "UID")


def content_item_rows(top: Level) -> list[Row]:
    """The rows of a header, a parent before its children.

    Args:
        top: the data set of the file.

    Returns:
        The own columns of `content_items` that are not keys, and ``item_number``.

    Raises:
        Exception: pydicom can't parse a sequence.
    """
    found = _Found()
    is_report = _CONTENT_SEQUENCE in top.elements or _VALUE_TYPE in top.elements
    found.walk(top, _Place(), found.add(top, None, 0, "ContentSequence", "1") if is_report else None)
    return found.rows


@dataclass(frozen=True)
class _Place:
    """The place of an item: the sequences from the top, and the number of the item in each."""

    labels: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()

    def inside(self, tag: int, number: int) -> _Place:
        return _Place((*self.labels, label_of_tag(tag)), (*self.numbers, number))


@dataclass
class _Found:
    rows: list[Row] = field(default_factory=list)

    def add(self, item: Level, parent_number: int | None, depth: int, element_path: str, position: str) -> Row:
        row = {
            "item_number": len(self.rows) + 1,
            "parent_number": parent_number,
            "depth": depth,
            "element_path": element_path,
            "position": position,
            **_cells(item),
        }
        self.rows.append(row)
        return row

    def walk(self, level: Level, place: _Place, around: Row | None) -> None:
        """Add a row for each content item below a data set. ``around`` is the row of the data set, if it is a content item itself."""
        for tag in level.elements:
            for number, item in enumerate(level.items(tag) or (), 1):
                inside = place.inside(tag, number)
                row = None
                if tag == _CONTENT_SEQUENCE and around is not None:
                    position = f"{around['position']}.{number}"
                    row = self.add(item, around["item_number"], around["depth"] + 1, around["element_path"], position)
                elif tag in _SEQUENCES_OF_ITEMS:
                    row = self.add(item, None, 0, ".".join(inside.labels), ".".join(map(str, inside.numbers)))
                self.walk(item, inside, row)


def _cells(item: Level) -> Row:
    measured = first_item(item, "MeasuredValueSequence")
    concept, value, unit = code(item, "ConceptNameCodeSequence"), code(item, "ConceptCodeSequence"), _unit(measured, item)
    numeric = typed(measured, "NumericValue", "float64")
    instance = first_item(item, "ReferencedSOPSequence")
    return {
        "RelationshipType": text(item, "RelationshipType"),
        "ValueType": text(item, "ValueType"),
        "concept_code": concept.value,
        "concept_scheme": concept.scheme,
        "concept_meaning": concept.meaning,
        "value": _value(item, measured, instance, unit["unit_code"]),
        "NumericValue": typed(item, "NumericValue", "float64") if numeric is None else numeric,
        **unit,
        "value_code": value.value,
        "value_scheme": value.scheme,
        "DateTimeValue": typed(item, "DateTime", "timestamp[us]") or _midnight(typed(item, "Date", "date32")),
        "ReferencedSOPInstanceUID": text(instance, "ReferencedSOPInstanceUID"),
        "ReferencedFrameNumber": numbers(instance, "ReferencedFrameNumber"),
        "template_id": text(first_item(item, "ContentTemplateSequence"), "TemplateIdentifier"),
    }


def _unit(measured: Level | None, item: Level) -> Row:
    of_value, of_item = code(measured, "MeasurementUnitsCodeSequence"), code(item, "MeasurementUnitsCodeSequence")
    return {"unit_code": of_value.value or of_item.value, "unit_meaning": of_value.meaning or of_item.meaning}


def _value(item: Level, measured: Level | None, instance: Level | None, unit: str | None) -> str | None:
    """The value as text, whatever its type."""
    target = text(item, "ReferencedContentItemIdentifier")
    if target is not None:
        return target.replace("\\", ".")
    concept = code(item, "ConceptCodeSequence")
    found = text(item, "TextValue") or concept.meaning or concept.value or _number_with_unit(item, measured, unit)
    for keyword in _TEXTS:
        found = found or text(item, keyword)
    return found or text(instance, "ReferencedSOPInstanceUID") or text(item, "GraphicType") or text(item, "TemporalRangeType")


def _number_with_unit(item: Level, measured: Level | None, unit: str | None) -> str | None:
    """The number as the file writes it, and its unit where that is not 1, the one of numbers without dimension."""
    written = text(measured, "NumericValue") or text(item, "NumericValue")
    if written is None:
        return None
    first = written.split("\\")[0].strip(" ")
    if not first:
        return None
    return first if unit in (None, "1") else f"{first} {unit}"


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time())
