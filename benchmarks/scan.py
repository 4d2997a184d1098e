"""The cost of reading headers: dicomlake's engines against the floor, pydicom, and other readers, on synthetic files, on this machine.

It does not show what your disk costs (the files are warm), nor what your files cost: these are plain CT and MR slices with headers of
4 KB, and of 74 KB in one series of eight. It shows one core: this process and those that it starts stay on one. Readers take turns,
round by round, so that a noisy minute hits all of them alike; ratios are of their fastest rounds. Every round's SOPInstanceUIDs are
checked against pydicom's, and rows of a sample, cell by cell, against those of dicomlake's pydicom engine and values of pydicom itself.

The readers do not do the same work: dicomlake answers typed columns, the others what their names say. Slow ones read every tenth file.

Then a header of 12,000 frames, with sequences of defined and of undefined length, in megabytes of header a second.

    python benchmarks/scan.py [--engine native] [--files 20000] [--rounds 7] [--folder FOLDER]

It leaves a dated record in ``benchmarks/records/``, and ends with 1 where a target is missed (docs/benchmarks).
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.multival import MultiValue

from dicomlake.extract.engine import ScanRequest
from dicomlake.schema import LakeSchema
from enhanced_header import FRAMES, write_enhanced_header
from measure import arguments_parser, corpus, finish, parsed, paths_below, print_targets, record_head, working_folder
from peers.commands import NotInstalledError, dcmtk, dicom_rs, gdcm
from readers import Reader, engine, files_table, floor, pydicom, scan, uids_by_pydicom, uids_hash

FLOOR_TIMES_LIMIT = 3.0
PYDICOM_TIMES_LEAST = 60.0
ENHANCED_MEGABYTES_A_SECOND_LEAST = 300.0
SAMPLE_STEP = 10
COMPARED_FILES = 200
PLAIN_ATTRIBUTES = (
    *("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Modality", "SeriesDescription", "InstanceNumber", "Rows"),
    *("Columns", "SliceThickness", "SliceLocation", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "NumberOfFrames"),
)
"""The value of a column by pydicom, except for lists of numbers."""

PACKAGES = ("dicomlake", "pydicom", "pyarrow")


def main() -> int:
    """Run the benchmark, print its figures, leave a record; exit status 1 where a target is missed."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--engine", default="native")
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--frames", type=int, default=FRAMES, help="of the enhanced header")
    arguments = parsed(parser, files=60, rounds=1, frames=50)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with working_folder(arguments.folder) as folder:
        record = _measure(folder, arguments.engine, arguments.files, arguments.rounds, arguments.frames)
    _print(record)
    return finish(record, arguments, passed=record["passed"])


