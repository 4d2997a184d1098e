"""Other people's readers, each as a process that reads many files: DCMTK, GDCM, and dicom-rs by the small program beside this file.

What is not installed is left out, with the reason. None of them does the same work as another: GDCM stops reading behind the last of its
five attributes, and DCMTK prints what it finds.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydicom.datadict import tag_for_keyword

from readers import FORTY_ATTRIBUTES, Reader, uids_hash

PROGRAM = Path(__file__).parent / "dicom_rs"
GDCM_ATTRIBUTES = ("SOPInstanceUID", "Modality", "PatientID", "StudyInstanceUID", "SeriesInstanceUID")
DCMTK_FILES_A_PROCESS = 2000


class NotInstalledError(Exception):
    """A peer is not there; the message says what would bring it."""


def dicom_rs(paths: list[str]) -> tuple[list[Reader], str]:
    """dicom-rs' object reader and its lazy one, with forty attributes as text, and its version.

    Raises:
        NotInstalledError: the program can't be compiled.
    """
    program = _compile_program()
    tags = [f"{tag_for_keyword(keyword):08x}" for keyword in FORTY_ATTRIBUTES]
    listing = "".join(f"{path}\n" for path in paths)

    def reader(mode: str) -> Reader:
        def read() -> tuple[float, str]:
            done = subprocess.run([program, mode, *tags], check=True, input=listing, stdout=subprocess.PIPE, text=True)
            files, seconds, _, found = done.stdout.split()
            return float(seconds), found if int(files) == len(paths) else f"{files} files"

        return Reader(f"dicom-rs {mode}, 40 attributes", sampled=False, read=read)

    packages = tomllib.loads((PROGRAM / "Cargo.lock").read_text())["package"]
    return [reader("lazy"), reader("object")], next(package["version"] for package in packages if package["name"] == "dicom-object")


def gdcm(archive: Path, paths: list[str]) -> tuple[list[Reader], str]:
    """Five attributes of every file of an archive by gdcmscanner, and GDCM's version.

    Raises:
        NotInstalledError: it is not there.
    """
    command = [_found("gdcmscanner", "libgdcm-tools"), "-p", "--table", "-r", "-d", str(archive)]
    for keyword in GDCM_ATTRIBUTES:
        command += ["-k", keyword]

    def read() -> tuple[float, str]:
        started = time.perf_counter()
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        seconds = time.perf_counter() - started
        rows = (line.split("\t", 2) for line in done.stdout.splitlines() if line.startswith('"'))
        found = {row[0].strip('"'): row[1].strip('"') for row in rows}
        return seconds, uids_hash([found.get(path, "") for path in paths])

    return [Reader("GDCM gdcmscanner, 5 attributes", sampled=False, read=read)], _version_of("gdcmscanner", r"gdcm ([\d.]+)")


def dcmtk(paths: list[str]) -> tuple[list[Reader], str]:
    """Forty attributes of each file by dcmdump, printed, and DCMTK's version.

    Raises:
        NotInstalledError: it is not there.
    """
    command = [_found("dcmdump", "dcmtk"), "--quiet", "--load-short", "--stop-before-elem", "PixelData"]
    for keyword in FORTY_ATTRIBUTES:
        command += ["--search", keyword]

    def read() -> tuple[float, str]:
        started = time.perf_counter()
        batches = _batches(paths, DCMTK_FILES_A_PROCESS)
        printed = [subprocess.run([*command, *batch], check=True, stdout=subprocess.PIPE).stdout for batch in batches]
        seconds = time.perf_counter() - started
        uids = re.findall(r"^\(0008,0018\) UI \[([\d.]+)\]", b"".join(printed).decode("latin-1"), re.MULTILINE)
        return seconds, uids_hash(uids)

    return [Reader("DCMTK dcmdump, 40 attributes", sampled=True, read=read)], _version_of("dcmdump", r"v([\d.]+)")


def _compile_program() -> str:
    cargo = shutil.which("cargo")
    if cargo is None:
        raise NotInstalledError("dicom-rs: no cargo to compile benchmarks/peers/dicom_rs with; see https://rustup.rs")
    manifest = ["--locked", "--manifest-path", str(PROGRAM / "Cargo.toml")]
    try:
        subprocess.run([cargo, "build", "--quiet", "--release", *manifest], check=True)
        described = subprocess.run([cargo, "metadata", "--no-deps", "--format-version=1", *manifest], check=True, stdout=subprocess.PIPE)
    except subprocess.CalledProcessError as failure:
        raise NotInstalledError("dicom-rs: benchmarks/peers/dicom_rs can't be compiled") from failure
    return str(Path(json.loads(described.stdout)["target_directory"]) / "release" / "read-with-dicom-rs")


def _found(command: str, package: str) -> str:
    path = shutil.which(command)
    if path is None:
        raise NotInstalledError(f"{command} is not installed: apt install {package}")
    return path


def _version_of(command: str, pattern: str) -> str:
    done = subprocess.run([command, "--version"], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = re.search(pattern, done.stdout)
    return found.group(1) if found else "unknown"


def _batches(paths: Sequence[str], size: int) -> list[Sequence[str]]:
    return [paths[start : start + size] for start in range(0, len(paths), size)]
