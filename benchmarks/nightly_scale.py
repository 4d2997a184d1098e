"""The cost of a night for a large lake: a benchmark of ``dicomlake index`` with 20,000 changes among millions of instances, without a file.

The lake is made directly as tables, with the part files that an index and an optimize leave. Formulas (``made_archive.py``) give the
listing and the headers, so they take no memory. All else is the real run: opening the lake, comparing the listing with the ledger, commits
with their search for copies, the roll-up, the row of `snapshots`. It does not show the cost of listing a store or reading headers. Every
run's answer is checked before its figures are printed.

Checked targets (docs/benchmarks): the peak memory of the run over the most instances, and its growth from the fewest.

    python benchmarks/nightly_scale.py [--instances 1000000 10000000] [--folder FOLDER] [--verify]

It takes a quarter of an hour and 8 GB of disk; with ``--folder``, its lakes are kept for the next time. It leaves a dated record in
``benchmarks/records/``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

import dicomlake.extract.unit
import dicomlake.run.index
import dicomlake.run.planning
import dicomlake.run.stages
from dicomlake.config import Settings
from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.lake import Lake, LakeWriter, optimize, verify
from dicomlake.parts import Location, PartFile, write_parts, write_sorted
from dicomlake.rollup import RollUpTask, run_roll_ups
from dicomlake.run import IndexRequest, Progress, run_index
from dicomlake.runner import runner_starter
from dicomlake.schema import ROWS_VERSION
from dicomlake.sources import Source
from made_archive import (
    PAIR_INSTANCES,
    SERIES_INSTANCES,
    SOURCE,
    Archive,
    Night,
    file_rows,
    files_table,
    findings_table,
    instances_table,
    modalities,
    places_of_urls,
)
from measure import arguments_parser, child_run, finish, parsed, peak_mebibytes, record_head, working_folder

PEAK_MEBIBYTES_LIMIT = 2048.0
PEAK_GROWTH_LIMIT = 1.3
PROJECTED_INSTANCES = 100_000_000
BLOCK_INSTANCES = 1_000_000
LEAST_INSTANCES = 100_000
PART_ROWS = 120_000
ENGINE = "formula"
PACKAGES = ("deltalake", "polars", "pyarrow", "dicomlake")


def main() -> int:
    """Run the benchmark, print its figures, leave a record; exit status 1 if a check fails."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--instances", type=int, nargs="+", default=[1_000_000, 10_000_000], help="at least 100,000 each")
    parser.add_argument("--verify", action="store_true", help="verify each lake after its night too")
    parser.add_argument("--one-run", metavar="LAKE", help=argparse.SUPPRESS)
    parser.add_argument("--dry-run", action="store_true", help=argparse.SUPPRESS)
    arguments = parsed(parser, instances=[100_000])
    if any(count < LEAST_INSTANCES or count % PAIR_INSTANCES for count in arguments.instances):
        parser.error(f"--instances: at least {LEAST_INSTANCES:,}, and a multiple of {PAIR_INSTANCES:,}")
    if arguments.one_run:
        (count,) = arguments.instances
        print(json.dumps(_one_run(arguments.one_run, Archive(count), dry_run=arguments.dry_run)), flush=True)
        os._exit(0)  # as the command `dicomlake` ends
    with working_folder(arguments.folder) as folder:
        record = _measure(folder, sorted(arguments.instances), verified=arguments.verify)
    _print(record)
    return finish(record, arguments, passed=record["passed"])


def _measure(folder: Path, counts: list[int], *, verified: bool) -> dict[str, Any]:
    runs: list[dict[str, Any]] = []
    for count in counts:
        made = made_lake(folder, count)
        lake = folder / f"night-{count}"
        shutil.rmtree(lake, ignore_errors=True)
        _link(made, lake)
        comparing = _spawn(lake, count, dry_run=True)
        run = _spawn(lake, count, dry_run=False)
        _check(run["summary"], lake, Archive(count))
        if verified and (defects := verify(Location.of(lake)).defects):
            raise SystemExit(f"{count:,} instances: the lake is defective: {defects}")
        shutil.rmtree(lake)
        runs.append({"instances": count, "listing_and_comparing": comparing["stages"]["listing"], **run})
    growth = runs[-1]["peak_mebibytes"] / runs[0]["peak_mebibytes"]
    head = record_head("nightly scale", f"python benchmarks/nightly_scale.py --instances {' '.join(map(str, counts))}", PACKAGES)
    return {
        **head,
        "peak_growth": growth,
        "projected_instances": PROJECTED_INSTANCES,
        "projected": {name: _projected(runs, name) for name in ("wall_seconds", "peak_mebibytes")},
        "passed": runs[-1]["peak_mebibytes"] <= PEAK_MEBIBYTES_LIMIT and growth <= PEAK_GROWTH_LIMIT,
        "runs": runs,
    }


