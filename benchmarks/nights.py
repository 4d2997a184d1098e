"""The speed of a lake after a year of nights: a benchmark of 365 runs over small changes, on this machine.

It does not show what a run costs on your archive (the files are warm, and time passes a night in a second). It shows how many part files
and log files the tables come to, on disk too, when nobody calls ``optimize`` or ``vacuum``; and how long opening the lake and a query take
beside a lake that was built the same minute from the same files. At the end every table is compared with that lake, row by row.

Target that is checked: ``select Modality, count(*) from instances group by Modality``, asked of a lake that was just opened, takes at most
twice what it takes on the freshly built lake, each time that it is measured.

    python benchmarks/nights.py [--files 20000] [--nights 365] [--keep 90d] [--merge-parts 4] [--folder FOLDER]

It leaves a dated record in ``benchmarks/records/``.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measure import arguments_parser, corpus, finish, parsed, paths_below, record_head, working_folder

QUERY = "select Modality, count(*) as instances from instances group by Modality"
RATIO_LIMIT = 2.0
MEASURED_EVERY = 30
REPEATS = 9
NEW, CHANGED, VANISHED = 0.002, 0.0007, 0.0003
"""How much of the first night's files comes, changes and vanishes each night."""

PACKAGES = ("deltalake", "polars", "pyarrow", "dicomlake")


