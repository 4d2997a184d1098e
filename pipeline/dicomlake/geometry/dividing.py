"""The attributes that tell stacks apart where two slices lie at one position, in the order in which they are asked."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class DividingAttribute:
    """One attribute of the list.

    Attributes:
        name: its column in `slices`, and its name in ``told_apart_by``.
        type: the type of that column.
        in_instances: its column in `instances`; None where single-frame objects don't have it.
        in_frames: its column in `frames`; None where frames have the value of their instance only.
        is_counter: whether it counts or measures time. Its values may then differ from one position to the next without a meaning.
        is_of_frames: whether it divides frames alone; of a single-frame instance it counts as null.
    """

    name: str
    type: pl.DataType
    in_instances: str | None
    in_frames: str | None
    is_counter: bool = False
    is_of_frames: bool = False


DIVIDING_ATTRIBUTES: tuple[DividingAttribute, ...] = (
    DividingAttribute("StackID", pl.String(), None, "StackID"),
    DividingAttribute("ReferencedSegmentNumber", pl.Int64(), None, "ReferencedSegmentNumber"),
    DividingAttribute("EchoTime", pl.Float64(), "EchoTime", "EffectiveEchoTime"),
    DividingAttribute("DiffusionBValue", pl.Float64(), "DiffusionBValue", "DiffusionBValue"),
    DividingAttribute(
        "DiffusionGradientOrientation", pl.List(pl.Float64()), "DiffusionGradientOrientation", "DiffusionGradientOrientation"
    ),
    DividingAttribute("TemporalPositionIdentifier", pl.Int64(), "TemporalPositionIdentifier", "TemporalPositionIndex", is_counter=True),
    DividingAttribute("TriggerTime", pl.Float64(), "TriggerTime", "NominalCardiacTriggerDelayTime", is_counter=True),
    DividingAttribute("FrameReferenceTime", pl.Float64(), "FrameReferenceTime", "FrameReferenceDateTime", is_counter=True),
    DividingAttribute("InversionTime", pl.Float64(), "InversionTime", "InversionTimes"),
    DividingAttribute("FlipAngle", pl.Float64(), "FlipAngle", "FlipAngle"),
    DividingAttribute("ConvolutionKernel", pl.List(pl.String()), "ConvolutionKernel", "ConvolutionKernel"),
    DividingAttribute("AcquisitionNumber", pl.Int64(), "AcquisitionNumber", "FrameAcquisitionNumber", is_counter=True),
    DividingAttribute("FrameOfReferenceUID", pl.String(), "FrameOfReferenceUID", None),
    DividingAttribute("SOPInstanceUID", pl.String(), None, None, is_of_frames=True),
)
"""StackID (0020,9056), ReferencedSegmentNumber (0062,000B), EchoTime (0018,0081) and so on.

The last two serve where nothing else does. Positions in two frames of reference (0020,0052) can't be compared, but some converters invent
one for each slice. Many scanners write one instance of several frames for each volume of a series.
"""
