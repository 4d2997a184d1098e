"""A whole slide: a pyramid of tiled images, the label and the overview of one glass (PS3.3 A.32.8)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, VLWholeSlideMicroscopyImageStorage

from dicomlake.samples.elements import code, decimal, decimals, item
from dicomlake.samples.encoding import SampleFile, pixels
from dicomlake.samples.entities import Series

_TILE = 8
_LEVELS = (4, 2, 1)
"""Tiles in each direction, for each level of the pyramid."""

_FINEST_SPACING_MM = 0.00025


def slide_set(series: Series) -> list[SampleFile]:
    """Answer the files of one slide: three levels, the coarser ones tiled in full, and the label and overview images.

    The finest level states the position of each tile (TILED_SPARSE); in the others the order of the tiles gives it
    (TILED_FULL).
    """
    files = []
    for number, tiles in enumerate(_LEVELS, 1):
        flavor = "NONE" if number == 1 else "RESAMPLED"
        dataset = _image(series, number, tiles, ["DERIVED", "PRIMARY", "VOLUME", flavor])
        dataset.update(_tile_positions(tiles) if number == 1 else item(DimensionOrganizationType="TILED_FULL"))
        dataset.update(item(BurnedInAnnotation="NO", SpecimenLabelInImage="NO"))
        files.append(SampleFile.of(series, dataset, JPEG2000Lossless if number == 1 else JPEGBaseline8Bit))
    for number, flavor in enumerate(("LABEL", "OVERVIEW"), len(_LEVELS) + 1):
        dataset = _image(series, number, 1, ["ORIGINAL", "PRIMARY", flavor, "NONE"])
        dataset.update(
            item(
                DimensionOrganizationType="TILED_FULL",
                BurnedInAnnotation="YES",
                SpecimenLabelInImage="YES",
                LabelText="SYNTHETIC 1A" if flavor == "LABEL" else None,
                BarcodeValue="SYN-1A" if flavor == "LABEL" else None,
            )
        )
        files.append(SampleFile.of(series, dataset))
    return files


def _image(series: Series, number: int, tiles: int, image_type: list[str]) -> Dataset:
    spacing = _FINEST_SPACING_MM * _LEVELS[0] / tiles
    organization = series.study.identity.uid("dimensions", series.folder)
    dataset = series.instance(number, VLWholeSlideMicroscopyImageStorage)
    dataset.update(series.frame_of_reference("slide"))
    dataset.update(series.acquired(0))
    dataset.update(pixels(_TILE, _TILE, frames=tiles * tiles, bits_stored=8, samples=3, photometric="RGB"))
    dataset.update(_specimens(series))
    dataset.update(
        item(
            ImageType=image_type,
            NumberOfFrames=str(tiles * tiles),
            VolumetricProperties="VOLUME",
            FocusMethod="AUTO",
            ExtendedDepthOfField="NO",
            LossyImageCompression="00",
            ImagedVolumeWidth=_TILE * tiles * spacing,
            ImagedVolumeHeight=_TILE * tiles * spacing,
            ImagedVolumeDepth=0.001,
            TotalPixelMatrixColumns=_TILE * tiles,
            TotalPixelMatrixRows=_TILE * tiles,
            TotalPixelMatrixFocalPlanes=1,
            NumberOfOpticalPaths=1,
            TotalPixelMatrixOriginSequence=[item(XOffsetInSlideCoordinateSystem="40", YOffsetInSlideCoordinateSystem="20")],
            ImageOrientationSlide=decimals(0, -1, 0, -1, 0, 0),
            DimensionOrganizationSequence=[item(DimensionOrganizationUID=organization)],
            OpticalPathSequence=[
                item(
                    OpticalPathIdentifier="1",
                    OpticalPathDescription="Brightfield",
                    ObjectiveLensPower=decimal(20 * tiles / _LEVELS[0]),
                    IlluminationTypeCodeSequence=code("111744", "DCM", "Brightfield illumination"),
                )
            ],
            SharedFunctionalGroupsSequence=[
                item(
                    PixelMeasuresSequence=[
                        item(PixelSpacing=[decimal(spacing, 6)] * 2, SliceThickness="0.001"),
                    ],
                    WholeSlideMicroscopyImageFrameTypeSequence=[item(FrameType=image_type)],
                    OpticalPathIdentificationSequence=[item(OpticalPathIdentifier="1")],
                )
            ],
        )
    )
    return dataset


def _specimens(series: Series) -> Dataset:
    identity, folder = series.study.identity, series.folder
    return item(
        ContainerIdentifier="SYN-SLIDE-1",
        ContainerTypeCodeSequence=code("433466003", "SCT", "Microscope slide"),
        SpecimenDescriptionSequence=[
            item(
                SpecimenIdentifier=f"SYN-SLIDE-1-{part}",
                SpecimenUID=identity.uid("specimen", folder, part),
                SpecimenShortDescription=f"Synthetic section {part}",
                PrimaryAnatomicStructureSequence=code("76752008", "SCT", "Breast"),
            )
            for part in ("A", "B")
        ],
    )


def _tile_positions(tiles: int) -> Dataset:
    return item(
        DimensionOrganizationType="TILED_SPARSE",
        PerFrameFunctionalGroupsSequence=[
            item(
                FrameContentSequence=[item(DimensionIndexValues=[column + 1, row + 1])],
                PlanePositionSlideSequence=[
                    item(
                        ColumnPositionInTotalImagePixelMatrix=column * _TILE + 1,
                        RowPositionInTotalImagePixelMatrix=row * _TILE + 1,
                        XOffsetInSlideCoordinateSystem=decimal(40 - row * _TILE * _FINEST_SPACING_MM),
                        YOffsetInSlideCoordinateSystem=decimal(20 - column * _TILE * _FINEST_SPACING_MM),
                        ZOffsetInSlideCoordinateSystem="0",
                    )
                ],
            )
            for row in range(tiles)
            for column in range(tiles)
        ],
    )