def _measure(folder: Path, name: str, files: int, rounds: int, frames: int) -> dict[str, Any]:
    archive = corpus(folder, files)
    paths = paths_below(archive)
    sample = paths[::SAMPLE_STEP]
    _compare(name, sample[:: max(1, len(sample) // COMPARED_FILES)])
    baseline, ours, oracle = floor(paths), engine(name, paths), pydicom(sample)
    peers, versions, left_out = _peers(archive, paths, sample)
    readers = [baseline, ours, engine(name, paths, headers=True), oracle, engine("pydicom", sample, sampled=True), *peers]
    figures = _rounds(readers, uids_by_pydicom(paths), rounds)
    enhanced = [_enhanced(folder, name, rounds, frames, undefined_lengths=undefined) for undefined in (False, True)]
    least = {reader: figure["least_microseconds_a_file"] for reader, figure in zip(readers, figures, strict=True)}
    targets = [
        _at_most("times the floor", least[ours] / least[baseline], FLOOR_TIMES_LIMIT),
        _at_least("times as fast as pydicom", least[oracle] / least[ours], PYDICOM_TIMES_LEAST),
        *(_at_least(f"times as fast as {peer.name}", least[peer] / least[ours], 1.0) for peer in peers),
        *(_at_least(f"MB/s of {row['what']}", row["most_megabytes_a_second"], ENHANCED_MEGABYTES_A_SECOND_LEAST) for row in enhanced),
    ]
    head = record_head("scan", f"python benchmarks/scan.py --engine {name} --files {files} --rounds {rounds}", PACKAGES)
    head["versions"] |= versions
    return {
        **head,
        "passed": all(target["passed"] for target in targets),
        "targets": targets,
        "readers": figures,
        "enhanced_header": enhanced,
        "left_out": left_out,
    }


def _peers(archive: Path, paths: list[str], sample: list[str]) -> tuple[list[Reader], dict[str, str], list[str]]:
    """The peers that are installed, their versions, and the reasons why the others are left out."""
    readers: list[Reader] = []
    versions: dict[str, str] = {}
    left_out: list[str] = []
    makers: dict[str, Callable[[], tuple[list[Reader], str]]] = {
        "dicom-rs": lambda: dicom_rs(paths),
        "GDCM": lambda: gdcm(archive, paths),
        "DCMTK": lambda: dcmtk(sample),
    }
    for name, make in makers.items():
        try:
            made, versions[name] = make()
        except NotInstalledError as reason:
            left_out.append(str(reason))
        else:
            readers += made
    return readers, versions, left_out


def _rounds(readers: list[Reader], uids: list[str], rounds: int) -> list[dict[str, Any]]:
    """The cost of each reader; the first round warms the files and is not counted.

    Raises:
        SystemExit: a reader found other SOPInstanceUIDs than pydicom.
    """
    of_sample = uids[::SAMPLE_STEP]
    expected = {False: {"", uids_hash(uids)}, True: {uids_hash(of_sample)}}
    seconds: dict[Reader, list[float]] = {reader: [] for reader in readers}
    for number in range(rounds + 1):
        for reader in readers:
            taken, found = reader.read()
            if found not in expected[reader.sampled]:
                raise SystemExit(f"{reader.name}: other SOPInstanceUIDs than pydicom's")
            if number > 0:
                seconds[reader].append(taken)
    return [_figures(reader, len(of_sample if reader.sampled else uids), seconds[reader]) for reader in readers]


def _figures(reader: Reader, files: int, seconds: list[float]) -> dict[str, Any]:
    return {
        "name": reader.name,
        "files": files,
        "rounds": len(seconds),
        "least_microseconds_a_file": round(min(seconds) / files * 1e6, 3),
        "median_microseconds_a_file": round(statistics.median(seconds) / files * 1e6, 3),
    }


def _compare(name: str, paths: list[str]) -> None:
    """The engine's instances against those of the pydicom engine, JSON aside, and against values of pydicom.

    Raises:
        SystemExit: they differ.
    """
    files = files_table(paths)
    request = ScanRequest(LakeSchema.build(), headers=True)
    (_, found), (_, expected) = scan(name, files, request), scan("pydicom", files, request)
    ours, theirs = found.instances.drop_columns(["header_json"]), expected.instances.drop_columns(["header_json"])
    if ours.schema != theirs.schema:
        raise SystemExit(f"{name}: instances has another schema than the pydicom engine's")
    for column in theirs.column_names:
        if not ours[column].equals(theirs[column]):
            raise SystemExit(f"{name}: instances.{column} differs from the pydicom engine's")
    for path, row in zip(paths, found.instances.to_pylist(), strict=True):
        dataset = dcmread(path, stop_before_pixels=True)
        for keyword in PLAIN_ATTRIBUTES:
            value = dataset.get(keyword)
            plain = [float(part) for part in value] if isinstance(value, MultiValue) else value
            if row[keyword] != plain:
                raise SystemExit(f"{name}: {keyword} is {row[keyword]!r}, and pydicom reads {plain!r}")


def _enhanced(folder: Path, name: str, rounds: int, frames: int, *, undefined_lengths: bool) -> dict[str, Any]:
    """How fast the header of 12,000 frames is read or skipped."""
    lengths = "undefined" if undefined_lengths else "defined"
    path = folder / f"enhanced-{frames}-{lengths}.dcm"
    if not path.exists():
        write_enhanced_header(path, undefined_lengths=undefined_lengths, frames=frames)
    _compare(name, [str(path)])
    files, request = files_table([str(path)]), ScanRequest(LakeSchema.build())
    seconds: list[float] = []
    for _ in range(rounds + 1):
        taken, scanned = scan(name, files, request)
        row = scanned.instances.select(["NumberOfFrames", "pixel_data_offset"]).to_pylist()[0]
        if row["NumberOfFrames"] != frames:
            raise SystemExit(f"{name}: NumberOfFrames is {row['NumberOfFrames']}, not {frames}")
        seconds.append(taken)
    megabytes = row["pixel_data_offset"] / 1e6
    return {
        "what": f"a header of {frames:,} frames, sequences of {lengths} length",
        "header_megabytes": round(megabytes, 1),
        "rounds": rounds,
        "most_megabytes_a_second": round(megabytes / min(seconds[1:])),
        "median_megabytes_a_second": round(megabytes / statistics.median(seconds[1:])),
    }


def _at_most(what: str, figure: float, limit: float) -> dict[str, Any]:
    return {"what": what, "figure": round(figure, 2), "at_most": limit, "passed": figure <= limit}


def _at_least(what: str, figure: float, limit: float) -> dict[str, Any]:
    return {"what": what, "figure": round(figure, 2), "at_least": limit, "passed": figure >= limit}


def _print(record: dict[str, Any]) -> None:
    baseline = record["readers"][0]["least_microseconds_a_file"]
    print(f"{'µs a file':<60}{'files':>8}{'least':>10}{'median':>10}{'to floor':>10}")
    for row in sorted(record["readers"], key=lambda row: row["least_microseconds_a_file"]):
        least, median = row["least_microseconds_a_file"], row["median_microseconds_a_file"]
        print(f"{row['name']:<60}{row['files']:>8,}{least:>10.1f}{median:>10.1f}{least / baseline:>10.1f}")
    for reason in record["left_out"]:
        print(f"left out: {reason}")
    print(f"\n{'MB of header a second':<60}{'MB':>8}{'most':>10}{'median':>10}")
    for row in record["enhanced_header"]:
        print(f"{row['what']:<60}{row['header_megabytes']:>8}{row['most_megabytes_a_second']:>10}{row['median_megabytes_a_second']:>10}")
    print()
    print_targets(record["targets"])


if __name__ == "__main__":
    sys.exit(main())
