"""``kill -9`` of a whole process group, at moments drawn over all of a command: nothing that was committed is read again or lost.

Half of the moments are drawn by the clock, half by what has appeared in the lake's folder: between two commits lie moments that a clock
rarely hits. ``DICOMLAKE_KILLS=100`` draws so many kills of each command, and a tenth of them of runs with worker processes, which the
suite leaves out; ``-s`` prints what they hit.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import dicomlake
from dicomlake.errors import DicomlakeError, NotALake
from dicomlake.lake import Lake, vacuum, verify
from dicomlake.lake.log.delta import active_parts, open_delta
from dicomlake.parts import Location, read_parts
from dicomlake.samples import write_sample
from tests.run.comparison import Tables, assert_same_tables, whole

pytestmark = pytest.mark.long

KILLS = int(os.environ.get("DICOMLAKE_KILLS", "0"))
CONFIG = "listing: {unit_files: 20}\nlake: {commit_units: 1, missing_limit: 1.0, rollup_rows: 40}\n"
PROCESSES = "running: {dashboard_address: 127.0.0.1:0}\n"  # threads have no dashboard
COMMAND = (
    "import sys, datetime, importlib\n"
    "importlib.import_module('dicomlake.lake.upkeep.vacuum').READER_TIME = datetime.timedelta()\n"  # so that there is something to remove
    "from dicomlake.cli import main\n"
    "sys.exit(main())\n"
)


@dataclass
class World:
    """An archive on its second day, a lake of its first, one of both, and what a lake of it must hold."""

    folder: Path
    archive: Path
    first_day: Path
    both_days: Path
    config: Path
    processes: Path
    tables: Tables
    hit: Counter[str] = field(default_factory=Counter)

    def index(self, lake: Path) -> dicomlake.run.Summary:
        """A run in this process."""
        return dicomlake.index(self.archive, lake=lake, config=self.config, workers=0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Made once: every kill has a copy of one of the lakes, or none."""
    folder = tmp_path_factory.mktemp("killed")
    world = World(folder, folder / "archive", folder / "first", folder / "both", folder / "config.yaml", folder / "processes.yaml", {})
    world.config.write_text(CONFIG, "utf-8")
    world.processes.write_text(CONFIG + PROCESSES, "utf-8")
    write_sample(world.archive, studies=1)
    world.index(world.first_day)
    files = sorted(path for path in world.archive.rglob("*") if path.is_file())
    for number, path in enumerate(files):
        if number % 9 == 0:
            path.unlink()
        elif number % 3 == 0:
            shutil.copy(path, path.with_name("!" + path.name))
        elif number % 3 == 1:
            os.utime(path, (1_700_000_000, 1_700_000_000))
    shutil.copytree(world.first_day, world.both_days)
    world.index(world.both_days)
    world.index(folder / "clean")
    world.tables = whole(Lake(folder / "clean"))
    yield world
    sys.stdout.write(f"\nkills: {dict(sorted(world.hit.items()))}\n")


COMMANDS = {
    "first index": ["index", "{archive}", "--lake", "{lake}", "--config", "{config}", "--json"],
    "second index": ["index", "{archive}", "--lake", "{lake}", "--config", "{config}", "--json"],
    "index by processes": ["index", "{archive}", "--lake", "{lake}", "--config", "{processes}", "--workers", "2"],
    "optimize": ["optimize", "{lake}"],
    "vacuum": ["vacuum", "{lake}", "--keep", "0d"],
}


