"""Content items of reports (PS3.3 C.17.3)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from dicomlake.samples.elements import code, item, reference

CONTAINS, PROPERTY, MODIFIER, CONTEXT = "CONTAINS", "HAS PROPERTIES", "HAS CONCEPT MOD", "HAS OBS CONTEXT"
INFERRED, SELECTED = "INFERRED FROM", "SELECTED FROM"

Concept = tuple[str, str, str]
"""Value, scheme and meaning of a code."""


def dcm(value: str, meaning: str) -> Concept:
    """Answer a code of DICOM's own scheme (PS3.16 annex D)."""
    return value, "DCM", meaning


def sct(value: str, meaning: str) -> Concept:
    """Answer a code of SNOMED CT."""
    return value, "SCT", meaning


def container(relationship: str | None, concept: Concept, *children: Dataset, template: str | None = None) -> Dataset:
    """Answer a container with its children, made by a template of PS3.16 if one is named."""
    made = _content(relationship, "CONTAINER", concept, *children, ContinuityOfContent="SEPARATE")
    if template is not None:
        made.ContentTemplateSequence = [item(MappingResource="DCMR", TemplateIdentifier=template)]
    return made


def number(concept: Concept, value: str, unit: tuple[str, str], *children: Dataset) -> Dataset:
    """Answer a number; ``unit`` is its UCUM code and meaning."""
    measured = item(NumericValue=value, MeasurementUnitsCodeSequence=code(unit[0], "UCUM", unit[1]))
    return _content(CONTAINS, "NUM", concept, *children, MeasuredValueSequence=[measured])


def coded(concept: Concept, value: Concept, *children: Dataset, relationship: str = CONTAINS) -> Dataset:
    """Answer a coded entry."""
    return _content(relationship, "CODE", concept, *children, ConceptCodeSequence=code(*value))


def text(concept: Concept, value: str, relationship: str = CONTAINS) -> Dataset:
    """Answer a text."""
    return _content(relationship, "TEXT", concept, TextValue=value)


def uid(concept: Concept, value: str, relationship: str = CONTAINS) -> Dataset:
    """Answer a UID."""
    return _content(relationship, "UIDREF", concept, UID=value)


def name(concept: Concept, value: str, relationship: str = CONTEXT) -> Dataset:
    """Answer the name of a person."""
    return _content(relationship, "PNAME", concept, PersonName=value)


def moment(concept: Concept, value: str) -> Dataset:
    """Answer a date and time, as DT text."""
    return _content(CONTAINS, "DATETIME", concept, DateTime=value)


def image(concept: Concept | None, source: Dataset, relationship: str = CONTAINS) -> Dataset:
    """Answer a reference to an image."""
    return _content(relationship, "IMAGE", concept, ReferencedSOPSequence=[reference(source)])


def path(concept: Concept, points: list[float], source: Dataset) -> Dataset:
    """Answer a line drawn in an image; ``points`` are columns and rows in turn."""
    selected = image(None, source, SELECTED)
    return _content(INFERRED, "SCOORD", concept, selected, GraphicType="POLYLINE", GraphicData=points)


def _content(relationship: str | None, value_type: str, concept: Concept | None, *children: Dataset, **values: object) -> Dataset:
    return item(
        RelationshipType=relationship,
        ValueType=value_type,
        ConceptNameCodeSequence=None if concept is None else code(*concept),
        ContentSequence=list(children) or None,
        **values,
    )
