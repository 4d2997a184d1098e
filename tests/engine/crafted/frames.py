"""Data sets with frames, with cells of their rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset

from dicomlake.samples.elements import item
from dicomlake.schema import standard_frame_attributes, user_column, user_frame_attribute
from tests.engine.crafted import Make, data_set
from tests.engine.oracle.frames import Choice

ENHANCED_CT, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.1"
DOSE, SLIDE, NUCLEAR = "1.2.840.10008.5.1.4.1.1.481.2", "1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.5.1.4.1.1.20"
AXIAL = [1, 0, 0, 0, 1, 0]


def pixels(length: int, **others: object) -> dict[str, Any]:
    """The attributes of images of 2 by 3 pixels of 8 bits, and pixel data of so many bytes."""
    image = {"Rows": 2, "Columns": 3, "BitsAllocated": 8, "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2"}
    return {**image, **others, "PixelRepresentation": 0, "PixelData": b"\0" * length}


def enhanced() -> Dataset:
    """Values of the frame, of the shared groups, and at top level, where they don't count; a frame type in several places."""
    measures = [item(PixelSpacing=["0.5", "0.25"], SliceThickness="1.5")]
    shared = item(
        PixelMeasuresSequence=[*measures, item(SliceThickness="9")],
        PixelValueTransformationSequence=[item(RescaleSlope="2", RescaleIntercept="-1")],
        MRImageFrameTypeSequence=[item(FrameType=["SHARED", "PRIMARY"])],
        MRDiffusionSequence=[item(DiffusionGradientDirectionSequence=[item(DiffusionGradientOrientation=[0.0, 0.0, 1.0])])],
    )
    first = item(
        PlanePositionSequence=[item(ImagePositionPatient=["1", "2", "-3.5"])],
        PixelValueTransformationSequence=[item(RescaleSlope="3")],
        FrameContentSequence=[item(StackID="A", DimensionIndexValues=[1, 2], FrameAcquisitionDateTime="20240102030405")],
        CTImageFrameTypeSequence=[item(FrameType=["CT", "PRIMARY"])],
        MRImageFrameTypeSequence=[item(FrameType=["MR", "PRIMARY"])],
    )
    second = item(
        PlanePositionSequence=[], CTImageFrameTypeSequence=[item(FrameType=["CT", "", "X"])], FrameContentSequence=[item(StackID="")]
    )
    return data_set(
        ENHANCED_MR,
        NumberOfFrames=3,
        SliceThickness="7",
        KVP="120",
        SharedFunctionalGroupsSequence=[shared, item(PixelMeasuresSequence=[item(SpacingBetweenSlices="3")])],
        PerFrameFunctionalGroupsSequence=[first, second, item()],
    )


def character_sets() -> Dataset:
    """A frame in a character set of its own."""
    frames = [
        item(SpecificCharacterSet="ISO_IR 126", FrameContentSequence=[item(FrameComments="Κείμενο")]),
        item(FrameContentSequence=[item(FrameComments="été\\ici")]),
    ]
    return data_set(ENHANCED_CT, SpecificCharacterSet="ISO_IR 100", PerFrameFunctionalGroupsSequence=frames)


def plain() -> Dataset:
    """Frames without groups: values of the header; offsets of frames, padding at the end of pixel data aside."""
    return data_set(
        NumberOfFrames=3,
        PixelSpacing=["0.5", "0.25"],
        KVP="120",
        ConvolutionKernel=["A", "B"],
        FrameTime="40",
        **pixels(46, Columns=5, BitsAllocated=12),
    )


