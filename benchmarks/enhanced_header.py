"""A header of 12,000 frames, about 15 MB: an Enhanced MR image of the samples room, with functional groups added.

pydicom writes sequences with their length, which a reader may skip in one step; scanners also write them without, and then
every element must be walked. Both are made. pydicom encodes one frame; the others are its bytes, with another position.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

FRAMES = 12_000

_PER_FRAME_SEQUENCE = b"\x00\x52\x30\x92SQ\0\0"
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_UNDEFINED = 0xFFFFFFFF
_POSITION = "-97531.864"


def write_enhanced_header(path: Path, *, undefined_lengths: bool, frames: int = FRAMES) -> None:
    """Write the file; ``undefined_lengths`` is that of its sequences and items (PS3.5 7.5)."""
    content = _one_frame(frames, undefined_lengths=undefined_lengths)
    sequence = content.index(_PER_FRAME_SEQUENCE) + len(_PER_FRAME_SEQUENCE)
    first = sequence + 4
    if undefined_lengths:
        end = content.index(b"\xfe\xff\x0d\xe0\0\0\0\0" + _SEQUENCE_END + b"\xe0\x7f", first) + 8
    else:
        end = first + struct.unpack_from("<I", content, sequence)[0]
    template = content[first:end]
    assert template.startswith(_ITEM)
    assert template.count(_POSITION.encode()) == 1
    items = b"".join(template.replace(_POSITION.encode(), b"%-10.2f" % (frame * 1.25)) for frame in range(frames))
    length = struct.pack("<I", _UNDEFINED if undefined_lengths else len(items))
    path.write_bytes(content[:sequence] + length + items + content[end:])


def _one_frame(frames: int, *, undefined_lengths: bool) -> bytes:
    """The file with one item for all frames."""
    from dicomlake.samples.encoding import encode, pixels
    from dicomlake.samples.entities import Series, Study
    from dicomlake.samples.identity import Identity
    from dicomlake.samples.images.enhanced import enhanced_mr
    from dicomlake.samples.images.slices import Stack
    from dicomlake.samples.patients import ordinary_patient
    from dicomlake.samples.studies import BRAIN, MR_BRAIN, MR_SCANNER

    identity = Identity(0)
    series = Series(Study(identity, ordinary_patient(identity, 1), 1, MR_BRAIN), 1, "MR", "12,000 frames", MR_SCANNER, BRAIN)
    file = enhanced_mr(series, Stack(1, 1.25, 0.9), (1000.0,))
    file.dataset.update(pixels(8, 8, frames=frames, bits_stored=16))
    file.dataset.NumberOfFrames = frames
    frame = file.dataset.PerFrameFunctionalGroupsSequence[0]
    frame.PlanePositionSequence[0].ImagePositionPatient = ["-3.6", "-3.6", _POSITION]
    frame.update(_further_groups())
    if undefined_lengths:
        for sequence in _sequences(file.dataset):
            sequence.is_undefined_length = True
            for item in sequence.value:
                item.is_undefined_length_sequence_item = True
    return encode(file)


def _further_groups() -> Dataset:
    """Functional groups that scanners repeat in every frame (PS3.3 C.8.13.5)."""
    from dicomlake.samples.elements import code, item

    return item(
        FrameAnatomySequence=[item(FrameLaterality="U", AnatomicRegionSequence=code("12738006", "SCT", "Brain"))],
        FrameVOILUTSequence=[item(WindowCenter=["600"], WindowWidth=["1200"], VOILUTFunction="LINEAR")],
        MRImageFrameTypeSequence=[
            item(
                FrameType=["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"],
                PixelPresentation="MONOCHROME",
                VolumetricProperties="VOLUME",
                VolumeBasedCalculationTechnique="NONE",
                ComplexImageComponent="MAGNITUDE",
                AcquisitionContrast="DIFFUSION",
            )
        ],
        MRTimingAndRelatedParametersSequence=[
            item(RepetitionTime="5200", FlipAngle="90", EchoTrainLength="1", RFEchoTrainLength=1, GradientEchoTrainLength=63)
        ],
        MRFOVGeometrySequence=[
            item(
                InPlanePhaseEncodingDirection="COLUMN",
                MRAcquisitionFrequencyEncodingSteps=128,
                MRAcquisitionPhaseEncodingStepsInPlane=96,
                PercentSampling="75",
                PercentPhaseFieldOfView="100",
            )
        ],
        MRModifierSequence=[item(InversionRecovery="NO", FlowCompensation="NONE", Spoiling="RF", ParallelAcquisition="YES")],
        MRReceiveCoilSequence=[item(ReceiveCoilName="HEAD 32", ReceiveCoilManufacturerName="Synthetic", QuadratureReceiveCoil="NO")],
        MRTransmitCoilSequence=[item(TransmitCoilName="BODY", TransmitCoilManufacturerName="Synthetic", TransmitCoilType="BODY")],
        MRAveragesSequence=[item(NumberOfAverages="2")],
    )


def _sequences(dataset: Dataset) -> Iterator[DataElement]:
    for element in dataset:
        if element.VR == "SQ":
            yield element
            for item in element.value:
                yield from _sequences(item)
