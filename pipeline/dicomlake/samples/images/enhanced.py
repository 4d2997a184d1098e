"""Enhanced multi-frame CT and MR: one file for a whole volume, its geometry in functional groups.

Attributes of all frames are once in SharedFunctionalGroupsSequence; others are in one item for each frame of
PerFrameFunctionalGroupsSequence (PS3.3 C.7.6.16). Which of the two a reader must look in differs from file to file:
here the CT has its orientation and thickness shared, the MR has them in each frame.
"""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.uid import EnhancedCTImageStorage, EnhancedMRImageStorage

from dicomlake.samples.elements import code, date_text, decimal, decimals, item, later, time_text
from dicomlake.samples.encoding import SampleFile, pixels
from dicomlake.samples.entities import Series
from dicomlake.samples.images.slices import Stack

_MATRIX = 8


def enhanced_ct(series: Series, stack: Stack) -> SampleFile:
    """Answer an Enhanced CT image (PS3.3 A.38) of one frame for each slice of ``stack``."""
    dataset = _volume(series, stack.slices, EnhancedCTImageStorage)
    dataset.update(pixels(_MATRIX, _MATRIX, frames=stack.slices, bits_stored=16, signed=True))
    frame_type = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.update(
        item(
            ImageType=frame_type,
            SharedFunctionalGroupsSequence=[
                item(
                    PixelMeasuresSequence=[_pixel_measures(stack)],
                    PlaneOrientationSequence=[item(ImageOrientationPatient=decimals(*stack.orientation))],
                    CTImageFrameTypeSequence=[item(FrameType=frame_type, VolumetricProperties="VOLUME")],
                    PixelValueTransformationSequence=[item(RescaleIntercept="-1024", RescaleSlope="1", RescaleType="HU")],
                    CTExposureSequence=[item(ExposureTimeInms=500.0, XRayTubeCurrentInmA=190.0, CTDIvol=6.5)],
                    CTXRayDetailsSequence=[item(KVP="100")],
                    FrameAnatomySequence=[item(FrameLaterality="U", AnatomicRegionSequence=code(*_anatomy(series)))],
                )
            ],
            PerFrameFunctionalGroupsSequence=[
                item(
                    FrameContentSequence=[_frame_content(series, index)],
                    PlanePositionSequence=[item(ImagePositionPatient=stack.position(index))],
                    FrameVOILUTSequence=[item(WindowCenter=["40"], WindowWidth=["400"])],
                )
                for index in range(stack.slices)
            ],
        )
    )
    return SampleFile.of(series, dataset)


def enhanced_mr(series: Series, stack: Stack, b_values: tuple[float, ...]) -> SampleFile:
    """Answer an Enhanced MR image (PS3.3 A.36): the slices of ``stack`` once for each b-value, in s/mm²."""
    frames = [(b_value, index) for b_value in b_values for index in range(stack.slices)]
    dataset = _volume(series, len(frames), EnhancedMRImageStorage)
    dataset.update(pixels(_MATRIX, _MATRIX, frames=len(frames), bits_stored=16))
    frame_type = ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"]
    dataset.update(
        item(
            ImageType=frame_type,
            MagneticFieldStrength="1.5",
            ImagedNucleus="1H",
            SharedFunctionalGroupsSequence=[
                item(
                    MRTimingAndRelatedParametersSequence=[item(RepetitionTime="5200", FlipAngle="90", EchoTrainLength="1")],
                    MRImageFrameTypeSequence=[item(FrameType=frame_type)],
                )
            ],
            PerFrameFunctionalGroupsSequence=[
                item(
                    FrameContentSequence=[_frame_content(series, number, position=index)],
                    PlanePositionSequence=[item(ImagePositionPatient=stack.position(index))],
                    PlaneOrientationSequence=[item(ImageOrientationPatient=decimals(*stack.orientation))],
                    PixelMeasuresSequence=[_pixel_measures(stack)],
                    MREchoSequence=[item(EffectiveEchoTime=72.0)],
                    MRDiffusionSequence=[item(DiffusionBValue=b_value, DiffusionDirectionality="ISOTROPIC" if b_value else "NONE")],
                    PixelValueTransformationSequence=[item(RescaleIntercept="0", RescaleSlope="1", RescaleType="US")],
                )
                for number, (b_value, index) in enumerate(frames)
            ],
        )
    )
    return SampleFile.of(series, dataset)


def _volume(series: Series, frames: int, sop_class_uid: str) -> Dataset:
    organization = series.study.identity.uid("dimensions", series.folder)
    dataset = series.instance(1, sop_class_uid)
    dataset.update(series.frame_of_reference())
    dataset.update(series.acquired(0))
    dataset.update(
        item(
            PatientPosition="HFS",
            BurnedInAnnotation="NO",
            LossyImageCompression="00",
            VolumetricProperties="VOLUME",
            NumberOfFrames=str(frames),
            DimensionOrganizationSequence=[item(DimensionOrganizationUID=organization)],
            DimensionIndexSequence=[
                item(
                    DimensionOrganizationUID=organization,
                    DimensionIndexPointer=0x00200032,
                    FunctionalGroupPointer=0x00209113,
                )
            ],
        )
    )
    return dataset


def _pixel_measures(stack: Stack) -> Dataset:
    return item(
        PixelSpacing=decimals(stack.pixel_spacing, stack.pixel_spacing),
        SliceThickness=decimal(stack.spacing),
        SpacingBetweenSlices=decimal(stack.spacing),
    )


def _frame_content(series: Series, number: int, position: int | None = None) -> Dataset:
    place = number if position is None else position
    return item(
        FrameAcquisitionNumber=1,
        FrameAcquisitionDateTime=date_text(series.study.date) + time_text(later(series.start, 0.5 * number)),
        FrameReferenceDateTime=date_text(series.study.date) + time_text(later(series.start, 0.5 * number)),
        FrameAcquisitionDuration=250.0,
        DimensionIndexValues=[place + 1],
        StackID="1",
        InStackPositionNumber=place + 1,
    )


def _anatomy(series: Series) -> tuple[str, str, str]:
    _, snomed, meaning = series.body_part
    return snomed, "SCT", meaning
