"""From a data set to the bytes of a file, in any transfer syntax, with pixel data of a handful of bytes.

dicomlake never decodes a pixel, so compressed frames are placeholders: the first and last bytes of an image of that kind, with a few bytes
between. The header of the file is real.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from pydicom import dcmwrite
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from dicomlake.errors import FileCode, FileStatus
from dicomlake.samples.elements import item
from dicomlake.samples.entities import Series
from dicomlake.samples.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

_BITS_OF_A_BYTE = 8


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A file to write.

    Attributes:
        path: below the root of the sample.
        dataset: the header, with a native PixelData if the file has one.
        transfer_syntax: the UID of its transfer syntax.
    """

    path: PurePosixPath
    dataset: Dataset
    transfer_syntax: str

    @staticmethod
    def of(series: Series, dataset: Dataset, transfer_syntax: str | None = None) -> SampleFile:
        """Answer the file of an instance of ``series``, by default in the transfer syntax of the series."""
        return SampleFile(
            path=series.path(int(dataset.InstanceNumber)),
            dataset=dataset,
            transfer_syntax=transfer_syntax or series.transfer_syntax,
        )


@dataclass(frozen=True, slots=True)
class PlantedFile:
    """A file with its bytes.

    Attributes:
        path: below the root of the sample.
        dataset: the header that a reader must find; None if there is none.
        transfer_syntax: the one in its file meta; None if it has none.
        status, code: its columns in ``files``, unless it is a duplicate.
    """

    path: PurePosixPath
    content: bytes
    dataset: Dataset | None = None
    transfer_syntax: str | None = None
    status: FileStatus = FileStatus.INDEXED
    code: FileCode | None = None

    @staticmethod
    def whole(file: SampleFile) -> PlantedFile:
        """Answer an undamaged file."""
        return PlantedFile(file.path, encode(file), file.dataset, file.transfer_syntax)


def pixels(
    rows: int,
    columns: int,
    *,
    frames: int = 1,
    bits_stored: int = 12,
    signed: bool = False,
    samples: int = 1,
    photometric: str = "MONOCHROME2",
) -> Dataset:
    """Answer an Image Pixel Module (PS3.3 C.7.6.3) with a ramp for an image.

    Args:
        rows: height in pixels.
        columns: width in pixels.
        frames: how many frames PixelData holds; NumberOfFrames is the caller's to set.
        bits_stored: 1, 8, or up to 16; decides BitsAllocated.
        signed: PixelRepresentation.
        samples: 3 for colour.
        photometric: PhotometricInterpretation.
    """
    allocated = 1 if bits_stored == 1 else 8 if bits_stored <= _BITS_OF_A_BYTE else 16
    count = rows * columns * frames * samples
    ramp = np.arange(count) % (1 << min(bits_stored, 10))
    if allocated == 1:
        content = np.packbits(ramp.astype(np.uint8), bitorder="little").tobytes()
    else:
        content = ramp.astype("<u1" if allocated == _BITS_OF_A_BYTE else "<u2").tobytes()
    dataset = item(
        SamplesPerPixel=samples,
        PhotometricInterpretation=photometric,
        PlanarConfiguration=0 if samples > 1 else None,
        Rows=rows,
        Columns=columns,
        BitsAllocated=allocated,
        BitsStored=bits_stored,
        HighBit=bits_stored - 1,
        PixelRepresentation=int(signed),
    )
    padded = content + b"\0" * (len(content) % 2)
    dataset.add(DataElement("PixelData", "OW" if allocated > _BITS_OF_A_BYTE else "OB", padded))
    return dataset


def encode(file: SampleFile) -> bytes:
    """Answer the bytes of a complete file: preamble, file meta information and data set (PS3.10 7).

    The bytes of a deflated data set depend on the version of zlib; all others are the same everywhere.
    """
    syntax = UID(file.transfer_syntax)
    # A copy, since the replaced elements must not change the data set of the caller.
    dataset = Dataset()
    dataset.update(file.dataset)
    if "PixelData" in dataset:
        if syntax.is_encapsulated:
            _encapsulate(dataset, syntax)
        elif syntax == ExplicitVRBigEndian and dataset.BitsAllocated > _BITS_OF_A_BYTE:
            swapped = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
            dataset.add(DataElement("PixelData", "OW", swapped))
    return _write(dataset, dataset.SOPClassUID, dataset.SOPInstanceUID, syntax)


def encode_directory(sop_instance_uid: str) -> bytes:
    """Answer the bytes of a DICOMDIR that lists nothing (PS3.3 F.3.2)."""
    dataset = item(
        FileSetID="SYNTHETIC",
        OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity=0,
        OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity=0,
        FileSetConsistencyFlag=0,
        DirectoryRecordSequence=[],
    )
    return _write(dataset, MediaStorageDirectoryStorage, sop_instance_uid, ExplicitVRLittleEndian)


def _write(dataset: Dataset, sop_class_uid: str, sop_instance_uid: str, syntax: UID) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    meta.TransferSyntaxUID = syntax
    # Without these two, pydicom writes its own, and a new pydicom would make another sample.
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    meta.SourceApplicationEntityTitle = "SAMPLE"
    dataset.file_meta = meta
    buffer = io.BytesIO()
    dcmwrite(
        buffer,
        dataset,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
        enforce_file_format=True,
    )
    return buffer.getvalue()


def _encapsulate(dataset: Dataset, syntax: UID) -> None:
    """Replace native pixel data by as many fragments as there are frames (PS3.5 A.4)."""
    frames = [_compressed_frame(syntax)] * int(dataset.get("NumberOfFrames", 1))
    if len(frames) > 1 and syntax in JPEG2000TransferSyntaxes:
        content, offsets, lengths = encapsulate_extended(frames)
        dataset.ExtendedOffsetTable = offsets
        dataset.ExtendedOffsetTableLengths = lengths
    else:
        content = encapsulate(frames)
    dataset.add(DataElement("PixelData", "OB", content, is_undefined_length=True))


def _compressed_frame(syntax: UID) -> bytes:
    if syntax == RLELossless:
        # PS3.5 G.5: the number of segments and fifteen offsets, then one run of 128 zeros.
        return np.array([1, 64, *[0] * 14], "<u4").tobytes() + b"\x81\x00"
    if syntax in JPEG2000TransferSyntaxes:
        return b"\xff\x4f\xff\x51" + bytes(8) + b"\xff\xd9"
    if syntax in JPEGLSTransferSyntaxes:
        return b"\xff\xd8\xff\xf7" + bytes(8) + b"\xff\xd9"
    return b"\xff\xd8\xff\xc0" + bytes(8) + b"\xff\xd9"
