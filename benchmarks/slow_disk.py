"""The cost of a slow disk: ``dicomlake index`` behind a file system that makes each request wait, as a network file system does.

It does not show your server, which has limits of its own: here any number of requests wait side by side. Each latency is measured with the
attributes of files that come with their names, and without them. A plain pool of 64 threads that opens, reads 16 KiB and closes stands
beside it, and one `stat` after the other. The rows are compared with those of the folder itself before a figure is printed.

Checked targets (docs/speed): reading headers reaches 0.7 of the pool's files a second where requests take time; listing names without
attributes is 16 times as fast as one `stat` after the other; without latency, reading takes at most 1.1 of the time that it takes with one
file at a time.

    python benchmarks/slow_disk.py [--files 4800] [--milliseconds 0 1 5] [--folder FOLDER]

It leaves a dated record in ``benchmarks/records/``. It needs FUSE, and ``latencyfs.c`` in ``shared/tools`` beside the clone.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from measure import FLOOR_READ_BYTES, arguments_parser, corpus, finish, parsed, paths_below, print_targets, record_head, working_folder

sys.path.insert(0, str(Path(__file__).parents[1]))  # the slow disk is that of the tests

import pyarrow as pa
from tests.slow_disk import NoSlowDiskError, slow_disk

import dicomlake
from dicomlake.config import ListingSettings, Settings
from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.sources import open_source

POOL_THREADS = 64
POOL_PART_LEAST = 0.7
LISTING_TIMES_LEAST = 16.0
FAST_TIMES_LIMIT = 1.1
SECONDS_OF_A_SAMPLE = 8.0
PACKAGES = ("pyarrow", "dicomlake")


def main() -> int:
    """Run the benchmark, print its figures, leave a record; exit status 1 if a target is missed."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--files", type=int, default=4800)
    parser.add_argument("--milliseconds", type=float, nargs="+", default=[0, 1, 5])
    arguments = parsed(parser, files=60, milliseconds=[1])
    with working_folder(arguments.folder) as folder:
        archive = corpus(folder, arguments.files)
        expected = _uids(scanned(listed(archive), in_flight=1))
        try:
            runs = [
                _measure(archive, expected, milliseconds, attributes=attributes)
                for milliseconds in arguments.milliseconds
                for attributes in (True, False)
            ]
        except NoSlowDiskError as reason:
            print(f"no slow disk: {reason}", file=sys.stderr)
            return 0 if arguments.toy else 2
    targets = _targets(runs)
    print_targets(targets)
    head = record_head("slow disk", f"python benchmarks/slow_disk.py --files {arguments.files}", PACKAGES)
    return finish({**head, "runs": runs, "targets": targets}, arguments, passed=all(target["passed"] for target in targets))


def _measure(archive: Path, expected: list[str], milliseconds: float, *, attributes: bool) -> dict[str, Any]:
    """The figures of one disk, files a second."""
    with slow_disk(archive, milliseconds, attributes=attributes) as mounted:
        paths = [str(mounted / Path(path).relative_to(archive)) for path in paths_below(archive)]
        one_stat = _rate(os.stat, paths)
        pool = _pool_rate(paths)
        began = time.perf_counter()
        files = listed(mounted)
        listing = files.num_rows / (time.perf_counter() - began)
        reading, one_by_one = _reading_rates(files, expected, both=milliseconds == 0)
        index = _index_rate(mounted, archive.parent / "lake-slow", len(paths))
    run = {
        "milliseconds": milliseconds,
        "attributes_with_names": attributes,
        "one_stat_after_the_other": one_stat,
        "pool_of_64_threads": pool,
        "listing": listing,
        "reading_headers": reading,
        "reading_headers_one_by_one": one_by_one,
        "index": index,
    }
    figures = ", ".join(f"{name.replace('_', ' ')} {value:,.0f}" for name, value in run.items() if isinstance(value, float) and value)
    print(f"{milliseconds:g} ms, names {'with' if attributes else 'without'} attributes (files a second): {figures}", flush=True)
    return run