def _projected(runs: list[dict[str, Any]], name: str) -> float | None:
    """The value at `PROJECTED_INSTANCES` of the line through the fewest and the most instances."""
    first, last = runs[0], runs[-1]
    if first is last:
        return None
    slope = (last[name] - first[name]) / (last["instances"] - first["instances"])
    return float(last[name] + slope * (PROJECTED_INSTANCES - last["instances"]))


def _spawn(lake: Path, count: int, *, dry_run: bool) -> dict[str, Any]:
    command = [sys.executable, __file__, "--instances", str(count), "--one-run", str(lake), *(["--dry-run"] if dry_run else [])]
    answer, wall, cpu = child_run(command)
    return {**answer, "wall_seconds": wall, "cpu_seconds": cpu}


def _one_run(lake: str, archive: Archive, *, dry_run: bool) -> dict[str, Any]:
    source = Source(SOURCE, whole=True, _list=Night(archive).listing)
    for module, name, stand_in in (
        (dicomlake.run.index, "open_sources", lambda *_, **__: [source]),
        (dicomlake.run.planning, "engine_version", lambda _: ENGINE),
        (dicomlake.run.stages, "engine_version", lambda _: ENGINE),
        (dicomlake.extract.unit, "make_engine", lambda _: FormulaEngine()),
    ):
        assert hasattr(module, name)
        setattr(module, name, stand_in)
    settings = Settings()
    progress = MeasuredProgress()
    request = IndexRequest((SOURCE,), Location.of(lake), settings, dry_run=dry_run)
    summary = run_index(request, runner_starter(settings.running, in_threads=True), progress)
    progress.note_peak()
    stages = {name: {"seconds": progress.own_seconds[name], "peak_mebibytes": progress.peaks[name]} for name in progress.own_seconds}
    return {"summary": summary.as_dict(), "stages": stages, "peak_mebibytes": max(progress.peaks.values())}


class FormulaEngine:
    """Answers the headers of an archive that does not exist."""

    def scan(self, files: pa.Table, request: ScanRequest) -> Scanned:
        """Answer a unit."""
        listed = pl.DataFrame(files)
        places = places_of_urls(listed["url"], listed["modified"])
        makers = {"files": files_table, "instances": instances_table, "findings": findings_table}
        return Scanned({**request.empty_tables(), **{name: make(places, request.scanned_schema(name)) for name, make in makers.items()}})


