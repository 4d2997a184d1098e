"""The cost of archives: ``dicomlake index`` over the same synthetic files as a folder and in archives, on this machine.

It does not show a slow disk or a store (all files are warm and local), nor files of real sizes: the pixel data is short, so a packed tar,
which is unpacked to its end twice, costs less than a real one. It shows the time of a run relative to the folder, the bytes read, the cost
of ten times the members in one archive, and the cost of each of many small zips, in a first run and in a run without changes. Before any
figure is printed, the rows of each archive are compared with the folder's.

Checked targets (other figures are only printed): a stored zip and a packed tar reach half the speed of the folder, in wall time and CPU;
second runs read no byte; a member in the largest archive takes at most one and a half times the CPU; an unchanged zip takes 50 microseconds
plus 2 for each member; a new one is listed in a millisecond.

    python benchmarks/archives.py [--files 10000] [--large 100000] [--zips 2000] [--workers 2] [--folder FOLDER]

It leaves a dated record in ``benchmarks/records/``.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
import tarfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import (
    arguments_parser,
    child_run,
    corpus,
    finish,
    floor_microseconds,
    parsed,
    paths_below,
    peak_mebibytes,
    print_targets,
    record_head,
    working_folder,
)

if TYPE_CHECKING:
    import polars as pl

SLOWEST = 2.0
MEMBER_CPU_GROWTH_LIMIT = 1.5
UNCHANGED_MICROSECONDS_LIMIT, UNCHANGED_MEMBER_MICROSECONDS = 50.0, 2.0
NEW_MICROSECONDS_LIMIT = 1000.0
KINDS = ("folder", "stored.zip", "deflated.zip", "plain.tar", "packed.tar.gz", "packed.tar.zst")
CHECKED = ("stored.zip", "packed.tar.gz")
MEMBERS_OF_A_SMALL_ZIP = 20
PACKAGES = ("deltalake", "polars", "pyarrow", "dicomlake")


def main() -> int:
    """Run the benchmark, print its figures, leave a record; exit status 1 if a target is missed."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=100_000, help="members of the largest archives")
    parser.add_argument("--zips", type=int, default=2_000, help=f"zips of {MEMBERS_OF_A_SMALL_ZIP} members each")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one-run", nargs=2, metavar=("SOURCE", "LAKE"))
    arguments = parsed(parser, files=60, large=120, zips=3)
    if arguments.one_run:
        source, lake = arguments.one_run
        print(json.dumps(_one_run(source, lake, workers=arguments.workers)), flush=True)
        os._exit(0)  # as the command `dicomlake` ends
    with working_folder(arguments.folder) as folder:
        runs = _of_kinds(folder, arguments.files, arguments.workers, KINDS)
        large = _of_kinds(folder, arguments.large, arguments.workers, ("folder", *CHECKED))
        small = _of_small_zips(folder, arguments.zips, arguments.workers)
    options = f"--files {arguments.files} --large {arguments.large} --zips {arguments.zips} --workers {arguments.workers}"
    targets = _targets(runs, large, small)
    record = {
        **record_head("archives", f"python benchmarks/archives.py {options}", PACKAGES),
        "passed": all(target["passed"] for target in targets),
        "targets": targets,
        "runs": runs,
        "large": large,
        "small_zips": small,
    }
    _print(record)
    return finish(record, arguments, passed=record["passed"])


