"""Rows of `segments`: segments of segmentations, annotation groups, and ROIs of structure sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from dicomlake.extract.pydicom_engine.inside.cells import code, first_item, items, number, numbers, text
from dicomlake.extract.pydicom_engine.level import Level

Row = dict[str, Any]


def segment_rows(top: Level) -> list[Row]:
    """The rows of a header, also those without a number or with that of an earlier one.

    Args:
        top: the data set of the file.

    Returns:
        The own columns of `segments` that are not keys.

    Raises:
        Exception: pydicom can't parse a sequence.
    """
    return [*_segments(top), *_rois(top), *_annotation_groups(top)]


def _segments(top: Level) -> Iterator[Row]:
    segments = items(top, "SegmentSequence")
    frames = _frames_of_segments(top) if segments else None
    for segment in segments:
        segment_number = number(segment, "SegmentNumber")
        algorithm = first_item(segment, "SegmentationAlgorithmIdentificationSequence")
        yield {
            "kind": "segment",
            "segment_number": segment_number,
            "label": text(segment, "SegmentLabel"),
            "description": text(segment, "SegmentDescription"),
            "algorithm_type": text(segment, "SegmentAlgorithmType"),
            "algorithm_name": text(segment, "SegmentAlgorithmName") or text(algorithm, "AlgorithmName"),
            **_category(segment, "SegmentedPropertyCategoryCodeSequence"),
            **_type(segment, "SegmentedPropertyTypeCodeSequence"),
            **_anatomic_region(segment),
            "tracking_id": text(segment, "TrackingID"),
            "tracking_uid": text(segment, "TrackingUID"),
            "recommended_cielab": numbers(segment, "RecommendedDisplayCIELabValue"),
            "frames": None if frames is None else frames[segment_number],
            "FrameOfReferenceUID": text(top, "FrameOfReferenceUID"),
            "source_series": _source_series(top),
        }


def _frames_of_segments(top: Level) -> Counter[int | None] | None:
    """How many frames each segment has; None where the object has no per-frame groups."""
    frames = items(top, "PerFrameFunctionalGroupsSequence")
    if not frames:
        return None
    shared = _segments_of_group(first_item(top, "SharedFunctionalGroupsSequence"))
    return Counter(segment for frame in frames for segment in set(_segments_of_group(frame) or shared))


def _segments_of_group(group: Level | None) -> list[int | None]:
    return numbers(first_item(group, "SegmentIdentificationSequence"), "ReferencedSegmentNumber") or []


def _annotation_groups(top: Level) -> Iterator[Row]:
    for group in items(top, "AnnotationGroupSequence"):
        yield {
            "kind": "annotation-group",
            "segment_number": number(group, "AnnotationGroupNumber"),
            "label": text(group, "AnnotationGroupLabel"),
            "description": text(group, "AnnotationGroupDescription"),
            "algorithm_type": text(group, "AnnotationGroupGenerationType"),
            "algorithm_name": text(first_item(group, "AnnotationGroupAlgorithmIdentificationSequence"), "AlgorithmName"),
            **_category(group, "AnnotationPropertyCategoryCodeSequence"),
            **_type(group, "AnnotationPropertyTypeCodeSequence"),
            **_anatomic_region(group),
            "tracking_uid": text(group, "AnnotationGroupUID"),
            "recommended_cielab": numbers(group, "RecommendedDisplayCIELabValue"),
            "contours": number(group, "NumberOfAnnotations"),
            "graphic_type": text(group, "GraphicType"),
            "FrameOfReferenceUID": text(top, "FrameOfReferenceUID"),
            "source_series": _source_series(top),
        }


def _rois(top: Level) -> Iterator[Row]:
    rois = items(top, "StructureSetROISequence")
    observations = _by_roi(items(top, "RTROIObservationsSequence")) if rois else {}
    contours = _by_roi(items(top, "ROIContourSequence")) if rois else {}
    for roi in rois:
        roi_number = number(roi, "ROINumber")
        observation, contour = observations.get(roi_number), contours.get(roi_number)
        frame_of_reference = text(roi, "ReferencedFrameOfReferenceUID") or text(top, "FrameOfReferenceUID")
        yield {
            "kind": "roi",
            "segment_number": roi_number,
            "label": text(roi, "ROIName"),
            "description": text(roi, "ROIDescription"),
            "algorithm_type": text(roi, "ROIGenerationAlgorithm"),
            **_type(observation, "RTROIIdentificationCodeSequence"),
            **_anatomic_region(observation),
            "interpreted_type": text(observation, "RTROIInterpretedType"),
            "tracking_id": text(observation, "TrackingID"),
            "tracking_uid": text(observation, "TrackingUID"),
            "recommended_cielab": numbers(contour, "ROIDisplayColor"),
            "contours": None if contour is None else len(items(contour, "ContourSequence")),
            "FrameOfReferenceUID": frame_of_reference,
            "source_series": _source_series_of_roi(top, frame_of_reference),
        }


def _by_roi(of_rois: list[Level]) -> dict[int | None, Level]:
    """Items by the number of the ROI that they refer to; of several the first."""
    found: dict[int | None, Level] = {}
    for item in of_rois:
        roi_number = number(item, "ReferencedROINumber")
        if roi_number is not None:
            found.setdefault(roi_number, item)
    return found


def _source_series(top: Level) -> list[str] | None:
    return _distinct(text(series, "SeriesInstanceUID") for series in items(top, "ReferencedSeriesSequence"))


def _source_series_of_roi(top: Level, frame_of_reference: str | None) -> list[str] | None:
    frames = items(top, "ReferencedFrameOfReferenceSequence")
    own = [frame for frame in frames if frame_of_reference and text(frame, "FrameOfReferenceUID") == frame_of_reference]
    return _distinct(
        text(series, "SeriesInstanceUID")
        for frame in own or frames
        for study in items(frame, "RTReferencedStudySequence")
        for series in items(study, "RTReferencedSeriesSequence")
    )


def _distinct(uids: Iterator[str | None]) -> list[str] | None:
    return sorted({uid for uid in uids if uid is not None}) or None


def _category(item: Level, keyword: str) -> Row:
    found = code(item, keyword)
    return {"category_code": found.value, "category_meaning": found.meaning}


def _type(item: Level | None, keyword: str) -> Row:
    found = code(item, keyword)
    return {"type_code": found.value, "type_scheme": found.scheme, "type_meaning": found.meaning}


def _anatomic_region(item: Level | None) -> Row:
    found = code(item, "AnatomicRegionSequence")
    return {"anatomic_region_code": found.value, "anatomic_region_meaning": found.meaning}