class MeasuredProgress(Progress):
    """Notes the cost of each stage without its inner stages: seconds, and the peak resident memory of the process."""

    def __init__(self) -> None:
        super().__init__()
        self.own_seconds: dict[str, float] = {}
        self.peaks: dict[str, float] = {}
        self._inner = 0.0

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the time of a stage."""
        self.note_peak()
        outer, self._inner = self._inner, 0.0
        began = time.monotonic()
        try:
            with super().timed(stage):
                try:
                    yield
                finally:
                    self.note_peak()
        finally:
            seconds = time.monotonic() - began
            self.own_seconds[stage] = self.own_seconds.get(stage, 0.0) + seconds - self._inner
            self._inner = outer + seconds

    def note_peak(self) -> None:
        """Note the peak since the last call for the current stage."""
        self.peaks[self.stage] = max(self.peaks.get(self.stage, 0.0), peak_mebibytes())
        Path("/proc/self/clear_refs").write_text("5")  # starts a new peak at the current resident memory


def made_lake(folder: Path, count: int) -> Path:
    """A lake of so many instances, made if it does not exist."""
    lake = folder / f"made-{count}"
    if lake.exists():
        return lake
    started = time.monotonic()
    new = folder / f"made-{count}.new"
    shutil.rmtree(new, ignore_errors=True)
    settings = Settings()
    location = Location.of(new)
    blocks = [(location, first, min(first + BLOCK_INSTANCES, count)) for first in range(0, count, BLOCK_INSTANCES)]
    schema = settings.schema_of_lake()
    with closing(LakeWriter.open(location, schema)) as writer:
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
            parts = [part for block in pool.map(_write_block, blocks) for part in block]
        number = writer.next_number()
        for table in (*schema.unit_tables, *schema.roll_ups):
            writer.tables[table.name].commit([part for part in parts if part.table == table.name], [], number)
        row = {"snapshot": 1, "kind": "index", "started": datetime.now(UTC), "finished": datetime.now(UTC), "sources": [SOURCE]}
        read = {"config_digest": settings.digest(), "engine": ENGINE, "rows_version": ROWS_VERSION, "dicomlake_version": "0"}
        writer.write_snapshot({**row, **read}, {})
    optimize(location)
    new.rename(lake)
    print(f"made a lake of {count:,} instances in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return lake


def _write_block(block: tuple[Location, int, int]) -> list[PartFile]:
    """The part files of a range of instances."""
    location, first, last = block
    schema = Settings().schema_of_lake()
    places = Archive(last).places(first // SERIES_INSTANCES, last // SERIES_INSTANCES)
    names = modalities(places)
    parts = write_parts(location, "files", _stamped(files_table(places, schema.table("files")), ("first_snapshot", "last_snapshot")))
    findings = _stamped(findings_table(places, schema.table("findings")), ("snapshot",))
    parts += write_sorted(location, "findings", findings, schema.declaration("findings").order)
    tasks: list[RollUpTask] = []
    for modality in names.unique().sort():
        own = places.filter(names == modality)
        pieces = -(-own.height // PART_ROWS)
        for piece in range(pieces):
            rows = own[own.height * piece // pieces : own.height * (piece + 1) // pieces]
            table = _stamped(instances_table(rows, schema.table("instances")), ("snapshot",))
            written = write_sorted(location, "instances", table, schema.declaration("instances").order, partition_by=schema.partition_by)
            parts += written
            keys = pl.DataFrame(table.select(["series_key"])).unique()
            tasks.append(RollUpTask("series", keys, tuple(written), (), schema, location, 1))
    instances = tuple(part for part in parts if part.table == "instances")
    of_series = instances_table(places.unique("series", maintain_order=True), schema.table("instances"))
    for level in schema.levels[1:]:
        keys = pl.DataFrame(of_series.select(list(level.key))).unique()
        tasks.append(RollUpTask(level.name, keys, instances, (), schema, location, 1))
    return [*parts, *(part for result in run_roll_ups(tuple(tasks)) for part in (*result.parts, *result.findings))]


def _stamped(rows: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    """Rows as the first run wrote them."""
    first = pa.repeat(pa.scalar(1, pa.int64()), rows.num_rows)
    for name in columns:
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), first)
    return rows


def _link(made: Path, lake: Path) -> None:
    """Make a lake of the same part files, which nothing changes in place, and of a log of its own."""
    for folder, _, names in os.walk(made):
        own = lake / Path(folder).relative_to(made)
        own.mkdir(mode=0o700)
        for name in names:
            if name.endswith(".parquet") and own.name != "_delta_log":
                os.link(Path(folder, name), own / name)
            else:
                shutil.copy2(Path(folder, name), own / name)


def _check(summary: dict[str, Any], lake: Path, archive: Archive) -> None:
    """The answer, before any figure."""
    night = Night(archive)
    _hold(
        "files new, changed, missing, unchanged, indexed, duplicate",
        tuple(summary[f"files_{name}"] for name in ("new", "changed", "missing", "unchanged", "indexed", "duplicate")),
        night.summary_expected(),
    )
    tables = Lake(lake)
    for name, count in night.rows_expected().items():
        _hold(f"rows of {name}", tables.table(name).select(pl.len()).collect().item(), count)
    expected = night.sample()
    there = tables.files.join(expected.lazy().select("url"), on="url", how="semi").select(file_rows(expected).columns).sort("url").collect()
    if not there.equals(file_rows(expected).sort("url")):
        raise SystemExit("rows of files differ from what the night left")
    kept = expected.filter(~pl.col("url").is_in(night.duplicates().implode()))
    columns = ["url", "SOPInstanceUID", "header_digest", "SeriesInstanceUID", "Modality", "Rows", "KVP", "ImagePositionPatient"]
    rows = tables.instances.join(expected.lazy().select("url"), on="url", how="semi").select(columns).sort("url").collect()
    schema = Settings().schema_of_lake().table("instances")
    if not rows.equals(pl.DataFrame(instances_table(kept, schema).select(columns)).sort("url")):
        raise SystemExit("rows of instances differ from what the headers say")
    counts = tables.series.select("NumberOfSeriesRelatedInstances").sum().collect().item()
    _hold("instances, as series count them", counts, night.rows_expected()["instances"])


def _hold(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise SystemExit(f"{what}: {found}, not {expected}")


def _print(record: dict[str, Any]) -> None:
    for run in record["runs"]:
        print(f"\n{run['instances']:,} instances, a night of 20,000 changes")
        print(f"  {run['wall_seconds']:.1f} s, {run['cpu_seconds']:.1f} s of CPU; at most {run['peak_mebibytes']:.0f} MiB")
        alone = {"listing and comparing, alone": run["listing_and_comparing"]}
        for stage, figures in (alone | run["stages"]).items():
            print(f"  {stage:<28}{figures['seconds']:8.2f} s {figures['peak_mebibytes']:8.0f} MiB")
    if len(record["runs"]) > 1:
        line = record["projected"]
        print(f"\n{PROJECTED_INSTANCES:,} instances, on the line through these: {line['wall_seconds']:.0f} s, ", end="")
        print(f"{line['peak_mebibytes']:.0f} MiB")
    print(f"peak, most instances against fewest: {record['peak_growth']:.2f} times (limit {PEAK_GROWTH_LIMIT})")
    print(f"peak: limit {PEAK_MEBIBYTES_LIMIT:.0f} MiB")
    print("passed" if record["passed"] else "NOT PASSED")


if __name__ == "__main__":
    sys.exit(main())
