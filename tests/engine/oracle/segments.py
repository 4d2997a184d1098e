"""Rows of `segments`."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from tests.engine.oracle.data_set import code, first, sequence, value

Row = dict[str, Any]
_NUMBERS = "list<int64>"


def segments(top: Dataset) -> list[Row]:
    """The rows of a file: items with a number, of several with the same the first."""
    rows: dict[int, Row] = {}
    for row in every_row(top):
        if row["segment_number"] is not None:
            rows.setdefault(row["segment_number"], row)
    return list(rows.values())


def has_repeated_numbers(top: Dataset) -> bool:
    """Whether an item has no number, or that of an item before."""
    return len(every_row(top)) > len(segments(top))


def every_row(top: Dataset) -> list[Row]:
    """A row for each item."""
    return [
        *(_segment(top, item) for item in sequence(top, "SegmentSequence")),
        *(_roi(top, item) for item in sequence(top, "StructureSetROISequence")),
        *(_annotation_group(top, item) for item in sequence(top, "AnnotationGroupSequence")),
    ]


def _segment(top: Dataset, item: Dataset) -> Row:
    number = value(item, "SegmentNumber", "int64")
    algorithm = first(item, "SegmentationAlgorithmIdentificationSequence")
    name = value(item, "SegmentAlgorithmName")
    return {
        **_coded("category", item, "SegmentedPropertyCategoryCodeSequence"),
        **_coded("type", item, "SegmentedPropertyTypeCodeSequence"),
        **_coded("anatomic_region", item, "AnatomicRegionSequence"),
        "segment_number": number,
        "kind": "segment",
        "label": value(item, "SegmentLabel"),
        "description": value(item, "SegmentDescription"),
        "algorithm_type": value(item, "SegmentAlgorithmType"),
        "algorithm_name": value(algorithm, "AlgorithmName") if name is None else name,
        "interpreted_type": None,
        "tracking_id": value(item, "TrackingID"),
        "tracking_uid": value(item, "TrackingUID"),
        "recommended_cielab": value(item, "RecommendedDisplayCIELabValue", _NUMBERS),
        "frames": _frames(top, number),
        "contours": None,
        "graphic_type": None,
        "FrameOfReferenceUID": value(top, "FrameOfReferenceUID"),
        "source_series": _series(sequence(top, "ReferencedSeriesSequence")),
    }


def _frames(top: Dataset, number: int | None) -> int | None:
    frames = sequence(top, "PerFrameFunctionalGroupsSequence")
    if not frames:
        return None
    shared = _segments_of(first(top, "SharedFunctionalGroupsSequence"))
    return sum(number in (_segments_of(frame) or shared or []) for frame in frames)


def _segments_of(group: Dataset | None) -> list[int] | None:
    found: list[int] | None = value(first(group, "SegmentIdentificationSequence"), "ReferencedSegmentNumber", _NUMBERS)
    return found


def _annotation_group(top: Dataset, item: Dataset) -> Row:
    return {
        **_coded("category", item, "AnnotationPropertyCategoryCodeSequence"),
        **_coded("type", item, "AnnotationPropertyTypeCodeSequence"),
        **_coded("anatomic_region", item, "AnatomicRegionSequence"),
        "segment_number": value(item, "AnnotationGroupNumber", "int64"),
        "kind": "annotation-group",
        "label": value(item, "AnnotationGroupLabel"),
        "description": value(item, "AnnotationGroupDescription"),
        "algorithm_type": value(item, "AnnotationGroupGenerationType"),
        "algorithm_name": value(first(item, "AnnotationGroupAlgorithmIdentificationSequence"), "AlgorithmName"),
        "interpreted_type": None,
        "tracking_id": None,
        "tracking_uid": value(item, "AnnotationGroupUID"),
        "recommended_cielab": value(item, "RecommendedDisplayCIELabValue", _NUMBERS),
        "frames": None,
        "contours": value(item, "NumberOfAnnotations", "int64"),
        "graphic_type": value(item, "GraphicType"),
        "FrameOfReferenceUID": value(top, "FrameOfReferenceUID"),
        "source_series": _series(sequence(top, "ReferencedSeriesSequence")),
    }


def _roi(top: Dataset, item: Dataset) -> Row:
    number = value(item, "ROINumber", "int64")
    observation = _of_roi(top, "RTROIObservationsSequence", number)
    contours = _of_roi(top, "ROIContourSequence", number)
    own_frame_of_reference = value(item, "ReferencedFrameOfReferenceUID")
    frame_of_reference = value(top, "FrameOfReferenceUID") if own_frame_of_reference is None else own_frame_of_reference
    return {
        "category_code": None,
        "category_meaning": None,
        **_coded("type", observation, "RTROIIdentificationCodeSequence"),
        **_coded("anatomic_region", observation, "AnatomicRegionSequence"),
        "segment_number": number,
        "kind": "roi",
        "label": value(item, "ROIName"),
        "description": value(item, "ROIDescription"),
        "algorithm_type": value(item, "ROIGenerationAlgorithm"),
        "algorithm_name": None,
        "interpreted_type": value(observation, "RTROIInterpretedType"),
        "tracking_id": value(observation, "TrackingID"),
        "tracking_uid": value(observation, "TrackingUID"),
        "recommended_cielab": value(contours, "ROIDisplayColor", _NUMBERS),
        "frames": None,
        "contours": None if contours is None else len(sequence(contours, "ContourSequence")),
        "graphic_type": None,
        "FrameOfReferenceUID": frame_of_reference,
        "source_series": _series_of_roi(top, frame_of_reference),
    }


def _of_roi(top: Dataset, keyword: str, number: int | None) -> Dataset | None:
    found = (item for item in sequence(top, keyword) if value(item, "ReferencedROINumber", "int64") == number)
    return None if number is None else next(found, None)


def _series_of_roi(top: Dataset, frame_of_reference: str | None) -> list[str] | None:
    frames = sequence(top, "ReferencedFrameOfReferenceSequence")
    same = [frame for frame in frames if value(frame, "FrameOfReferenceUID") == frame_of_reference is not None]
    return _series(
        [item for frame in same or frames for item in sequence(frame, "RTReferencedStudySequence", "RTReferencedSeriesSequence")]
    )


def _series(items: list[Dataset]) -> list[str] | None:
    return sorted({value(item, "SeriesInstanceUID") for item in items} - {None}) or None


def _coded(name: str, item: Dataset | None, keyword: str) -> Row:
    found = dict(zip(("code", "scheme", "meaning"), code(item, keyword), strict=True))
    return {f"{name}_{part}": text for part, text in found.items() if part != "scheme" or name == "type"}