@pytest.mark.parametrize("name", [name for name in COMMANDS if KILLS or name != "index by processes"])
def test_one_run_heals_what_a_kill_left(world: World, name: str) -> None:
    """What was shown is shown still; a run after it gives the tables of a clean one, and reads nothing that `files` knew."""
    chance = random.Random(name)
    shutil.rmtree(world.folder / "lake", ignore_errors=True)
    lake = _fresh(world, name)
    before = _count(lake)
    seconds, entries = _undisturbed(world, name, lake)
    kills = (-(-KILLS // 10) if name == "index by processes" else KILLS) or 2
    for number in range(kills):
        lake = _fresh(world, name)
        shown, snapshot = (whole(Lake(lake)), Lake(lake).row["snapshot"]) if lake.exists() else (None, 0)
        if number % 2:
            stage = _kill(world, name, lake, after_entries=chance.randint(before, before + entries))
        else:
            stage = _kill(world, name, lake, after_seconds=chance.uniform(0, seconds))
        world.hit[f"{name}: {stage}"] += 1
        _assert_shown(world, lake, shown, snapshot)
        _assert_healed(world, lake)


def _fresh(world: World, name: str) -> Path:
    lake = world.folder / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    base = {"first index": None, "second index": world.first_day, "index by processes": world.first_day}.get(name, world.both_days)
    if base is not None:
        shutil.copytree(base, lake)
    return lake


def _start(world: World, name: str, lake: Path) -> subprocess.Popen[bytes]:
    arguments = [text.format(archive=world.archive, lake=lake, config=world.config, processes=world.processes) for text in COMMANDS[name]]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        env=environment,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _undisturbed(world: World, name: str, lake: Path) -> tuple[float, int]:
    """How long the command takes, and how many files come to be (or go) in the lake meanwhile."""
    started, before = time.monotonic(), _count(lake)
    process = _start(world, name, lake)
    _, error = process.communicate()
    assert process.returncode == 0, error
    return time.monotonic() - started, abs(_count(lake) - before)


def _count(lake: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(lake))


def _kill(world: World, name: str, lake: Path, *, after_seconds: float | None = None, after_entries: int | None = None) -> str:
    """Kill the command's whole group when its time has come, or so much has changed in the lake; answers in which stage that was."""
    started, before = time.monotonic(), _count(lake)
    process = _start(world, name, lake)
    wanted = 0 if after_entries is None else abs(after_entries - before)
    with process:
        while process.poll() is None:
            if after_seconds is not None and time.monotonic() - started >= after_seconds:
                break
            if after_entries is not None and abs(_count(lake) - before) >= wanted and (wanted or _count(lake) != before):
                break
            time.sleep(0.005)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return "ended before"
    return _stage(lake, before) if process.returncode == -signal.SIGKILL else "ended before"


def _stage(lake: Path, before: int) -> str:
    """What the command had come to."""
    if _count(lake) == before:
        return "nothing written"
    try:
        pinned = Lake(lake).table_versions
    except DicomlakeError:
        pinned = {}
    moved = [name for name in ("series", "files", "instances") if _version(lake, name) > pinned.get(name, 0)]
    return f"{moved[0]} committed" if moved else "something written"


def _version(lake: Path, name: str) -> int:
    try:
        return open_delta(Location.of(lake), name).version()
    except Exception:  # noqa: BLE001 - there is none yet
        return 0


def _assert_shown(world: World, lake: Path, shown: Tables | None, snapshot: int) -> None:
    """The lake is what it was, or, where the command died after its last act, what a clean run makes of it."""
    try:
        found = Lake(lake)
    except NotALake:
        assert shown is None
        return
    if found.row["snapshot"] == snapshot:
        assert shown is not None
        tables = whole(found)
        assert all(tables[name].equals(rows) for name, rows in shown.items())
    else:
        assert_same_tables(whole(found), world.tables)
    assert verify(Location.of(lake)).defects == []


def _known(lake: Path) -> pl.DataFrame:
    """What `files` knew when the command was killed: urls, and the run that read them."""
    location, columns = Location.of(lake), ["url", "status", "file_size", "modified", "last_snapshot"]
    try:
        rows = read_parts(location, active_parts(open_delta(location, "files"), "files").values(), columns)
    except Exception:  # noqa: BLE001 - there is no such table yet
        rows = None
    if rows is None:
        return pl.DataFrame(schema={"url": pl.String, "last_snapshot": pl.Int64, "status": pl.String})
    stats = {url: path.stat() for url in rows["url"] if (path := Path(url)).is_file()}
    there = [
        url in stats and stats[url].st_size == size and stats[url].st_mtime_ns // 1000 == modified
        for url, size, modified in rows.select("url", "file_size", pl.col("modified").to_physical()).iter_rows()
    ]
    return rows.filter(pl.Series(there, dtype=pl.Boolean) & (pl.col("status") != "missing"))


def _assert_healed(world: World, lake: Path) -> None:
    known = _known(lake)
    summary = world.index(lake)
    healed = Lake(lake)
    assert summary.files_unchanged == known.height
    after = healed.files.select("url", last="last_snapshot", became="status").collect()
    read_again = known.join(after, on="url").filter((pl.col("last") == summary.snapshot) & (pl.col("last") != pl.col("last_snapshot")))
    # A copy that takes the place of a kept one is read, and one that gives it up has its row restated.
    assert read_again.filter(pl.col("status") == pl.col("became")).height == 0
    read = summary.files_indexed + summary.files_duplicate + summary.files_failed + summary.files_not_dicom + summary.files_skipped
    promoted = read_again.filter((pl.col("status") == "duplicate") & (pl.col("became") == "indexed")).height
    assert read <= summary.files_listed - known.height + promoted
    assert_same_tables(whole(healed), world.tables)
    assert verify(Location.of(lake)).defects == []
    vacuum(Location.of(lake), timedelta())
    assert verify(Location.of(lake)).notes == []