def main() -> int:
    """Run the benchmark, print its figures, leave a record; exit status 1 where a check fails."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--keep", default="90d", help="how long snapshots are kept, as lake.keep")
    parser.add_argument("--merge-parts", type=int, default=4, help="as lake.merge_parts; 0 shows what happens without")
    arguments = parsed(parser, files=200, nights=3)
    overrides = {"lake.keep": arguments.keep, "lake.merge_parts": arguments.merge_parts}
    with working_folder(arguments.folder) as folder:
        record = _measure(folder, arguments.files, arguments.nights, overrides)
    command = f"--files {arguments.files} --nights {arguments.nights} --keep {arguments.keep} --merge-parts {arguments.merge_parts}"
    record = {**record_head("nights", f"python benchmarks/nights.py {command}", PACKAGES), **record}
    print("passed" if record["passed"] else "NOT PASSED")
    return finish(record, arguments, passed=record["passed"])


def _measure(folder: Path, files: int, nights: int, overrides: dict[str, Any]) -> dict[str, Any]:
    archive, lake = folder / "year", folder / "year-lake"
    for made in (archive, lake):
        shutil.rmtree(made, ignore_errors=True)
    events = _events(corpus(folder, files + int(files * NEW) * nights), archive, files)
    first_night = datetime.now(UTC) - timedelta(days=nights)
    measured: list[dict[str, Any]] = []
    seconds: list[float] = []
    for night in range(nights + 1):
        next(events)
        evening = first_night + timedelta(days=night)
        started = time.monotonic()
        _index(archive, lake, overrides, evening)
        seconds.append(time.monotonic() - started)
        if night and (night % MEASURED_EVERY == 0 or night == nights):
            measured.append({"night": night, **_figures(archive, lake, folder / "fresh", seconds[-MEASURED_EVERY:])})
            _print(measured[-1])
    return {
        "first_run_seconds": seconds[0],
        "measured": measured,
        "passed": all(figures["query_ratio"] <= RATIO_LIMIT for figures in measured),
    }


def _events(archive_of_all: Path, archive: Path, files: int) -> Iterator[None]:
    """The archive as it is on each night: the first files, then day by day some of the rest, in their order; some change and some go."""
    chance = random.Random(0)  # noqa: S311 - the same nights every time
    waiting = paths_below(archive_of_all)
    present: list[str] = []

    def come(count: int) -> None:
        for path in waiting[:count]:
            there = archive / os.path.relpath(path, archive_of_all)
            there.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, there)
            present.append(str(there))
        del waiting[:count]

    come(files)
    yield
    while True:
        come(int(files * NEW))
        for path in chance.sample(present, int(files * CHANGED)):
            content = Path(path).read_bytes() + b"\0"
            os.unlink(path)  # it is a link to a file that stays as it is
            Path(path).write_bytes(content)
        for path in chance.sample(present, int(files * VANISHED)):
            os.unlink(path)
            present.remove(path)
        yield


def _index(archive: Path, lake: Path, overrides: dict[str, Any], evening: datetime | None = None) -> None:
    from dicomlake.config import load_settings
    from dicomlake.parts import Location
    from dicomlake.run import IndexRequest, Progress, run_index
    from dicomlake.runner import SerialRunner

    request = IndexRequest((str(archive),), Location.of(lake), load_settings(overrides=overrides))
    progress = Progress()
    run_index(request, SerialRunner, progress, now=lambda: evening or datetime.now(UTC))
    if unexpected := [message for message in progress.messages if "not" in message]:
        raise SystemExit(f"the run says: {unexpected}")


def _figures(archive: Path, lake: Path, fresh: Path, run_seconds: list[float]) -> dict[str, Any]:
    from dicomlake import Lake
    from dicomlake.lake import verify
    from dicomlake.parts import Location, part_sizes
    from dicomlake.schema import table_names

    shutil.rmtree(fresh, ignore_errors=True)
    _index(archive, fresh, {})
    _check_same(Lake(lake), Lake(fresh))
    if defects := verify(Location.of(lake)).defects:
        raise SystemExit(f"the lake is defective: {defects}")
    opened: dict[Path, list[float]] = {lake: [], fresh: []}
    asked: dict[Path, list[float]] = {lake: [], fresh: []}
    for _ in range(REPEATS):
        for one in (lake, fresh):  # in turn, so that other load of the machine affects both
            started = time.perf_counter()
            reader = Lake(one)
            opened[one].append(time.perf_counter() - started)
            reader.sql(QUERY).collect()
            asked[one].append(time.perf_counter() - started)
    tables = [name for name in table_names() if (lake / name).is_dir()]
    return {
        "run_seconds_median": statistics.median(run_seconds),
        "run_seconds_most": max(run_seconds),
        "part_files": {name: len(Lake(lake).parts(name)) for name in tables},
        "part_files_fresh": {name: len(Lake(fresh).parts(name)) for name in tables},
        "part_files_on_disk": {name: len(part_sizes(Location.of(lake), name)) for name in tables},
        "log_files": {name: len(list((lake / name / "_delta_log").iterdir())) for name in tables},
        "mebibytes_on_disk": sum(path.stat().st_size for path in lake.rglob("*") if path.is_file()) / 2**20,
        "mebibytes_on_disk_fresh": sum(path.stat().st_size for path in fresh.rglob("*") if path.is_file()) / 2**20,
        "open_milliseconds": statistics.median(opened[lake]) * 1e3,
        "open_milliseconds_fresh": statistics.median(opened[fresh]) * 1e3,
        "query_milliseconds": statistics.median(asked[lake]) * 1e3,
        "query_milliseconds_fresh": statistics.median(asked[fresh]) * 1e3,
        "query_ratio": statistics.median(asked[lake]) / statistics.median(asked[fresh]),
    }


def _check_same(lake: Any, fresh: Any) -> None:  # noqa: ANN401 - what a process doesn't measure it doesn't import
    """The answer, before any figure: every table holds the rows of the freshly built one."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.run.comparison import assert_same_lake

    assert_same_lake(lake, fresh)
    counts = [dict(one.sql(QUERY).collect().iter_rows()) for one in (lake, fresh)]
    if counts[0] != counts[1]:
        raise SystemExit(f"instances by Modality are {counts[0]}, not {counts[1]}")


def _print(figures: dict[str, Any]) -> None:
    print(f"\nnight {figures['night']}: a run takes {figures['run_seconds_median']:.2f} s, at most {figures['run_seconds_most']:.2f} s")
    print(f"  {'table':<12}{'part files':>12}{'fresh':>8}{'on disk':>10}{'log':>8}")
    for name, count in figures["part_files"].items():
        others = (figures[key][name] for key in ("part_files_fresh", "part_files_on_disk", "log_files"))
        print(f"  {name:<12}{count:>12,}" + "{:>8,}{:>10,}{:>8,}".format(*others))
    print(f"  {figures['mebibytes_on_disk']:.0f} MiB on disk, fresh {figures['mebibytes_on_disk_fresh']:.0f} MiB")
    print(f"  opening {figures['open_milliseconds']:.1f} ms, fresh {figures['open_milliseconds_fresh']:.1f} ms", end="; ")
    print(f"opening and query {figures['query_milliseconds']:.1f} ms, fresh {figures['query_milliseconds_fresh']:.1f} ms", end=": ")
    print(f"{figures['query_ratio']:.2f} times (limit {RATIO_LIMIT:.0f})", flush=True)


if __name__ == "__main__":
    sys.exit(main())