def listed(folder: Path) -> pa.Table:
    """The files of a folder, as a unit has them."""
    batches = open_source(str(folder), ListingSettings(), {}).batches()
    return pa.Table.from_batches(list(batches)).select(["url", "file_size", "modified", "etag"])


def scanned(files: pa.Table, in_flight: int) -> pa.Table:
    """The rows of `instances`, with so many files on their way at the most."""
    settings = Settings()
    request = ScanRequest(
        schema=settings.schema_of_lake(),
        reading=replace(settings.reading.limits(), requests_in_flight=in_flight),
        headers=False,
        storage_options={},
    )
    return make_engine("native").scan(files, request).tables["instances"]


def _uids(instances: pa.Table) -> list[str]:
    return list(instances["SOPInstanceUID"].to_pylist())


def _reading_rates(files: pa.Table, expected: list[str], *, both: bool) -> tuple[float, float]:
    """Files a second as a run reads them, and one by one if that is to be measured: the best of three in turn."""
    best = {128: 0.0, 1: 0.0}
    for _ in range(3 if both else 1):
        for in_flight in (128, 1) if both else (128,):
            began = time.perf_counter()
            uids = _uids(scanned(files, in_flight))
            rate = files.num_rows / (time.perf_counter() - began)
            best[in_flight] = max(best[in_flight], rate)
            if uids != expected:
                raise SystemExit("the slow disk gave other rows than the folder itself")
    return best[128], best[1]


def _index_rate(mounted: Path, lake: Path, files: int) -> float:
    import shutil

    shutil.rmtree(lake, ignore_errors=True)
    began = time.perf_counter()
    summary = dicomlake.index(str(mounted), lake=str(lake))
    took = time.perf_counter() - began
    shutil.rmtree(lake)
    if summary.files_indexed != files:
        raise SystemExit(f"{summary.files_indexed} of {files} files were indexed")
    return files / took


def _pool_rate(paths: list[str]) -> float:
    """What a plain pool opens and reads, of as many files as it reads in some seconds."""

    def read(path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        os.pread(descriptor, FLOOR_READ_BYTES, 0)
        os.close(descriptor)

    began, done = time.perf_counter(), 0
    with ThreadPoolExecutor(POOL_THREADS) as pool:
        while done < len(paths) and time.perf_counter() - began < SECONDS_OF_A_SAMPLE:
            some = paths[done : done + 8 * POOL_THREADS]
            done += len(list(pool.map(read, some)))
    return done / (time.perf_counter() - began)


def _rate(look: Any, paths: list[str]) -> float:  # noqa: ANN401 - any function of a path
    began, done = time.perf_counter(), 0
    for path in paths:
        look(path)
        done += 1
        if time.perf_counter() - began > SECONDS_OF_A_SAMPLE:
            break
    return done / (time.perf_counter() - began)


def _targets(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    targets = []
    for run in runs:
        disk = f"{run['milliseconds']:g} ms, names {'with' if run['attributes_with_names'] else 'without'} attributes"
        if run["milliseconds"]:
            figure = run["reading_headers"] / run["pool_of_64_threads"]
            what = f"reading headers, as a part of what a pool of {POOL_THREADS} threads opens and reads: {disk}"
            targets.append({"what": what, "figure": figure, "at_least": POOL_PART_LEAST, "passed": figure >= POOL_PART_LEAST})
        else:
            figure = run["reading_headers_one_by_one"] / run["reading_headers"]
            what = f"the time of reading headers, against one file at a time: {disk}"
            targets.append({"what": what, "figure": figure, "at_most": FAST_TIMES_LIMIT, "passed": figure <= FAST_TIMES_LIMIT})
        if run["milliseconds"] and not run["attributes_with_names"]:
            figure = run["listing"] / run["one_stat_after_the_other"]
            what = f"listing, against one stat after the other: {disk}"
            targets.append({"what": what, "figure": figure, "at_least": LISTING_TIMES_LEAST, "passed": figure >= LISTING_TIMES_LEAST})
    return targets


if __name__ == "__main__":
    sys.exit(main())