def colours() -> Dataset:
    """Two samples a pixel where colour is sent for every second pixel."""
    return data_set(NumberOfFrames=2, **pixels(24, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422"))


def other_length() -> Dataset:
    """Pixel data that is not the length of its frames."""
    return data_set(NumberOfFrames=2, **pixels(14))


def bits() -> Dataset:
    """Frames that do not begin at a byte."""
    return data_set(NumberOfFrames=2, **pixels(2, BitsAllocated=1))


def shared_alone() -> Dataset:
    """One frame, of which only the shared groups tell."""
    return data_set(ENHANCED_CT, SharedFunctionalGroupsSequence=[item(CTXRayDetailsSequence=[item(KVP="100")])])


def more_stated() -> Dataset:
    """More frames stated than there are items."""
    return data_set(ENHANCED_CT, NumberOfFrames=5, PerFrameFunctionalGroupsSequence=[item(), item()])


def none_stated() -> Dataset:
    """Groups of no frame."""
    return data_set(ENHANCED_CT, NumberOfFrames=0, SharedFunctionalGroupsSequence=[item()])


def many() -> Dataset:
    """More frames than the file has bytes."""
    return data_set(NumberOfFrames=90_000)


def single() -> Dataset:
    """One frame without groups, which has no row."""
    return data_set(NumberOfFrames=1, PixelSpacing=["1", "1"])


def dose(*offsets: object, **others: object) -> Make:
    """A dose of three frames."""
    given: dict[str, object] = {"ImagePositionPatient": ["10", "20", "30"], "ImageOrientationPatient": AXIAL, **others}
    return lambda: data_set(DOSE, NumberOfFrames=3, GridFrameOffsetVector=list(offsets), **given)


def times(**values: object) -> Make:
    """A film of three frames."""
    return lambda: data_set(NumberOfFrames=3, **values)


def nuclear() -> Dataset:
    """Vectors of nuclear medicine, one of them too short."""
    return data_set(
        NUCLEAR,
        NumberOfFrames=2,
        EnergyWindowVector=[1, 2],
        DetectorVector=[3, 4],
        PhaseVector=[5, 6],
        RotationVector=[7, 8],
        RRIntervalVector=[9, 10],
        TimeSlotVector=[11, 12],
        SliceVector=[13, 14],
        AngularViewVector=[15],
    )


def tiled() -> Dataset:
    """Six tiles in two focal planes, of which those at the right and at the bottom reach beyond the image."""
    measures = item(PixelSpacing=["0.5", "0.25"], SpacingBetweenSlices="0.002")
    return data_set(
        SLIDE,
        NumberOfFrames=12,
        Rows=100,
        Columns=200,
        TotalPixelMatrixRows=150,
        TotalPixelMatrixColumns=500,
        TotalPixelMatrixFocalPlanes=2,
        ImageOrientationSlide=[0, -1, 0, -1, 0, 0],
        TotalPixelMatrixOriginSequence=[item(XOffsetInSlideCoordinateSystem="20", YOffsetInSlideCoordinateSystem="40")],
        DimensionOrganizationType="TILED_FULL",
        SharedFunctionalGroupsSequence=[item(PixelMeasuresSequence=[measures])],
    )


PRIVATE = user_frame_attribute(
    user_column("(0021,xxFE)[TEST GROUPS][0].(0021,xx01)[TEST GROUPS]", name="gain", vr="DS", type_name="float64")
)
PIXEL_PRESENTATION = user_frame_attribute(user_column("CTImageFrameTypeSequence[0].PixelPresentation"))


def private() -> Dataset:
    """A private group whose block is another in its inner item."""
    inner = item()
    inner.private_block(0x0021, "OTHER", create=True).add_new(0x01, "DS", "9")
    inner.private_block(0x0021, "TEST GROUPS", create=True).add_new(0x01, "DS", "1.5")
    frame = item(CTImageFrameTypeSequence=[item(PixelPresentation="COLOR")])
    frame.private_block(0x0021, "TEST GROUPS", create=True).add_new(0xFE, "SQ", [inner])
    return data_set(ENHANCED_CT, NumberOfFrames=2, PerFrameFunctionalGroupsSequence=[frame, item()])


@dataclass(frozen=True)
class FramesCase:
    """A data set, the settings, cells of its rows, and whether it has the finding ``frame-count``."""

    make: Make
    rows: list[dict[str, Any]]
    choice: Choice = field(default_factory=Choice)
    is_finding: bool = False


def _positions(*positions: list[float] | None) -> list[dict[str, Any]]:
    return [{"ImagePositionPatient": position} for position in positions]


def _times(*milliseconds: float | None) -> list[dict[str, Any]]:
    return [{"frame_time_ms": time} for time in milliseconds]


def _tile(column: int, row: int, x: float, y: float, z: float) -> dict[str, Any]:
    return {
        "ColumnPositionInTotalImagePixelMatrix": column,
        "RowPositionInTotalImagePixelMatrix": row,
        "XOffsetInSlideCoordinateSystem": x,
        "YOffsetInSlideCoordinateSystem": y,
        "ZOffsetInSlideCoordinateSystem": z,
    }


_NO_POSITIONS = _positions(None, None, None)
_TILES = [
    _tile(column + 1, row + 1, 20 - row * 0.5, 40 - column * 0.25, z) for z in (0.0, 2.0) for row in (0, 100) for column in (0, 200, 400)
]

FRAMES: dict[str, FramesCase] = {
    "enhanced": FramesCase(
        enhanced,
        [
            {
                "frame_number": 1,
                "ImagePositionPatient": [1.0, 2.0, -3.5],
                "PixelSpacing": [0.5, 0.25],
                "SliceThickness": 1.5,
                "SpacingBetweenSlices": None,
                "RescaleSlope": 3.0,
                "RescaleIntercept": -1.0,
                "StackID": "A",
                "DimensionIndexValues": [1, 2],
                "FrameType": ["MR", "PRIMARY"],
                "DiffusionGradientOrientation": [0.0, 0.0, 1.0],
                "KVP": None,
                "frame_time_ms": None,
                "frame_offset": None,
            },
            {"frame_number": 2, "ImagePositionPatient": None, "RescaleSlope": 2.0, "StackID": None, "FrameType": ["CT", None, "X"]},
            {"frame_number": 3, "FrameType": ["SHARED", "PRIMARY"], "SliceThickness": 1.5},
        ],
    ),
    "character sets": FramesCase(character_sets, [{"FrameComments": "Κείμενο"}, {"FrameComments": "été\\ici"}]),
    "plain": FramesCase(
        plain,
        [
            {"PixelSpacing": [0.5, 0.25], "KVP": 120.0, "ConvolutionKernel": ["A", "B"], "frame_length": 15, "frame_time_ms": time}
            for time in (0.0, 40.0, 80.0)
        ],
    ),
    "colours": FramesCase(colours, [{"frame_length": 12}] * 2),
    "other length": FramesCase(other_length, [{"frame_length": None, "frame_offset": None}] * 2),
    "bits": FramesCase(bits, [{"frame_length": None, "frame_offset": None}] * 2),
    "shared alone": FramesCase(shared_alone, [{"frame_number": 1, "KVP": 100.0}]),
    "more stated": FramesCase(more_stated, [{"frame_number": 1}, {"frame_number": 2}], is_finding=True),
    "none stated": FramesCase(none_stated, [], is_finding=True),
    "many": FramesCase(many, [], is_finding=True),
    "limit": FramesCase(plain, [], Choice(limit=2), is_finding=True),
    "single": FramesCase(single, []),
    "dose relative": FramesCase(dose(0, 2.5, 5), _positions([10.0, 20.0, 30.0], [10.0, 20.0, 32.5], [10.0, 20.0, 35.0])),
    "dose turned": FramesCase(
        dose(0, 2, 4, ImageOrientationPatient=[1, 0, 0, 0, -1, 0]), _positions([10.0, 20.0, 30.0], [10.0, 20.0, 28.0], [10.0, 20.0, 26.0])
    ),
    "dose absolute": FramesCase(dose(30, 32, 34), _positions([10.0, 20.0, 30.0], [10.0, 20.0, 32.0], [10.0, 20.0, 34.0])),
    "dose too short": FramesCase(dose(0, 2), _NO_POSITIONS),
    "dose without orientation": FramesCase(dose(0, 2, 4, ImageOrientationPatient=None), _NO_POSITIONS),
    "dose without position": FramesCase(dose(0, 2, 4, ImagePositionPatient=[]), _NO_POSITIONS),
    "times": FramesCase(times(FrameTimeVector=["33.3", "10.1", "20.2"], FrameTime="5"), _times(0.0, 10.1, 10.1 + 20.2)),
    "times too short": FramesCase(times(FrameTimeVector=["0", "10"], FrameTime="5.5"), _times(0.0, 5.5, 11.0)),
    "times with a gap": FramesCase(times(FrameTimeVector=["0", "", "10"]), _times(None, None, None)),
    "nuclear": FramesCase(
        nuclear,
        [
            {
                "energy_window_number": number,
                "detector_number": number + 2,
                "phase_number": number + 4,
                "rotation_number": number + 6,
                "rr_interval_number": number + 8,
                "time_slot_number": number + 10,
                "slice_number": number + 12,
                "angular_view_number": None,
            }
            for number in (1, 2)
        ],
    ),
    "tiled": FramesCase(tiled, _TILES, Choice(tiled_full=True)),
    "tiled, not asked for": FramesCase(tiled, [dict.fromkeys(_TILES[0])] * 12),
    "private": FramesCase(
        private,
        [{"gain": 1.5, "CTImageFrameType_PixelPresentation": "COLOR"}, {"gain": None, "CTImageFrameType_PixelPresentation": None}],
        Choice((*standard_frame_attributes(), PRIVATE, PIXEL_PRESENTATION)),
    ),
}
"""By name the case."""
