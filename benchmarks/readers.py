"""Ways to read the headers of many files, each of which says how long it took and proves what it read: the floor, dicomlake, pydicom.

Those of other people's tools are in ``peers``.
"""

from __future__ import annotations

import gc
import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pydicom import dcmread

from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.schema import LakeSchema
from measure import floor_seconds

FORTY_ATTRIBUTES = (
    *("SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"),
    *("StudyTime", "SeriesTime", "AcquisitionTime", "AccessionNumber", "Modality", "Manufacturer", "InstitutionName"),
    *("ReferringPhysicianName", "StudyDescription", "SeriesDescription", "ManufacturerModelName", "PatientName", "PatientID"),
    *("PatientBirthDate", "PatientSex", "PatientAge", "BodyPartExamined", "SliceThickness", "ProtocolName", "StudyInstanceUID"),
    *("SeriesInstanceUID", "StudyID", "SeriesNumber", "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient"),
    *("FrameOfReferenceUID", "PhotometricInterpretation", "Rows", "Columns", "PixelSpacing", "BitsStored"),
)
"""The attributes that readers other than our engines decode of each file."""


@dataclass(frozen=True)
class Reader:
    """A way to read headers.

    ``read`` reads all of its files once and answers the seconds that this took and the ``uids_hash`` of what it found, which is empty
    where it finds nothing; ``sampled`` tells that its files are every tenth of the corpus, because it is slow.
    """

    name: str
    sampled: bool
    read: Callable[[], tuple[float, str]]


def uids_hash(uids: Sequence[str]) -> str:
    """The 64-bit FNV-1a hash of SOPInstanceUIDs in the order of their files, a newline behind each."""
    number = 0xCBF29CE484222325
    for byte in "".join(f"{uid}\n" for uid in uids).encode():
        number = (number ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{number:016x}"


def floor(paths: list[str]) -> Reader:
    """Open, read 16 KiB, close: nothing that reads files from Python is cheaper."""
    return Reader("floor: open, pread 16 KiB, close", sampled=False, read=lambda: (floor_seconds(paths), ""))


def engine(name: str, paths: list[str], *, headers: bool = False, sampled: bool = False) -> Reader:
    """An engine of dicomlake with the standard columns, and with ``header_json`` where ``headers`` says so."""
    request = ScanRequest(LakeSchema.build(), headers=headers)
    files = files_table(paths)
    shown = f"dicomlake {name}, {len(request.schema.columns)} columns{' and header_json' if headers else ''}"

    def read() -> tuple[float, str]:
        seconds, scanned = scan(name, files, request)
        return seconds, uids_hash(scanned.instances["SOPInstanceUID"].to_pylist())

    return Reader(shown, sampled, read)


def files_table(paths: list[str]) -> pa.Table:
    """Files as the listing gives them to an engine."""
    return pa.table(
        {
            "url": pa.array(paths, pa.string()),
            "file_size": pa.array([os.stat(path).st_size for path in paths], pa.int64()),
            "modified": pa.nulls(len(paths), pa.timestamp("us", "UTC")),
            "etag": pa.nulls(len(paths), pa.string()),
        }
    )


def scan(name: str, files: pa.Table, request: ScanRequest) -> tuple[float, Scanned]:
    """Seconds of one scan, and its answer, in which every file must be indexed.

    Raises:
        SystemExit: a file is not.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a debug build warns when it is imported, and nobody should measure that
        reader = make_engine(name)
    gc.collect()
    started = time.perf_counter()
    scanned = reader.scan(files, request)
    seconds = time.perf_counter() - started
    rows = (scanned.files.num_rows, scanned.instances.num_rows)
    statuses = scanned.files["status"].unique().to_pylist()
    if rows != (files.num_rows, files.num_rows) or statuses != ["indexed"]:
        raise SystemExit(f"engine {name}: {rows[0]} files and {rows[1]} instances of {files.num_rows}, statuses {statuses}")
    return seconds, scanned


def pydicom(paths: list[str]) -> Reader:
    """The usual way with pydicom: read each header, and forty attributes of it."""

    def read() -> tuple[float, str]:
        gc.collect()
        uids = []
        started = time.perf_counter()
        for path in paths:
            dataset = dcmread(path, stop_before_pixels=True)
            for keyword in FORTY_ATTRIBUTES:
                dataset.get(keyword)
            uids.append(dataset.SOPInstanceUID)
        return time.perf_counter() - started, uids_hash(uids)

    return Reader("pydicom dcmread(stop_before_pixels), 40 attributes", sampled=True, read=read)


def uids_by_pydicom(paths: list[str]) -> list[str]:
    """The SOPInstanceUID of each file: what all readers must find."""
    return [str(dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"]).SOPInstanceUID) for path in paths]