def _of_kinds(folder: Path, files: int, workers: int, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    """A first and a second run over so many files, as a folder and in archives."""
    tree = corpus(folder, files)
    floor_microseconds(tree)
    runs: list[dict[str, Any]] = []
    rows = None
    for kind in kinds:
        source = tree if kind == "folder" else _archive(folder / f"{files}-{kind}", paths_below(tree), tree)
        lake = folder / f"lake-{files}-{kind}"
        first, second = _two_runs(source, lake, workers)
        found = _rows(lake)
        rows = found if rows is None else rows
        if not found.equals(rows):
            raise SystemExit(f"{kind}: its instances are not the folder's")
        _hold(f"{kind}: files indexed", first["summary"]["files_indexed"], files)
        size = sum(map(os.path.getsize, paths_below(tree))) if kind == "folder" else source.stat().st_size
        runs.append({"kind": kind, "files": files, "source_bytes": size, "first": first, "second": second})
        of_folder = runs[0]["first"]
        runs[-1]["seconds_to_folder"] = first["summary"]["seconds"] / of_folder["summary"]["seconds"]
        runs[-1]["cpu_to_folder"] = first["cpu_seconds"] / of_folder["cpu_seconds"]
    return runs


def _of_small_zips(folder: Path, zips: int, workers: int) -> dict[str, Any]:
    """A first and a second run over many small zips, a hundred in a folder."""
    files = zips * MEMBERS_OF_A_SMALL_ZIP
    tree = corpus(folder, files)
    source = folder / f"small-zips-{zips}"
    paths = paths_below(tree)
    for number in range(0 if source.exists() else zips):
        below = source / f"{number // 100:04}"
        below.mkdir(parents=True, exist_ok=True)
        first = number * MEMBERS_OF_A_SMALL_ZIP
        _archive(below / f"{number % 100:02}-stored.zip", paths[first : first + MEMBERS_OF_A_SMALL_ZIP], tree)
    lake, lake_of_folder = folder / f"lake-small-zips-{zips}", folder / f"lake-{files}-folder"
    _two_runs(tree, lake_of_folder, workers)
    first_run, second_run = _two_runs(source, lake, workers)
    if not _rows(lake).equals(_rows(lake_of_folder)):
        raise SystemExit("small zips: their instances are not the folder's")
    _hold("small zips: files indexed", first_run["summary"]["files_indexed"], files)
    _hold("small zips: files unchanged", second_run["summary"]["files_unchanged"], files + zips)
    figures = {
        name: run["stage_cpu_seconds"]["listing"] / zips * 1e6
        for name, run in (("listing_new_microseconds_a_zip", first_run), ("listing_unchanged_microseconds_a_zip", second_run))
    }
    whole = first_run["cpu_seconds"] / zips * 1e6
    return {"zips": zips, "first": first_run, "second": second_run, **figures, "first_run_microseconds_a_zip": whole}


def _targets(runs: list[dict[str, Any]], large: list[dict[str, Any]], small: dict[str, Any]) -> list[dict[str, Any]]:
    targets = []

    def at_most(what: str, figure: float, limit: float) -> None:
        targets.append({"what": what, "figure": figure, "at_most": limit, "passed": figure <= limit})

    of_kind = {run["kind"]: run for run in runs}
    for kind in CHECKED:
        at_most(f"times the folder's seconds: {kind}", of_kind[kind]["seconds_to_folder"], SLOWEST)
        at_most(f"times the folder's CPU: {kind}", of_kind[kind]["cpu_to_folder"], SLOWEST)
    for run in (run for run in large if run["kind"] in CHECKED):
        less = of_kind[run["kind"]]
        growth = run["first"]["cpu_seconds"] / run["files"] / (less["first"]["cpu_seconds"] / less["files"])
        at_most(f"times the CPU a member: {run['kind']} of {run['files']:,} against {less['files']:,}", growth, MEMBER_CPU_GROWTH_LIMIT)
    read = sum(run["second"]["summary"]["bytes_read"] for run in (*runs, *large, small))
    at_most("bytes read by second runs", read, 0)
    beside_members = small["listing_unchanged_microseconds_a_zip"] - MEMBERS_OF_A_SMALL_ZIP * UNCHANGED_MEMBER_MICROSECONDS
    at_most("µs of CPU for an unchanged zip, beside its members", beside_members, UNCHANGED_MICROSECONDS_LIMIT)
    at_most("µs of CPU to list a new zip", small["listing_new_microseconds_a_zip"], NEW_MICROSECONDS_LIMIT)
    return targets


def _hold(what: str, found: int, expected: int) -> None:
    if found != expected:
        raise SystemExit(f"{what}: {found:,}, not {expected:,}")


def _archive(path: Path, paths: list[str], tree: Path) -> Path:
    """An archive of files, named as below a folder; written if it does not exist."""
    if path.exists():
        return path
    names = [(file, os.path.relpath(file, tree)) for file in paths]
    if path.suffix == ".zip":
        method = zipfile.ZIP_DEFLATED if "deflated" in path.name else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "w", method) as archive:
            for file, name in names:
                archive.write(file, name)
        return path
    with _packed(path) as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
        for file, name in names:
            tar.add(file, name)
    return path


def _packed(path: Path) -> Any:  # noqa: ANN401  (three kinds of streams)
    import pyarrow as pa

    if path.suffix == ".gz":
        return gzip.open(path, "wb", 6)
    return pa.CompressedOutputStream(str(path), "zstd") if path.suffix == ".zst" else path.open("wb")


def _rows(lake: Path) -> pl.DataFrame:
    """The rows of `instances`, without the columns that depend on the place of a file."""
    from dicomlake import Lake

    return Lake(lake).instances.drop("url", "modified", "snapshot").sort("SOPInstanceUID").collect()


def _two_runs(source: Path, lake: Path, workers: int) -> list[dict[str, Any]]:
    shutil.rmtree(lake, ignore_errors=True)
    command = [sys.executable, __file__, "--workers", str(workers), "--one-run", str(source), str(lake)]
    return [child_run(command)[0] for _ in range(2)]


def _one_run(source: str, lake: str, workers: int) -> dict[str, Any]:
    import dicomlake
    import dicomlake.run.index
    from dicomlake.run import Progress

    progress = Progress()
    before = time.process_time()
    summary = dicomlake.index(source, lake=lake, workers=workers, progress=progress)
    return {
        "summary": summary.as_dict(),
        "cpu_seconds": time.process_time() - before,
        "stage_cpu_seconds": progress.cpu_seconds,
        "peak_mebibytes": peak_mebibytes(),
    }


def _print(record: dict[str, Any]) -> None:
    print("times of the folder's in brackets")
    for run in (*record["runs"], *record["large"]):
        first, second = run["first"], run["second"]
        once, again = first["summary"], second["summary"]
        print(f"{run['files']:>8,} {run['kind']:<16}{run['source_bytes'] / 1e6:8.1f} MB; {once['bytes_read'] / 1e6:.1f} MB were read")
        print(f"{'':<25}{once['seconds']:8.2f} s ({run['seconds_to_folder']:.2f})", end="; ")
        print(f"{first['cpu_seconds']:.2f} s of CPU ({run['cpu_to_folder']:.2f}); peak {first['peak_mebibytes']:.0f} MiB", end="; ")
        print(f"second run {again['seconds']:.2f} s, {second['peak_mebibytes']:.0f} MiB, {again['bytes_read']} bytes")
    small = record["small_zips"]
    print(f"{small['zips']:,} zips of {MEMBERS_OF_A_SMALL_ZIP} members: {small['first']['summary']['seconds']:.2f} s", end=", ")
    print(
        f"{small['first_run_microseconds_a_zip']:.0f} µs of CPU a zip, {small['listing_new_microseconds_a_zip']:.0f} of them listing",
        end="; ",
    )
    print(f"second run {small['listing_unchanged_microseconds_a_zip']:.0f} µs a zip to list and compare")
    print_targets(record["targets"])


if __name__ == "__main__":
    sys.exit(main())
