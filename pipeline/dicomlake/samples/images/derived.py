"""Objects that are drawn, planned or computed on images: segmentation, structure set, plan and dose.

Every reference is to an instance of the sample. The one exception is the standard's: a structure set names its study in
RTReferencedStudySequence by StudyInstanceUID, under a SOP class that was never an object of storage (PS3.3 C.8.8.5).
"""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset
from pydicom.uid import RTDoseStorage, RTPlanStorage, RTStructureSetStorage, SegmentationStorage

from dicomlake.samples.elements import code, date_text, decimal, decimals, item, reference, time_text
from dicomlake.samples.encoding import SampleFile, pixels
from dicomlake.samples.entities import Series

_DETACHED_STUDY_MANAGEMENT = "1.2.840.10008.3.1.2.3.1"

_STRUCTURES = (
    ("Liver", "10200004", "ORGAN"),
    ("Left lung", "44029006", "ORGAN"),
    ("Lesion", "52988006", "GTV"),
)
"""Label, SNOMED code of the type, and RT ROI Interpreted Type."""

_GRID = 4


def segmentation(series: Series, images: Sequence[Dataset]) -> SampleFile:
    """Answer a binary segmentation of three segments in every slice of ``images`` (PS3.3 A.51)."""
    frames = [(segment, image) for segment in range(1, len(_STRUCTURES) + 1) for image in images]
    rows, columns = images[0].Rows, images[0].Columns
    dataset = series.instance(1, SegmentationStorage)
    dataset.update(series.frame_of_reference())
    dataset.update(pixels(rows, columns, frames=len(frames), bits_stored=1))
    purpose = code("121322", "DCM", "Source image for image processing operation")
    dataset.update(
        item(
            ImageType=["DERIVED", "PRIMARY"],
            NumberOfFrames=str(len(frames)),
            LossyImageCompression="00",
            SegmentationType="BINARY",
            ContentLabel="ORGANS",
            ContentDescription="Synthetic segments",
            ContentCreatorName="Reader^Synthetic",
            SegmentSequence=[
                item(
                    SegmentNumber=number,
                    SegmentLabel=label,
                    SegmentAlgorithmType="MANUAL" if kind == "GTV" else "AUTOMATIC",
                    SegmentAlgorithmName=None if kind == "GTV" else "SyntheticNet",
                    SegmentedPropertyCategoryCodeSequence=code("123037004", "SCT", "Anatomical Structure"),
                    SegmentedPropertyTypeCodeSequence=code(snomed, "SCT", label),
                )
                for number, (label, snomed, kind) in enumerate(_STRUCTURES, 1)
            ],
            ReferencedSeriesSequence=[
                item(
                    SeriesInstanceUID=images[0].SeriesInstanceUID,
                    ReferencedInstanceSequence=[reference(image) for image in images],
                )
            ],
            SharedFunctionalGroupsSequence=[
                item(
                    PixelMeasuresSequence=[
                        item(
                            PixelSpacing=list(images[0].PixelSpacing),
                            SliceThickness=images[0].SliceThickness,
                            SpacingBetweenSlices=images[0].SpacingBetweenSlices,
                        )
                    ],
                    PlaneOrientationSequence=[item(ImageOrientationPatient=list(images[0].ImageOrientationPatient))],
                )
            ],
            PerFrameFunctionalGroupsSequence=[
                item(
                    FrameContentSequence=[item(DimensionIndexValues=[segment, index % len(images) + 1])],
                    PlanePositionSequence=[item(ImagePositionPatient=list(image.ImagePositionPatient))],
                    SegmentIdentificationSequence=[item(ReferencedSegmentNumber=segment)],
                    DerivationImageSequence=[
                        item(
                            SourceImageSequence=[reference(image, PurposeOfReferenceCodeSequence=purpose)],
                            DerivationCodeSequence=code("113076", "DCM", "Segmentation"),
                        )
                    ],
                )
                for index, (segment, image) in enumerate(frames)
            ],
        )
    )
    return SampleFile.of(series, dataset)


