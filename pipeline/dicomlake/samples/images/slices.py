"""Series of single-frame slices: CT, MR and PET, one file for each slice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage

from dicomlake.samples.elements import code, date_text, decimal, decimals, item, later, reference, time_text
from dicomlake.samples.encoding import SampleFile, pixels
from dicomlake.samples.entities import Series

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)

_MATRIX = 8
_FLUORINE_18_HALF_LIFE_SECONDS = 6586.2
_PET_FRAME_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Stack:
    """Parallel slices at one distance from each other.

    Attributes:
        slices: how many.
        spacing: from slice to slice, in mm; also the slice thickness.
        pixel_spacing: of rows and of columns, in mm.
        orientation: ImageOrientationPatient.
        start: of the first slice along the normal, in mm.
    """

    slices: int
    spacing: float
    pixel_spacing: float
    orientation: tuple[float, ...] = AXIAL
    start: float = -100.0

    def location(self, index: int) -> float:
        """Answer the position of slice ``index`` along the normal, in mm."""
        return self.start + index * self.spacing

    def position(self, index: int) -> list[str]:
        """Answer ImagePositionPatient of slice ``index`` (counts from 0)."""
        corner = -self.pixel_spacing * _MATRIX / 2
        if self.orientation == CORONAL:
            return decimals(corner, self.location(index), -corner)
        return decimals(corner, corner, self.location(index))

    def plane(self, index: int) -> Dataset:
        """Answer the Image Plane Module (PS3.3 C.7.6.2) of slice ``index``."""
        return item(
            ImagePositionPatient=self.position(index),
            ImageOrientationPatient=decimals(*self.orientation),
            SliceLocation=decimal(self.location(index)),
            SliceThickness=decimal(self.spacing),
            SpacingBetweenSlices=decimal(self.spacing),
            PixelSpacing=decimals(self.pixel_spacing, self.pixel_spacing),
        )


def ct_series(series: Series, stack: Stack, sources: Sequence[Dataset] = ()) -> list[SampleFile]:
    """Answer a CT series (PS3.3 A.3); with ``sources``, a reformat made from those images."""
    files = []
    for index in range(stack.slices):
        dataset = series.instance(index + 1, CTImageStorage)
        dataset.update(series.frame_of_reference())
        dataset.update(series.acquired(index))
        dataset.update(stack.plane(index))
        dataset.update(pixels(_MATRIX, _MATRIX, signed=True))
        dataset.update(ct_technique(stack.spacing))
        dataset.update(
            item(
                ImageType=["DERIVED", "SECONDARY", "MPR"] if sources else ["ORIGINAL", "PRIMARY", "AXIAL"],
                PatientPosition="HFS",
                BurnedInAnnotation="NO",
                LossyImageCompression="00",
                RescaleIntercept="-1024",
                RescaleSlope="1",
                RescaleType="HU",
                WindowCenter=["40", "-600"],
                WindowWidth=["400", "1500"],
                VOILUTFunction="LINEAR",
                SmallestImagePixelValue=0,
                LargestImagePixelValue=_MATRIX * _MATRIX - 1,
                PixelPaddingValue=-2000,
                XRayTubeCurrent=str(180 + 5 * (index % 9)),
            )
        )
        if sources:
            pair = [sources[(2 * index + offset) % len(sources)] for offset in range(2)]
            dataset.DerivationDescription = "Reformatted from thin slices"
            dataset.SourceImageSequence = [reference(source) for source in pair]
        files.append(SampleFile.of(series, dataset))
    return files


def ct_technique(spacing: float) -> Dataset:
    """Answer the attributes of the CT Image Module that stay the same in a series (PS3.3 C.8.2.1)."""
    return item(
        KVP="120",
        Exposure="95",
        ExposureTime="500",
        ExposureInuAs="95000",
        ConvolutionKernel=["Br40f", "3"],
        GantryDetectorTilt="0",
        ReconstructionDiameter="360",
        DataCollectionDiameter="500",
        SpiralPitchFactor=0.8,
        FilterType="BODY FILTER",
        ScanOptions=["HELICAL MODE"],
        CTDIvol=7.25,
        SingleCollimationWidth=spacing / 4,
        TotalCollimationWidth=spacing * 16,
        TableSpeed=53.7,
        ExposureModulationType=["ANGULAR", "LONGITUDINAL"],
        ContrastBolusAgent="Synthetic contrast agent",
        ContrastBolusRoute="IV",
        ContrastBolusVolume="90",
        ContrastBolusIngredient="IODINE",
        DistanceSourceToDetector="1085.6",
        DistanceSourceToPatient="595",
    )


@dataclass(frozen=True, slots=True)
class MrTechnique:
    """The differences between MR series; times in ms, angle in degrees, b-value in s/mm²."""

    image_type: tuple[str, ...]
    sequence: str
    sequence_name: str
    echo_time: float
    repetition_time: float
    flip_angle: float
    inversion_time: float | None = None
    b_value: float | None = None

    def dataset(self) -> Dataset:
        """Answer the attributes of the MR Image Module that stay the same in a series (PS3.3 C.8.3.1)."""
        return item(
            ImageType=list(self.image_type),
            ScanningSequence=[self.sequence],
            SequenceVariant=["SK", "SP"],
            SequenceName=self.sequence_name,
            ScanOptions=["FS"],
            MRAcquisitionType="2D",
            MagneticFieldStrength="3",
            EchoTime=decimal(self.echo_time),
            RepetitionTime=decimal(self.repetition_time),
            InversionTime=None if self.inversion_time is None else decimal(self.inversion_time),
            DiffusionBValue=self.b_value,
            EchoTrainLength="11",
            EchoNumbers=["1"],
            FlipAngle=decimal(self.flip_angle),
            PixelBandwidth="220",
            ImagingFrequency="123.2549",
            ImagedNucleus="1H",
            NumberOfAverages="2",
            PercentSampling="80",
            PercentPhaseFieldOfView="87.5",
            ReceiveCoilName="HeadNeck_20",
            TransmitCoilName="Body",
            InPlanePhaseEncodingDirection="ROW",
            ParallelReductionFactorInPlane=2.0,
            AcquisitionMatrix=[0, 320, 256, 0],
            TriggerTime="0",
            TemporalPositionIdentifier="1",
            NumberOfTemporalPositions="1",
        )


def mr_series(series: Series, stack: Stack, technique: MrTechnique, sources: Sequence[Dataset] = ()) -> list[SampleFile]:
    """Answer an MR series (PS3.3 A.4); with ``sources``, a map whose slice i was computed from source i."""
    files = []
    for index in range(stack.slices):
        dataset = series.instance(index + 1, MRImageStorage)
        dataset.update(series.frame_of_reference())
        dataset.update(series.acquired(index))
        dataset.update(stack.plane(index))
        dataset.update(pixels(_MATRIX, _MATRIX))
        dataset.update(technique.dataset())
        dataset.update(
            item(
                PatientPosition="HFS",
                WindowCenter=["600"],
                WindowWidth=["1200"],
                SmallestImagePixelValue=0,
                LargestImagePixelValue=_MATRIX * _MATRIX - 1,
            )
        )
        if sources:
            dataset.DerivationDescription = "Computed map"
            dataset.SourceImageSequence = [reference(sources[index])]
        files.append(SampleFile.of(series, dataset))
    return files


def pet_series(series: Series, stack: Stack) -> list[SampleFile]:
    """Answer an attenuation-corrected FDG PET series (PS3.3 A.21)."""
    study = series.study
    injected = later(study.time, -3600)
    files = []
    for index in range(stack.slices):
        dataset = series.instance(index + 1, PositronEmissionTomographyImageStorage)
        dataset.update(series.frame_of_reference())
        dataset.update(series.acquired(index))
        dataset.update(stack.plane(index))
        dataset.update(pixels(_MATRIX, _MATRIX, bits_stored=16))
        elapsed = index // 4 * _PET_FRAME_SECONDS
        dataset.update(
            item(
                ImageType=["ORIGINAL", "PRIMARY"],
                PatientPosition="HFS",
                SeriesType=["WHOLE BODY", "IMAGE"],
                Units="BQML",
                RescaleIntercept="0",
                RescaleSlope=decimal(0.5 + index / 100),
                WindowCenter=["5000"],
                WindowWidth=["10000"],
                CorrectedImage=["DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"],
                DecayCorrection="START",
                DecayFactor=decimal(math.exp(math.log(2) * elapsed / _FLUORINE_18_HALF_LIFE_SECONDS), 6),
                AttenuationCorrectionMethod="CT-derived mu-map",
                ScatterCorrectionMethod="Model-based",
                RandomsCorrectionMethod="DLYD",
                ReconstructionMethod="OSEM 3i21s",
                ActualFrameDuration=str(_PET_FRAME_SECONDS * 1000),
                FrameReferenceTime=str(elapsed * 1000),
                NumberOfSlices=stack.slices,
                NumberOfTimeSlices=1,
                RadiopharmaceuticalInformationSequence=[
                    item(
                        Radiopharmaceutical="Fluorodeoxyglucose",
                        RadiopharmaceuticalStartTime=time_text(injected),
                        RadiopharmaceuticalStartDateTime=date_text(study.date) + time_text(injected),
                        RadionuclideTotalDose="350000000",
                        RadionuclideHalfLife=decimal(_FLUORINE_18_HALF_LIFE_SECONDS),
                        RadionuclideCodeSequence=code("C-111A1", "SRT", "^18^Fluorine"),
                    )
                ],
            )
        )
        files.append(SampleFile.of(series, dataset))
    return files
