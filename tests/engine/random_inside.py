"""Files made at random of the elements that rows inside headers are made of, nested in any way, with values that are odd in some places."""

from __future__ import annotations

from random import Random

from pydicom.datadict import dictionary_VR, tag_for_keyword

from tests.engine.builder import BIG_ENDIAN, EXPLICIT, IMPLICIT, UID, Writer, meta, part10

_UIDS = ["1.2.1", "1.2.2", "1.2.3", "1.2.4", "1.2.4 ", ""]
_CODES = ["A", "B", " C ", "", "1", "D\\E"]
_TEXTS = ["text", " padded  ", "two\\values", "", "été", "line\r\nline", "\\", "x\\"]
_NUMBERS = ["1", "2.50", " 3 ", "-4e1", "1\\2", "", "word", "7.0", "\\5", "99999999999999999999"]
_VALUES: dict[str, list[str] | list[bytes]] = {
    "UI": _UIDS,
    "SH": _CODES,
    "CS": ["A", "NUM", "TEXT", "", " CONTAINER", "A\\B"],
    "LO": _TEXTS,
    "UT": _TEXTS,
    "ST": _TEXTS,
    "UC": _TEXTS,
    "UR": ["urn:oid:1.2", "", "urn:x "],
    "DS": _NUMBERS,
    "IS": ["1", "2", " 3", "", "1\\2", "word", "2.0", "2.5"],
    "PN": ["Doe^Jane", "Doe^Jane^^^", "Doe=ドウ", "", "A^B\\C^D", " Doe"],
    "DA": ["20240229", "20230229", "2024.01.02", "", "20240101 "],
    "TM": ["010203", "01", "0102.5", "", "010203.5 "],
    "DT": ["20240102", "202401020304", "20240102030405.25+0100", "2024", "", "20241340"],
    "US": [b"\1\0", b"\2\0", b"\3\0", b"\1\0\2\0", b""],
    "UL": [b"\1\0\0\0", b"\1\0\0\0\2\0\0\0\1\0\0\0", b""],
}
_SEQUENCES = [
    "ReferencedSeriesSequence",
    "ReferencedInstanceSequence",
    "ReferencedSOPSequence",
    "SourceImageSequence",
    "DerivationImageSequence",
    "StudiesContainingOtherReferencedInstancesSequence",
    "ReferencedStudySequence",
    "RequestAttributesSequence",
    "ContentSequence",
    "AcquisitionContextSequence",
    "ProtocolContextSequence",
    "ContentItemModifierSequence",
    "SpecimenDescriptionSequence",
    "SpecimenPreparationSequence",
    "SpecimenPreparationStepContentItemSequence",
    "SpecimenLocalizationContentItemSequence",
    "ConceptNameCodeSequence",
    "ConceptCodeSequence",
    "MeasuredValueSequence",
    "MeasurementUnitsCodeSequence",
    "ContentTemplateSequence",
    "SegmentSequence",
    "StructureSetROISequence",
    "ROIContourSequence",
    "ContourSequence",
    "RTROIObservationsSequence",
    "AnnotationGroupSequence",
    "SegmentedPropertyCategoryCodeSequence",
    "SegmentedPropertyTypeCodeSequence",
    "AnatomicRegionSequence",
    "RTROIIdentificationCodeSequence",
    "SegmentationAlgorithmIdentificationSequence",
    "ReferencedFrameOfReferenceSequence",
    "RTReferencedStudySequence",
    "RTReferencedSeriesSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "SegmentIdentificationSequence",
    "AnnotationGroupAlgorithmIdentificationSequence",
    "AnnotationPropertyTypeCodeSequence",
]
_LEAVES = [
    "ReferencedSOPInstanceUID",
    "ReferencedSOPClassUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "ReferencedFrameOfReferenceUID",
    "CodeValue",
    "LongCodeValue",
    "URNCodeValue",
    "CodingSchemeDesignator",
    "CodeMeaning",
    "SegmentNumber",
    "SegmentLabel",
    "SegmentDescription",
    "SegmentAlgorithmType",
    "SegmentAlgorithmName",
    "AlgorithmName",
    "TrackingID",
    "TrackingUID",
    "RecommendedDisplayCIELabValue",
    "ReferencedSegmentNumber",
    "ROINumber",
    "ReferencedROINumber",
    "ROIName",
    "ROIDisplayColor",
    "RTROIInterpretedType",
    "AnnotationGroupNumber",
    "AnnotationGroupLabel",
    "NumberOfAnnotations",
    "GraphicType",
    "AnnotationGroupUID",
    "RelationshipType",
    "ValueType",
    "NumericValue",
    "TextValue",
    "DateTime",
    "Date",
    "Time",
    "PersonName",
    "UID",
    "TemporalRangeType",
    "ReferencedContentItemIdentifier",
    "ReferencedFrameNumber",
    "TemplateIdentifier",
]