def structure_set(series: Series, images: Sequence[Dataset]) -> SampleFile:
    """Answer a structure set (PS3.3 A.19) of three regions, each drawn in two slices of ``images``."""
    study, frame = series.study, images[0].FrameOfReferenceUID
    dataset = series.instance(1, RTStructureSetStorage)
    dataset.update(
        item(
            StructureSetLabel="CONTOURS",
            StructureSetName="Synthetic contours",
            StructureSetDate=date_text(study.date),
            StructureSetTime=time_text(series.start),
            ReferencedFrameOfReferenceSequence=[
                item(
                    FrameOfReferenceUID=frame,
                    RTReferencedStudySequence=[
                        item(
                            ReferencedSOPClassUID=_DETACHED_STUDY_MANAGEMENT,
                            ReferencedSOPInstanceUID=study.uid,
                            RTReferencedSeriesSequence=[
                                item(
                                    SeriesInstanceUID=images[0].SeriesInstanceUID,
                                    ContourImageSequence=[reference(image) for image in images],
                                )
                            ],
                        )
                    ],
                )
            ],
            StructureSetROISequence=[
                item(
                    ROINumber=str(number),
                    ReferencedFrameOfReferenceUID=frame,
                    ROIName=label,
                    ROIGenerationAlgorithm="SEMIAUTOMATIC",
                )
                for number, (label, _, _) in enumerate(_STRUCTURES, 1)
            ],
            ROIContourSequence=[
                item(
                    ROIDisplayColor=["255", str(80 * number), "0"],
                    ReferencedROINumber=str(number),
                    ContourSequence=[_contour(image, number) for image in images[:2]],
                )
                for number in range(1, len(_STRUCTURES) + 1)
            ],
            RTROIObservationsSequence=[
                item(
                    ObservationNumber=str(number),
                    ReferencedROINumber=str(number),
                    RTROIInterpretedType=kind,
                    ROIInterpreter="Reader^Synthetic",
                )
                for number, (_, _, kind) in enumerate(_STRUCTURES, 1)
            ],
            ApprovalStatus="UNAPPROVED",
        )
    )
    return SampleFile.of(series, dataset)


def _contour(image: Dataset, size: int) -> Dataset:
    z = str(image.ImagePositionPatient[2])
    corners = ((-size, -size), (size, -size), (size, size), (-size, size))
    return item(
        ContourImageSequence=[reference(image)],
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=str(len(corners)),
        ContourData=[text for x, y in corners for text in (*decimals(5 * x, 5 * y), z)],
    )


def plan(series: Series, structures: Dataset) -> SampleFile:
    """Answer a treatment plan (PS3.3 A.20) of one beam on ``structures``."""
    dataset = series.instance(1, RTPlanStorage)
    dataset.update(series.frame_of_reference())
    dataset.update(
        item(
            RTPlanLabel="PLAN A",
            RTPlanName="Synthetic plan",
            RTPlanDate=date_text(series.study.date),
            RTPlanTime=time_text(series.start),
            RTPlanGeometry="PATIENT",
            FractionGroupSequence=[
                item(
                    FractionGroupNumber="1",
                    NumberOfFractionsPlanned="20",
                    NumberOfBeams="1",
                    NumberOfBrachyApplicationSetups="0",
                )
            ],
            BeamSequence=[
                item(
                    BeamNumber="1",
                    BeamName="ANTERIOR",
                    BeamType="STATIC",
                    RadiationType="PHOTON",
                    TreatmentMachineName="LINAC-SYN",
                )
            ],
            ReferencedStructureSetSequence=[reference(structures)],
            ApprovalStatus="UNAPPROVED",
        )
    )
    return SampleFile.of(series, dataset)


def dose(series: Series, treatment_plan: Dataset, images: Sequence[Dataset]) -> SampleFile:
    """Answer the dose (PS3.3 A.18) of ``treatment_plan``, on a coarse grid over ``images``."""
    first = images[0]
    thickness = float(first.SliceThickness)
    dataset = series.instance(1, RTDoseStorage)
    dataset.update(series.frame_of_reference())
    dataset.update(pixels(_GRID, _GRID, frames=_GRID, bits_stored=16))
    dataset.update(
        item(
            ImagePositionPatient=list(first.ImagePositionPatient),
            ImageOrientationPatient=list(first.ImageOrientationPatient),
            PixelSpacing=decimals(4, 4),
            SliceThickness=decimal(2 * thickness),
            NumberOfFrames=str(_GRID),
            FrameIncrementPointer=0x3004000C,
            GridFrameOffsetVector=decimals(*(2 * thickness * frame for frame in range(_GRID))),
            DoseUnits="GY",
            DoseType="PHYSICAL",
            DoseSummationType="PLAN",
            DoseGridScaling="0.00001",
            TissueHeterogeneityCorrection=["IMAGE"],
            ReferencedRTPlanSequence=[reference(treatment_plan)],
        )
    )
    return SampleFile.of(series, dataset)
