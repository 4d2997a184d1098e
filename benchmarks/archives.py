"""What archives cost: ``dicomlake index`` over the same synthetic files as a folder and in archives, on this machine.

It does not show what a slow disk or a store costs (all is warm and local), nor files of real sizes: the pixel data here is short, so that
a packed tar, which is unpacked to its end twice, costs less than it would with long ones. It shows how long a run takes, held against the
folder in the same run; what it reads; and that a second run reads nothing. Before any figure is printed, the rows of each archive are
compared with the folder's.

Checked (the others are told): a stored zip at no less than half the folder's speed, by wall clock and by CPU, and no byte read by any
second run.

    python benchmarks/archives.py [--files 10000] [--workers 2] [--folder FOLDER]

It leaves a dated record in ``benchmarks/records/``.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import arguments_parser, corpus, floor_microseconds, leave, paths_below, record_head, working_folder

if TYPE_CHECKING:
    import polars as pl

SLOWEST = 2.0
KINDS = ("folder", "stored.zip", "deflated.zip", "plain.tar", "packed.tar.gz", "packed.tar.zst")
CHECKED = ("stored.zip",)
PACKAGES = ("deltalake", "polars", "pyarrow", "dicomlake")


def main() -> int:
    """Run the benchmark, print its figures, leave a record; exit status 1 where a check fails."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one-run", nargs=2, metavar=("SOURCE", "LAKE"))
    arguments = parser.parse_args()
    if arguments.one_run:
        print(json.dumps(_one_run(*arguments.one_run, workers=arguments.workers)), flush=True)
        os._exit(0)  # as the command `dicomlake` ends
    with working_folder(arguments.folder) as folder:
        record = _measure(folder, arguments.files, arguments.workers)
    _print(record)
    if not arguments.no_record:
        leave(record)
    return 0 if record["passed"] else 1


def _measure(folder: Path, files: int, workers: int) -> dict[str, Any]:
    tree = corpus(folder, files)
    floor_microseconds(tree)
    runs: list[dict[str, Any]] = []
    rows = None
    for kind in KINDS:
        source = tree if kind == "folder" else _archive(folder / f"{files}-{kind}", tree)
        lake = folder / f"lake-{files}-{kind}"
        shutil.rmtree(lake, ignore_errors=True)
        first, second = (_spawn(source, lake, workers) for _ in range(2))
        found = _rows(lake)
        rows = found if rows is None else rows
        if not found.equals(rows):
            raise SystemExit(f"{kind}: its instances are not the folder's")
        if first["summary"]["files_indexed"] != files:
            raise SystemExit(f"{kind}: {first['summary']['files_indexed']:,} files were indexed, not {files:,}")
        size = sum(map(os.path.getsize, paths_below(tree))) if kind == "folder" else source.stat().st_size
        runs.append({"kind": kind, "source_bytes": size, "first": first, "second": second})
        of_folder = runs[0]["first"]
        runs[-1]["seconds_to_folder"] = first["summary"]["seconds"] / of_folder["summary"]["seconds"]
        runs[-1]["cpu_to_folder"] = first["cpu_seconds"] / of_folder["cpu_seconds"]
    passed = all(run["second"]["summary"]["bytes_read"] == 0 for run in runs) and all(
        max(run["seconds_to_folder"], run["cpu_to_folder"]) <= SLOWEST for run in runs if run["kind"] in CHECKED
    )
    head = record_head("archives", f"python benchmarks/archives.py --files {files} --workers {workers}", PACKAGES)
    return {**head, "files": files, "passed": passed, "runs": runs}


def _archive(path: Path, tree: Path) -> Path:
    """An archive of a folder, written where it is not there yet."""
    if path.exists():
        return path
    names = [(file, os.path.relpath(file, tree)) for file in paths_below(tree)]
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
    """What is in `instances`, without what depends on where a file lies."""
    from dicomlake import Lake

    return Lake(lake).instances.drop("url", "modified", "snapshot").sort("SOPInstanceUID").collect()


def _spawn(source: Path, lake: Path, workers: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--workers", str(workers), "--one-run", str(source), str(lake)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _one_run(source: str, lake: str, workers: int) -> dict[str, Any]:
    import dicomlake
    import dicomlake.run.index
    from dicomlake.run import Progress

    progress = Progress()
    before = resource.getrusage(resource.RUSAGE_SELF)
    summary = dicomlake.index(source, lake=lake, workers=workers, progress=progress)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "summary": summary.as_dict(),
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "stage_cpu_seconds": progress.cpu_seconds,
        "peak_mebibytes": after.ru_maxrss / 1024,
    }


def _print(record: dict[str, Any]) -> None:
    print(f"{record['files']:,} files; times of the folder's in brackets")
    for run in record["runs"]:
        first, second = run["first"], run["second"]
        once, again = first["summary"], second["summary"]
        print(f"{run['kind']:<16}{run['source_bytes'] / 1e6:8.1f} MB, of which {once['bytes_read'] / 1e6:.1f} MB of headers were read")
        print(f"{'':<16}{once['seconds']:8.2f} s ({run['seconds_to_folder']:.2f})", end="  ")
        print(f"{first['cpu_seconds']:.2f} s of CPU ({run['cpu_to_folder']:.2f}); peak {first['peak_mebibytes']:.0f} MiB", end="; ")
        print(f"second run {again['seconds']:.2f} s, {again['bytes_read']} bytes")
    print(f"a stored zip may take {SLOWEST} times the folder's; {'passed' if record['passed'] else 'NOT PASSED'}")


if __name__ == "__main__":
    sys.exit(main())
