"""Data sets with content items, with cells of their rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydicom.dataset import Dataset

from dicomlake.samples.elements import code, item
from tests.engine.crafted import Make, data_set
from tests.engine.crafted.segments import LONG_CODE

CT = "1.2.840.10008.5.1.4.1.1.2"


def _concept(value: str, meaning: str) -> dict[str, Any]:
    return {"ConceptNameCodeSequence": code(value, "DCM", meaning)}


def _measured(number: str, *unit: str) -> list[Dataset]:
    return [item(NumericValue=number, MeasurementUnitsCodeSequence=code(unit[0], "UCUM", unit[1]) if unit else None)]


def report() -> Dataset:
    """A report with an item of each value type, and one that refers to another by its place."""
    image = item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID="1.4.1", ReferencedFrameNumber=[1, 3])
    container = item(
        RelationshipType="CONTAINS",
        ValueType="CONTAINER",
        **_concept("125007", "Measurement Group"),
        ContentTemplateSequence=[item(MappingResource="DCMR", TemplateIdentifier="1411")],
        ContentSequence=[
            item(
                RelationshipType="CONTAINS",
                ValueType="NUM",
                **_concept("118565006", "Volume"),
                MeasuredValueSequence=_measured("12.50", "mm3", "cubic millimeter"),
            ),
            item(RelationshipType="CONTAINS", ValueType="NUM", MeasuredValueSequence=_measured("3", "1", "no units")),
            item(RelationshipType="CONTAINS", ValueType="NUM", MeasuredValueSequence=_measured("4")),
            item(RelationshipType="CONTAINS", ValueType="NUM", MeasuredValueSequence=[]),
            item(RelationshipType="SELECTED FROM", ReferencedContentItemIdentifier=[1, 2, 1]),
        ],
    )
    return data_set(
        ValueType="CONTAINER",
        **_concept("126000", "Imaging Measurement Report"),
        ContentTemplateSequence=[item(TemplateIdentifier="1500")],
        ContentSequence=[
            item(ValueType="TEXT", TextValue="two\r\nlines \\ one value"),
            container,
            item(ValueType="CODE", ConceptCodeSequence=code("G-A101", "SRT", "Left")),
            item(ValueType="CODE", ConceptCodeSequence=[item(LongCodeValue=LONG_CODE, CodingSchemeDesignator="99TEST")]),
            item(ValueType="DATETIME", DateTime="20240102030405.5"),
            item(ValueType="DATE", Date="20240102"),
            item(ValueType="TIME", Time="030405"),
            item(ValueType="PNAME", PersonName="Doe^Jane"),
            item(ValueType="UIDREF", UID="1.2.3"),
            item(ValueType="IMAGE", ReferencedSOPSequence=[image]),
            item(
                ValueType="SCOORD",
                GraphicType="POLYLINE",
                GraphicData=[1.0, 2.0],
                ContentSequence=[item(ValueType="IMAGE", ReferencedSOPSequence=[image])],
            ),
            item(ValueType="TCOORD", TemporalRangeType="POINT"),
        ],
    )


def acquisition_context() -> Dataset:
    """Contexts of an image: values stand in the items themselves, and items inside items."""
    modifier = item(ValueType="CODE", **_concept("G-C036", "Modifier"), ConceptCodeSequence=code("M", "99TEST", "modified"))
    inner = item(ValueType="NUMERIC", NumericValue=["7.0", "8"], MeasurementUnitsCodeSequence=code("s", "UCUM", "second"))
    return data_set(
        CT,
        AcquisitionContextSequence=[
            item(ValueType="TEXT", **_concept("121", "Remark"), TextValue="first"),
            item(
                ValueType="CODE",
                ConceptCodeSequence=code("A", "99TEST", "a"),
                ContentSequence=[inner],
                ContentItemModifierSequence=[modifier],
            ),
        ],
        PerformedProtocolCodeSequence=[
            item(
                CodeValue="P",
                ProtocolContextSequence=[item(ValueType="TEXT", TextValue="protocol", ContentItemModifierSequence=[modifier])],
            )
        ],
    )


def specimen() -> Dataset:
    """A slide whose specimen was prepared in two steps."""

    def step(*items: Dataset) -> Dataset:
        return item(SpecimenPreparationStepContentItemSequence=list(items))

    fixing = step(
        item(ValueType="CODE", ConceptCodeSequence=code("430864009", "SCT", "Tissue Fixative")),
        item(ValueType="TEXT", TextValue="six hours"),
    )
    staining = step(item(ValueType="CODE", ConceptCodeSequence=code("12710003", "SCT", "hematoxylin stain")))
    place = item(ValueType="TEXT", TextValue="left half")
    described = item(
        SpecimenIdentifier="S1", SpecimenPreparationSequence=[fixing, staining], SpecimenLocalizationContentItemSequence=[place]
    )
    return data_set("1.2.840.10008.5.1.4.1.1.77.1.6", SpecimenDescriptionSequence=[described])


def character_sets() -> Dataset:
    """Items in a character set of their own."""
    greek = item(
        SpecificCharacterSet="ISO_IR 126", ValueType="TEXT", TextValue="Κείμενο", ContentSequence=[item(ValueType="TEXT", TextValue="Μέσα")]
    )
    return data_set(
        SpecificCharacterSet="ISO_IR 100", ValueType="CONTAINER", ContentSequence=[greek, item(ValueType="TEXT", TextValue="été")]
    )


def content_elsewhere() -> Dataset:
    """A content sequence that is neither at top level nor in a content item."""
    inside = item(
        ContentSequence=[
            item(ValueType="TEXT", TextValue="a", ContentSequence=[item(ValueType="TEXT", TextValue="b")]),
            item(ValueType="TEXT", TextValue="c"),
        ]
    )
    return data_set(CT, RequestAttributesSequence=[item(CodeValue="X"), inside])


def value_type_alone() -> Dataset:
    """A root without content, behind an acquisition context that stands before it in the file."""
    return data_set(ValueType="CONTAINER", AcquisitionContextSequence=[item(ValueType="TEXT", TextValue="a")])


_STEPS = "SpecimenDescriptionSequence.SpecimenPreparationSequence.SpecimenPreparationStepContentItemSequence"
_PROTOCOL = "PerformedProtocolCodeSequence.ProtocolContextSequence"
Cells = list[dict[str, Any]]

CONTENT_ITEMS: dict[str, tuple[Make, Cells]] = {
    "report": (
        report,
        [
            {
                "item_number": 1,
                "element_path": "ContentSequence",
                "parent_number": None,
                "depth": 0,
                "position": "1",
                "RelationshipType": None,
                "ValueType": "CONTAINER",
                "concept_code": "126000",
                "concept_scheme": "DCM",
                "concept_meaning": "Imaging Measurement Report",
                "value": None,
                "NumericValue": None,
                "unit_code": None,
                "unit_meaning": None,
                "value_code": None,
                "value_scheme": None,
                "DateTimeValue": None,
                "ReferencedSOPInstanceUID": None,
                "ReferencedFrameNumber": None,
                "template_id": "1500",
            },
            {"item_number": 2, "parent_number": 1, "depth": 1, "position": "1.1", "value": "two\r\nlines \\ one value"},
            {
                "item_number": 3,
                "parent_number": 1,
                "depth": 1,
                "position": "1.2",
                "value": None,
                "template_id": "1411",
                "concept_code": "125007",
            },
            {
                "item_number": 4,
                "parent_number": 3,
                "depth": 2,
                "position": "1.2.1",
                "RelationshipType": "CONTAINS",
                "value": "12.50 mm3",
                "NumericValue": 12.5,
                "unit_code": "mm3",
                "unit_meaning": "cubic millimeter",
            },
            {"position": "1.2.2", "value": "3", "NumericValue": 3.0, "unit_code": "1"},
            {"position": "1.2.3", "value": "4", "NumericValue": 4.0, "unit_code": None},
            {"position": "1.2.4", "value": None, "NumericValue": None},
            {"position": "1.2.5", "value": "1.2.1", "ValueType": None, "RelationshipType": "SELECTED FROM"},
            {"position": "1.3", "value": "Left", "value_code": "G-A101", "value_scheme": "SRT", "parent_number": 1},
            {"position": "1.4", "value": LONG_CODE, "value_code": LONG_CODE, "value_scheme": "99TEST"},
            {"position": "1.5", "value": "20240102030405.5", "DateTimeValue": dt.datetime(2024, 1, 2, 3, 4, 5, 500_000)},
            {"position": "1.6", "value": "20240102", "DateTimeValue": dt.datetime(2024, 1, 2)},
            {"position": "1.7", "value": "030405", "DateTimeValue": None},
            {"position": "1.8", "value": "Doe^Jane"},
            {"position": "1.9", "value": "1.2.3"},
            {"position": "1.10", "value": "1.4.1", "ReferencedSOPInstanceUID": "1.4.1", "ReferencedFrameNumber": [1, 3]},
            {"position": "1.11", "value": "POLYLINE", "ReferencedSOPInstanceUID": None},
            {"position": "1.11.1", "value": "1.4.1", "depth": 2, "parent_number": 17, "item_number": 18},
            {"position": "1.12", "value": "POINT", "depth": 1, "parent_number": 1},
        ],
    ),
    "acquisition context": (
        acquisition_context,
        [
            {"item_number": 1, "element_path": _PROTOCOL, "depth": 0, "position": "1.1", "value": "protocol", "parent_number": None},
            {
                "item_number": 2,
                "element_path": f"{_PROTOCOL}.ContentItemModifierSequence",
                "depth": 0,
                "position": "1.1.1",
                "parent_number": None,
            },
            {
                "item_number": 3,
                "element_path": "AcquisitionContextSequence",
                "depth": 0,
                "position": "1",
                "concept_code": "121",
                "value": "first",
            },
            {"item_number": 4, "element_path": "AcquisitionContextSequence", "depth": 0, "position": "2", "value": "a"},
            {"item_number": 5, "element_path": "AcquisitionContextSequence.ContentItemModifierSequence", "depth": 0, "position": "2.1"},
            {
                "item_number": 6,
                "element_path": "AcquisitionContextSequence",
                "depth": 1,
                "position": "2.1",
                "parent_number": 4,
                "value": "7.0 s",
                "NumericValue": 7.0,
                "unit_code": "s",
                "unit_meaning": "second",
            },
        ],
    ),
    "specimen": (
        specimen,
        [
            {"element_path": _STEPS, "position": "1.1.1", "value": "Tissue Fixative", "depth": 0, "parent_number": None},
            {"element_path": _STEPS, "position": "1.1.2", "value": "six hours", "item_number": 2},
            {"element_path": _STEPS, "position": "1.2.1", "value": "hematoxylin stain", "value_code": "12710003"},
            {
                "element_path": "SpecimenDescriptionSequence.SpecimenLocalizationContentItemSequence",
                "position": "1.1",
                "value": "left half",
            },
        ],
    ),
    "character sets": (
        character_sets,
        [{"value": None}, {"value": "Κείμενο"}, {"value": "Μέσα", "position": "1.1.1"}, {"value": "été"}],
    ),
    "content elsewhere": (
        content_elsewhere,
        [
            {
                "element_path": "RequestAttributesSequence.ContentSequence",
                "position": "2.1",
                "value": "a",
                "depth": 0,
                "parent_number": None,
            },
            {
                "element_path": "RequestAttributesSequence.ContentSequence",
                "position": "2.1.1",
                "value": "b",
                "depth": 1,
                "parent_number": 1,
            },
            {
                "element_path": "RequestAttributesSequence.ContentSequence",
                "position": "2.2",
                "value": "c",
                "depth": 0,
                "parent_number": None,
            },
        ],
    ),
    "value type alone": (
        value_type_alone,
        [
            {"item_number": 1, "element_path": "ContentSequence", "position": "1", "ValueType": "CONTAINER"},
            {"item_number": 2, "element_path": "AcquisitionContextSequence", "position": "1", "parent_number": None, "value": "a"},
        ],
    ),
}
"""By name the data set, and cells of its rows of `content_items`; of the first report's root all cells."""
