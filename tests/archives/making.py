"""Making archives, sound and otherwise."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from tests.engine.builder import E, part10

TIME = 1_700_000_000
KINDS = ("stored.zip", "deflated.zip", "plain.tar", "packed.tar.gz", "packed.tar.bz2", "packed.tar.xz", "packed.tar.zst")


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


def write_archive(path: Path, files: Mapping[str, bytes], *, times: Mapping[str, int] | None = None) -> Path:
    """An archive of the kind that its name says; ``times`` are those of members that have others than `TIME`."""
    if path.suffix == ".zip":
        method = zipfile.ZIP_DEFLATED if "deflated" in path.name else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in files.items():
                archive.writestr(_zip_entry(name, method, (times or {}).get(name, TIME)), content)
        return path
    tar = tar_bytes(files, times)
    if path.name.endswith("gz"):
        path.write_bytes(gzip.compress(tar, 1))
    elif path.name.endswith("bz2"):
        path.write_bytes(bz2.compress(tar, 1))
    elif path.name.endswith("xz"):
        path.write_bytes(lzma.compress(tar, preset=0))
    elif path.name.endswith("zst"):
        path.write_bytes(pa.compress(tar, "zstd", asbytes=True))
    else:
        path.write_bytes(tar)
    return path


def tar_bytes(files: Mapping[str, bytes], times: Mapping[str, int] | None = None) -> bytes:
    """A tar."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), (times or {}).get(name, TIME)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def _zip_entry(name: str, method: int, time: int) -> zipfile.ZipInfo:
    moment = datetime.fromtimestamp(time - time % 2, UTC)  # a zip counts in steps of two seconds
    entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
    entry.compress_type = method
    return entry
