"""Making archives, sound and otherwise."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from tests.engine.builder import E, part10

TIME = 1_700_000_000
KINDS = ("stored.zip", "deflated.zip", "plain.tar", "packed.tar.gz", "packed.tar.zst")


def dicom(number: int, text: str = "") -> bytes:
    """A file of an instance of its own, with a header of some kilobytes and something like pixels behind it."""
    return part10(
        E.element("SOPInstanceUID", f"1.2.{number}")
        + E.element("Modality", "MR")
        + E.element("SeriesDescription", text)
        + E.element("PatientID", f"P{number % 3}")
        + E.element("StudyInstanceUID", f"1.3.{number % 3}")
        + E.element("SeriesInstanceUID", f"1.4.{number % 5}")
        + E.element("ImageComments", "a comment " * (number % 7 * 40))
        + E.element("PixelData", bytes(range(256)) * 12, "OW")
    )


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_archive(path: Path, files: Mapping[str, bytes], *, time: int = TIME) -> Path:
    """An archive of the kind that its name says."""
    if path.suffix == ".zip":
        method = zipfile.ZIP_DEFLATED if "deflated" in path.name else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in files.items():
                archive.writestr(_zip_entry(name, method), content)
        return path
    tar = tar_bytes(files, time)
    if path.name.endswith("gz"):
        path.write_bytes(gzip.compress(tar, 1))
    elif path.name.endswith("zst"):
        path.write_bytes(pa.compress(tar, "zstd", asbytes=True))
    else:
        path.write_bytes(tar)
    return path


def tar_bytes(files: Mapping[str, bytes], time: int = TIME) -> bytes:
    """A tar."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), time
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def _zip_entry(name: str, method: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (2023, 11, 14, 22, 13, 20))
    entry.compress_type = method
    return entry
