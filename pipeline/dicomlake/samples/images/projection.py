"""Images without a place in space: radiographs, mammograms and ultrasound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import (
    JPEG2000,
    ComputedRadiographyImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from dicomlake.samples.elements import code, decimals, item
from dicomlake.samples.encoding import SampleFile, pixels
from dicomlake.samples.entities import Series

_CINE_FRAMES = 12


def cr_image(series: Series, number: int, view: str) -> Dataset:
    """Answer a computed radiograph (PS3.3 A.2) in the view ``view``, a defined term of ViewPosition."""
    dataset = series.instance(number, ComputedRadiographyImageStorage)
    dataset.update(series.acquired(number))
    dataset.update(pixels(12, 10, photometric="MONOCHROME1"))
    dataset.update(
        item(
            ImageType=["ORIGINAL", "PRIMARY", ""],
            PatientOrientation=["L", "F"] if view == "PA" else ["A", "F"],
            ViewPosition=view,
            BurnedInAnnotation="NO",
            LossyImageCompression="00",
            QualityControlImage="NO",
            ImagerPixelSpacing=decimals(0.15, 0.15),
            PixelAspectRatio=["1", "1"],
            KVP="125",
            Exposure="2",
            ExposureTime="8",
            XRayTubeCurrent="250",
            DistanceSourceToDetector="1800",
            DistanceSourceToPatient="1720",
            ExposureIndex="312.5",
            DeviationIndex="-0.4",
            DetectorType="STORAGE",
            WindowCenter=["2048"],
            WindowWidth=["4096"],
            VOILUTFunction="SIGMOID",
            ImageComments="Synthetic radiograph",
        )
    )
    return dataset


def cr_series(series: Series, views: Sequence[str] = ("PA", "LATERAL")) -> list[SampleFile]:
    """Answer a radiography series with one image for each view."""
    return [SampleFile.of(series, cr_image(series, number, view)) for number, view in enumerate(views, 1)]


@dataclass(frozen=True, slots=True)
class _View:
    side: str
    position: str
    snomed: str
    meaning: str
    angle: float


_SCREENING_VIEWS = (
    _View("R", "CC", "399162004", "cranio-caudal", 0),
    _View("L", "CC", "399162004", "cranio-caudal", 0),
    _View("R", "MLO", "399368009", "medio-lateral oblique", -48.5),
    _View("L", "MLO", "399368009", "medio-lateral oblique", 48.5),
)


def mg_series(series: Series) -> list[SampleFile]:
    """Answer the four images of a screening mammography (PS3.3 A.27): JPEG-LS, and one of them lossy JPEG 2000."""
    files = []
    for number, view in enumerate(_SCREENING_VIEWS, 1):
        dataset = series.instance(number, DigitalMammographyXRayImageStorageForPresentation)
        dataset.update(series.acquired(number))
        dataset.update(pixels(14, 10))
        dataset.update(
            item(
                ImageType=["DERIVED", "PRIMARY"],
                PresentationIntentType="FOR PRESENTATION",
                PatientOrientation=["P", "L"] if view.side == "R" else ["A", "R"],
                ImageLaterality=view.side,
                ViewPosition=view.position,
                ViewCodeSequence=code(view.snomed, "SCT", view.meaning),
                BurnedInAnnotation="NO",
                ImagerPixelSpacing=decimals(0.07, 0.07),
                PixelPaddingValue=0,
                KVP="28",
                Exposure="62",
                ExposureInuAs="62400",
                ExposureTime="780",
                XRayTubeCurrent="80",
                BodyPartThickness="54",
                CompressionForce="92.5",
                PositionerPrimaryAngle=decimals(view.angle)[0],
                PositionerSecondaryAngle="0",
                DistanceSourceToDetector="650",
                DistanceSourceToPatient="630",
                DetectorType="DIRECT",
                BreastImplantPresent="NO",
                RescaleIntercept="0",
                RescaleSlope="1",
                RescaleType="US",
                WindowCenter=["2000"],
                WindowWidth=["1800"],
                ContentLabel=f"{view.side}{view.position}",
                ContentDescription="Screening view",
            )
        )
        lossy = number == len(_SCREENING_VIEWS)
        dataset.update(_compression("ISO_15444_1" if lossy else None))
        files.append(SampleFile.of(series, dataset, JPEG2000 if lossy else JPEGLSLossless))
    return files


def _compression(lossy_method: str | None) -> Dataset:
    if lossy_method is None:
        return item(LossyImageCompression="00")
    return item(
        LossyImageCompression="01",
        LossyImageCompressionRatio=["12.5"],
        LossyImageCompressionMethod=[lossy_method],
    )


def us_series(series: Series) -> list[SampleFile]:
    """Answer an ultrasound series (PS3.3 A.6, A.7): two RLE stills, and a cine loop in baseline JPEG."""
    files = []
    for number in (1, 2, 3):
        cine = number == len((1, 2, 3))
        sop_class = UltrasoundMultiFrameImageStorage if cine else UltrasoundImageStorage
        dataset = series.instance(number, sop_class)
        dataset.update(series.acquired(number))
        dataset.update(
            pixels(
                8,
                10,
                frames=_CINE_FRAMES if cine else 1,
                bits_stored=8,
                samples=3,
                photometric="YBR_FULL_422" if cine else "RGB",
            )
        )
        dataset.update(_compression("ISO_10918_1" if cine else None))
        dataset.update(
            item(
                ImageType=["ORIGINAL", "PRIMARY", "ABDOMINAL"],
                PatientOrientation="",
                BurnedInAnnotation="YES",
                SequenceOfUltrasoundRegions=[
                    item(
                        RegionSpatialFormat=1,
                        RegionDataType=1,
                        RegionFlags=2,
                        RegionLocationMinX0=0,
                        RegionLocationMinY0=0,
                        RegionLocationMaxX1=9,
                        RegionLocationMaxY1=7,
                        PhysicalUnitsXDirection=3,
                        PhysicalUnitsYDirection=3,
                        PhysicalDeltaX=0.021,
                        PhysicalDeltaY=0.021,
                    )
                ],
            )
        )
        if cine:
            dataset.update(
                item(
                    NumberOfFrames=str(_CINE_FRAMES),
                    FrameTime="33.3",
                    FrameIncrementPointer=0x00181063,
                    CineRate="30",
                    RecommendedDisplayFrameRate="30",
                )
            )
        files.append(SampleFile.of(series, dataset, JPEGBaseline8Bit if cine else RLELossless))
    return files
