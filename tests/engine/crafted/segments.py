"""Data sets with segments, ROIs and annotation groups, with cells of their rows."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from dicomlake.samples.elements import code, item
from tests.engine.crafted import Make, data_set

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
ANNOTATIONS = "1.2.840.10008.5.1.4.1.1.91.1"
LONG_CODE = "https-like-code-that-is-longer-than-sixteen"


def _frame(*numbers: int) -> Dataset:
    return item(SegmentIdentificationSequence=[item(ReferencedSegmentNumber=list(numbers))] if numbers else [])


def segmentation() -> Dataset:
    """Two segments, one of which has frames of its own; one without a number, and one with a number that is taken."""
    first = item(
        SegmentNumber=1,
        SegmentLabel="Liver",
        SegmentDescription="whole organ",
        SegmentAlgorithmType="AUTOMATIC",
        SegmentationAlgorithmIdentificationSequence=[item(AlgorithmName="by sequence")],
        SegmentedPropertyCategoryCodeSequence=code("123037004", "SCT", "Anatomical Structure"),
        SegmentedPropertyTypeCodeSequence=[item(LongCodeValue=LONG_CODE, CodingSchemeDesignator="99TEST", CodeMeaning="Liver")],
        AnatomicRegionSequence=[item(URNCodeValue="urn:oid:1.2.3", CodeMeaning="Abdomen")],
        RecommendedDisplayCIELabValue=[10, 20, 30],
        TrackingID="lesion 1",
        TrackingUID="1.7.1",
    )
    second = item(
        SegmentNumber=2,
        SegmentAlgorithmName="by name",
        SegmentationAlgorithmIdentificationSequence=[item(AlgorithmName="by sequence")],
    )
    others = [item(SegmentLabel="no number"), item(SegmentNumber=1, SegmentLabel="taken")]
    return data_set(
        SEGMENTATION,
        FrameOfReferenceUID="1.9",
        NumberOfFrames=4,
        SegmentSequence=[first, second, *others],
        ReferencedSeriesSequence=[item(SeriesInstanceUID=uid) for uid in ("1.3.2", "1.3.1", "1.3.2")],
        SharedFunctionalGroupsSequence=[_frame(1)],
        PerFrameFunctionalGroupsSequence=[_frame(2), _frame(), item(), _frame(1, 2)],
    )


def segmentation_without_frames() -> Dataset:
    """A segmentation whose frames have no groups of their own."""
    return data_set(SEGMENTATION, NumberOfFrames=1, SegmentSequence=[item(SegmentNumber=7)], SharedFunctionalGroupsSequence=[_frame(7)])


def structure_set() -> Dataset:
    """ROIs with contours, without contours and without an item for contours; two observations of one; series of two frames of reference."""

    def frame_of_reference(uid: str, *series: str) -> Dataset:
        items = [item(SeriesInstanceUID=one) for one in series]
        return item(FrameOfReferenceUID=uid, RTReferencedStudySequence=[item(RTReferencedSeriesSequence=items)])

    rois = [
        item(
            ROINumber=1, ROIName="Heart", ROIDescription="by hand", ReferencedFrameOfReferenceUID="1.9.1", ROIGenerationAlgorithm="MANUAL"
        ),
        item(ROINumber=2, ROIName="Lung", ReferencedFrameOfReferenceUID="1.9.7"),
        item(ROINumber=3, ROIName="Spine"),
        item(ROIName="no number"),
    ]
    observation = item(
        ReferencedROINumber=1,
        RTROIInterpretedType="ORGAN",
        RTROIIdentificationCodeSequence=code("80891009", "SCT", "Heart"),
        AnatomicRegionSequence=code("51185008", "SCT", "Thorax"),
        TrackingID="heart",
        TrackingUID="1.7.2",
    )
    return data_set(
        STRUCTURE_SET,
        FrameOfReferenceUID="1.9.2",
        StructureSetROISequence=rois,
        ROIContourSequence=[
            item(ReferencedROINumber=1, ROIDisplayColor=[255, 0, 10], ContourSequence=[item(ContourData=[1, 2, 3]), item(ContourData=[])]),
            item(ReferencedROINumber=2),
            item(ReferencedROINumber=1, ROIDisplayColor=[1, 1, 1], ContourSequence=[]),
        ],
        RTROIObservationsSequence=[observation, item(ReferencedROINumber=1, RTROIInterpretedType="PTV")],
        ReferencedFrameOfReferenceSequence=[frame_of_reference("1.9.1", "1.3.3", "1.3.1"), frame_of_reference("1.9.2", "1.3.2")],
    )


def annotations() -> Dataset:
    """Annotation groups of a slide."""
    group = item(
        AnnotationGroupNumber=1,
        AnnotationGroupUID="1.7.3",
        AnnotationGroupLabel="nuclei",
        AnnotationGroupDescription="all of them",
        AnnotationGroupGenerationType="AUTOMATIC",
        AnnotationGroupAlgorithmIdentificationSequence=[item(AlgorithmName="finder")],
        AnnotationPropertyCategoryCodeSequence=code("91723000", "SCT", "Anatomical structure"),
        AnnotationPropertyTypeCodeSequence=code("84640000", "SCT", "Nucleus"),
        NumberOfAnnotations=12,
        GraphicType="POINT",
        PointCoordinatesData=b"\0" * 96,
    )
    return data_set(ANNOTATIONS, FrameOfReferenceUID="1.9", AnnotationGroupSequence=[group])


Cells = list[dict[str, Any]]

SEGMENTS: dict[str, tuple[Make, Cells]] = {
    "segmentation": (
        segmentation,
        [
            {
                "segment_number": 1,
                "kind": "segment",
                "label": "Liver",
                "description": "whole organ",
                "algorithm_type": "AUTOMATIC",
                "algorithm_name": "by sequence",
                "category_code": "123037004",
                "category_meaning": "Anatomical Structure",
                "type_code": LONG_CODE,
                "type_scheme": "99TEST",
                "type_meaning": "Liver",
                "anatomic_region_code": "urn:oid:1.2.3",
                "anatomic_region_meaning": "Abdomen",
                "interpreted_type": None,
                "tracking_id": "lesion 1",
                "tracking_uid": "1.7.1",
                "recommended_cielab": [10, 20, 30],
                "frames": 3,
                "contours": None,
                "graphic_type": None,
                "FrameOfReferenceUID": "1.9",
                "source_series": ["1.3.1", "1.3.2"],
            },
            {"segment_number": 2, "algorithm_name": "by name", "frames": 2, "type_code": None, "recommended_cielab": None},
        ],
    ),
    "segmentation without frames": (
        segmentation_without_frames,
        [{"segment_number": 7, "frames": None, "source_series": None, "FrameOfReferenceUID": None}],
    ),
    "structure set": (
        structure_set,
        [
            {
                "segment_number": 1,
                "kind": "roi",
                "label": "Heart",
                "description": "by hand",
                "algorithm_type": "MANUAL",
                "algorithm_name": None,
                "category_code": None,
                "category_meaning": None,
                "type_code": "80891009",
                "type_scheme": "SCT",
                "type_meaning": "Heart",
                "anatomic_region_code": "51185008",
                "anatomic_region_meaning": "Thorax",
                "interpreted_type": "ORGAN",
                "tracking_id": "heart",
                "tracking_uid": "1.7.2",
                "recommended_cielab": [255, 0, 10],
                "frames": None,
                "contours": 2,
                "graphic_type": None,
                "FrameOfReferenceUID": "1.9.1",
                "source_series": ["1.3.1", "1.3.3"],
            },
            {"segment_number": 2, "contours": 0, "FrameOfReferenceUID": "1.9.7", "source_series": ["1.3.1", "1.3.2", "1.3.3"]},
            {"segment_number": 3, "contours": None, "FrameOfReferenceUID": "1.9.2", "source_series": ["1.3.2"], "type_code": None},
        ],
    ),
    "annotations": (
        annotations,
        [
            {
                "segment_number": 1,
                "kind": "annotation-group",
                "label": "nuclei",
                "description": "all of them",
                "algorithm_type": "AUTOMATIC",
                "algorithm_name": "finder",
                "category_code": "91723000",
                "category_meaning": "Anatomical structure",
                "type_code": "84640000",
                "type_scheme": "SCT",
                "type_meaning": "Nucleus",
                "anatomic_region_code": None,
                "anatomic_region_meaning": None,
                "interpreted_type": None,
                "tracking_id": None,
                "tracking_uid": "1.7.3",
                "recommended_cielab": None,
                "frames": None,
                "contours": 12,
                "graphic_type": "POINT",
                "FrameOfReferenceUID": "1.9",
                "source_series": None,
            }
        ],
    ),
}
"""By name the data set, and cells of its rows of `segments`; of the first row all cells."""