_USUAL_LEAVES = {
    "SegmentSequence": ["SegmentNumber", "SegmentLabel"],
    "StructureSetROISequence": ["ROINumber", "ROIName", "ReferencedFrameOfReferenceUID"],
    "ROIContourSequence": ["ReferencedROINumber", "ROIDisplayColor"],
    "RTROIObservationsSequence": ["ReferencedROINumber", "RTROIInterpretedType"],
    "AnnotationGroupSequence": ["AnnotationGroupNumber", "NumberOfAnnotations"],
    "SegmentIdentificationSequence": ["ReferencedSegmentNumber"],
    "RTReferencedSeriesSequence": ["SeriesInstanceUID"],
    "ReferencedFrameOfReferenceSequence": ["FrameOfReferenceUID"],
    "ReferencedSeriesSequence": ["SeriesInstanceUID"],
    "MeasuredValueSequence": ["NumericValue"],
}
_USUAL_SEQUENCES = {
    "ReferencedFrameOfReferenceSequence": ["RTReferencedStudySequence"],
    "RTReferencedStudySequence": ["RTReferencedSeriesSequence"],
    "PerFrameFunctionalGroupsSequence": ["SegmentIdentificationSequence"],
    "SharedFunctionalGroupsSequence": ["SegmentIdentificationSequence"],
    "ROIContourSequence": ["ContourSequence"],
}
"""Elements that an item of a sequence most often has."""

_TOGETHER = [
    [],
    ["SegmentSequence", "PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence", "ReferencedSeriesSequence"],
    ["StructureSetROISequence", "ROIContourSequence", "RTROIObservationsSequence", "ReferencedFrameOfReferenceSequence"],
    ["AnnotationGroupSequence", "ReferencedSeriesSequence"],
    ["ContentSequence"],
]
"""Sequences at top level of which a file has those of one list, beside others."""

_BIG_ENDIAN_WIDTHS = {"US": 2, "UL": 4}
_KEYS_OF_PARENTS = ("SeriesInstanceUID", "StudyInstanceUID")


def random_file(random: Random) -> bytes:
    """A whole file in any encoding; the keys of its instance are sound."""
    syntax = random.choice([EXPLICIT, EXPLICIT, IMPLICIT, BIG_ENDIAN])
    writer = Writer(explicit=syntax != IMPLICIT, little=syntax != BIG_ENDIAN)
    keys = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33",
        "SOPInstanceUID": UID,
        "PatientID": "P1",
        "Modality": "OT",
        "StudyInstanceUID": "1.2.9",
        "SeriesInstanceUID": "1.2.10",
        "SpecificCharacterSet": random.choice(["ISO_IR 192", "ISO_IR 192", ""]),
    }
    elements = {_tag(keyword): writer.element(keyword, value) for keyword, value in keys.items()}
    if random.random() < 0.5:
        elements[_tag("ValueType")] = writer.element("ValueType", "CONTAINER")
    for keyword in random.choice(_TOGETHER):
        elements[_tag(keyword)] = _sequence(random, writer, keyword, 0)
    return part10(_filled(random, writer, elements, depth=0), meta(syntax))


def _filled(random: Random, writer: Writer, elements: dict[int, bytes], depth: int, around: str | int = "") -> bytes:
    """The bytes of a data set: these elements, those that are usual in a sequence, and others at random."""
    for keyword in _usual(random, _USUAL_SEQUENCES, around):
        elements[_tag(keyword)] = _sequence(random, writer, keyword, depth)
    for keyword in [*random.sample(_LEAVES, random.randint(1, 7)), *_usual(random, _USUAL_LEAVES, around)]:
        if depth or keyword not in _KEYS_OF_PARENTS:
            elements[_tag(keyword)] = writer.element(keyword, _value(random, writer, keyword))
    for keyword in random.sample(_SEQUENCES, random.randint(0 if depth else 3, max(0, 5 - depth))):
        elements.setdefault(_tag(keyword), _sequence(random, writer, keyword, depth))
    if writer.explicit and random.random() < 0.1:
        elements[0x00290010] = writer.element(0x00290010, "TEST", "LO")
        elements[0x00291001] = _sequence(random, writer, 0x00291001, depth + 2)
    return b"".join(elements[tag] for tag in sorted(elements))


def _usual(random: Random, usual: dict[str, list[str]], around: str | int) -> list[str]:
    return [keyword for keyword in usual.get(str(around), []) if random.random() < 0.8]


def _sequence(random: Random, writer: Writer, which: str | int, depth: int) -> bytes:
    items = [_filled(random, writer, {}, depth + 1, which) for _ in range(random.choice([0, 1, 1, 2, 3]))]
    return writer.sequence(which, *items, defined=random.choice([True, False]))


def _value(random: Random, writer: Writer, keyword: str) -> bytes:
    vr = dictionary_VR(_tag(keyword))
    value = random.choice(_VALUES[vr])
    if isinstance(value, str):
        return value.encode()
    width = _BIG_ENDIAN_WIDTHS[vr]
    numbers = [value[at : at + width] for at in range(0, len(value), width)]
    return b"".join(number if writer.little else number[::-1] for number in numbers)


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return tag
