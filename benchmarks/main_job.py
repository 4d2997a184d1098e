"""The cost of the main job: a benchmark of ``dicomlake index`` on synthetic files, on this machine.

It does not show the cost of reading on your disk (the files are warm), nor a cluster. It shows the time of a run from listing to snapshot,
the CPU of each stage for each file, and the peak memory of its process as the number of files grows; and that a second run reads nothing.
Every run's answer is checked before its figures are printed.

Checked targets (docs/benchmarks): the wall time of the first run over the most files, against the machine's floor; the cost of a file
outside the engine, beyond a fixed start-up, for the fewest files; peak memory, and its growth from the fewest files to the most.

    python benchmarks/main_job.py [--files 20000 100000] [--workers 2] [--engine native] [--folder FOLDER]

It leaves a dated record in ``benchmarks/records/``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

from measure import arguments_parser, child_run, corpus, finish, floor_microseconds, parsed, record_head, working_folder

WALL_FLOORS_LIMIT = 6.0
STARTUP_SECONDS = 1.5
FILE_CPU_MICROSECONDS_LIMIT = 40.0
PEAK_MEBIBYTES_LIMIT = 1024.0
PEAK_GROWTH_LIMIT = 1.2
PACKAGES = ("dask", "deltalake", "polars", "pyarrow", "pydicom", "dicomlake")


def main() -> int:
    """Run the benchmark, print its figures, leave a record; exit status 1 if a check fails."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engine", default="native")
    parser.add_argument("--one-run", nargs=2, metavar=("ARCHIVE", "LAKE"), help=argparse.SUPPRESS)
    arguments = parsed(parser, files=[300])
    if arguments.one_run:
        archive, lake = arguments.one_run
        print(json.dumps(_one_run(archive, lake, workers=arguments.workers, engine=arguments.engine)), flush=True)
        os._exit(0)  # as the command `dicomlake` ends
    with working_folder(arguments.folder) as folder:
        record = _measure(folder, arguments.files, arguments.workers, arguments.engine)
    _print(record)
    return finish(record, arguments, passed=record["passed"])


def _measure(folder: Path, counts: list[int], workers: int, engine: str) -> dict[str, Any]:
    runs: list[dict[str, Any]] = []
    for files in counts:
        archive, lake = corpus(folder, files), folder / f"lake-{files}"
        if lake.exists():
            shutil.rmtree(lake)
        floor = floor_microseconds(archive)
        for kind in ("first", "second"):
            run = _spawn(archive, lake, workers, engine)
            _check(run, lake, files, kind)
            runs.append({"files": files, "kind": kind, "floor_microseconds": floor, **run})
    firsts = [run for run in runs if run["kind"] == "first"]
    for run in firsts:
        beside = run["cpu_seconds_all_processes"] - run["stage_cpu_seconds"]["reading headers"]
        run["beside_engine_microseconds_a_file"] = (beside - STARTUP_SECONDS) / run["files"] * 1e6
        run["wall_floors"] = (run["wall_seconds"] - STARTUP_SECONDS) / run["files"] * 1e6 / run["floor_microseconds"]
    growth = firsts[-1]["driver_peak_mebibytes"] / firsts[0]["driver_peak_mebibytes"]
    passed = (
        firsts[-1]["wall_floors"] <= WALL_FLOORS_LIMIT
        and firsts[0]["beside_engine_microseconds_a_file"] <= FILE_CPU_MICROSECONDS_LIMIT
        and max(run["largest_process_peak_mebibytes"] for run in firsts) <= PEAK_MEBIBYTES_LIMIT
        and growth <= PEAK_GROWTH_LIMIT
        and all(run["summary"]["requests"] == 0 for run in runs if run["kind"] == "second")
    )
    return {
        **record_head(
            "main job",
            f"python benchmarks/main_job.py --files {' '.join(map(str, counts))} --workers {workers} --engine {engine}",
            PACKAGES,
        ),
        "startup_seconds_allowed": STARTUP_SECONDS,
        "driver_peak_growth": growth,
        "passed": passed,
        "runs": runs,
    }


def _spawn(archive: Path, lake: Path, workers: int, engine: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--workers", str(workers), "--engine", engine, "--one-run", str(archive), str(lake)]
    # Workers are children of the run, which waits for them: their time is in this figure too.
    answer, wall, cpu = child_run(command)
    return {**answer, "wall_seconds": wall, "cpu_seconds_all_processes": cpu}


def _one_run(archive: str, lake: str, workers: int, engine: str) -> dict[str, Any]:
    import dicomlake
    from dicomlake.run import Progress

    progress = Progress()
    summary = dicomlake.index(archive, lake=lake, workers=workers, engine=engine, progress=progress)
    driver = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "summary": summary.as_dict(),
        "stage_cpu_seconds": progress.cpu_seconds,
        "stage_wall_seconds": progress.stage_seconds,
        "driver_peak_mebibytes": driver,
        "largest_process_peak_mebibytes": max(driver, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
    }


def _check(run: dict[str, Any], lake: Path, files: int, kind: str) -> None:
    """The answer, before any figure."""
    import polars as pl

    from dicomlake import Lake
    from dicomlake.lake import verify
    from dicomlake.parts import Location

    summary = run["summary"]
    expected = {"first": (files, 0), "second": (0, files)}[kind]
    found = (summary["files_indexed"], summary["files_unchanged"])
    if found != expected:
        raise SystemExit(f"{kind} run over {files:,} files: indexed and unchanged are {found}, not {expected}")
    instances = Lake(lake).instances
    rows = instances.select(pl.col("SOPInstanceUID").n_unique(), pl.col("Rows").drop_nulls().len().alias("with_rows")).collect().row(0)
    if rows != (files, files):
        raise SystemExit(f"{kind} run over {files:,} files: instances and those with Rows are {rows}")
    if defects := verify(Location.of(lake)).defects:
        raise SystemExit(f"{kind} run over {files:,} files: the lake is defective: {defects}")


def _print(record: dict[str, Any]) -> None:
    for run in record["runs"]:
        files = run["files"]
        print(f"\n{files:,} files, {run['kind']} run")
        print(f"  {run['wall_seconds']:.1f} s, {run['cpu_seconds_all_processes']:.1f} s of CPU over all processes")
        print(f"  driver at most {run['driver_peak_mebibytes']:.0f} MiB; floor {run['floor_microseconds']:.1f} µs a file")
        for stage, seconds in sorted(run["stage_cpu_seconds"].items(), key=lambda item: -item[1]):
            print(f"  {stage:<28}{seconds:8.2f} s of CPU {seconds / files * 1e6:8.1f} µs a file")
        if run["kind"] == "first":
            figure = run["beside_engine_microseconds_a_file"]
            print(f"  all but the engine, less {STARTUP_SECONDS} s of start-up: {figure:.1f} µs of CPU a file", end=" ")
            print(f"(limit {FILE_CPU_MICROSECONDS_LIMIT:.0f})" if run is record["runs"][0] else "")
            print(f"  wall time less {STARTUP_SECONDS} s: {run['wall_floors']:.1f} times the floor", end=" ")
            print(f"(limit {WALL_FLOORS_LIMIT:.0f})" if files == record["runs"][-1]["files"] else "")
    print(f"\ndriver's peak, most files against fewest: {record['driver_peak_growth']:.2f} times (limit {PEAK_GROWTH_LIMIT})")
    print("passed" if record["passed"] else "NOT PASSED")


if __name__ == "__main__":
    sys.exit(main())
