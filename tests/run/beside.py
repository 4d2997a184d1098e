"""One process of the game of readers beside writers: ``python -m tests.run.beside KIND LAKE ARCHIVE SECONDS SEED``.

It prints a JSON object of what it did: how often, and how often it was refused because another process was writing. Anything else that
goes wrong ends it with a traceback.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

import dicomlake
from dicomlake import Lake
from dicomlake.config import load_settings
from dicomlake.errors import LakeLocked, NotALake
from dicomlake.lake import optimize, vacuum
from dicomlake.parts import Location

SETTINGS = {"listing.unit_files": 20, "lake.commit_units": 2, "lake.missing_limit": 1.0, "running.workers": 0}


def write(lake: Path, archive: Path, chance: random.Random) -> str:
    """Change the archive and index it, or keep the lake; answers what was done."""
    act = chance.choices(["index", "optimize", "vacuum"], [6, 1, 2])[0]
    try:
        if act == "index":
            _change(archive, chance)
            dicomlake.index(archive, lake=lake, config=load_settings(None, dict(SETTINGS)))
        elif not (lake / "snapshots").exists():
            return "waited"
        elif act == "optimize":
            optimize(Location.of(lake))
        else:
            vacuum(Location.of(lake), timedelta())
    except LakeLocked:
        time.sleep(0.01)
        return "refused"
    except NotALake:
        return "waited"
    return act


def _change(archive: Path, chance: random.Random) -> None:
    """Another writer changes it too, and may have been faster."""
    files = sorted(path for path in archive.rglob("*") if path.is_file())
    for _ in range(5):
        path = chance.choice(files)
        try:
            if chance.random() < 0.5 or len(files) < 50:
                shutil.copy(path, path.with_name(f"{chance.choice('!~')}{chance.randrange(100)}"))
            else:
                path.unlink()
        except (FileNotFoundError, shutil.SameFileError):
            continue


class Reader:
    """Opens the lake again and again; whatever it reads belongs to one snapshot, and later ones are never earlier."""

    def __init__(self) -> None:
        self._held: list[tuple[Lake, dict[str, Any]]] = []
        self._last = 0

    def read(self, lake: Path, chance: random.Random) -> str:
        """Look once; answers what was looked at."""
        try:
            opened = Lake(lake)
        except NotALake:
            if self._last:
                raise
            time.sleep(0.05)
            return "waited"
        assert opened.snapshot >= self._last, f"snapshot {opened.snapshot} after {self._last}"
        self._last = opened.snapshot
        counts = counted(opened, with_sql=chance.random() < 0.5)
        if chance.random() < 0.3:
            self._held = [*self._held[-2:], (opened, counts)]
        for held, before in self._held:
            assert counted(held, with_sql=chance.random() < 0.5) == before, f"snapshot {held.snapshot} became another"
        return "read"


def counted(lake: Lake, *, with_sql: bool) -> dict[str, Any]:
    """Counts of every table, which must agree."""
    if with_sql:
        statuses = dict(lake.sql("select status, count(*) as n from files group by status").collect().iter_rows())
        one = {
            name: lake.sql(f"select count(*) as n, sum({column}) as total from {name}").collect().row(0)  # noqa: S608 - names of ours
            for name, column in _COUNTS.items()
        }
        instances = lake.sql("select count(*) as n from instances").collect().item()
    else:
        statuses = dict(lake.files.group_by("status").len().collect().iter_rows())
        one = {name: lake.table(name).select(pl.len(), pl.col(column).sum()).collect().row(0) for name, column in _COUNTS.items()}
        instances = lake.instances.select(pl.len()).collect().item()
    assert statuses.get("indexed", 0) == instances, f"snapshot {lake.snapshot}: {statuses}, {instances} instances"
    assert {total for _, total in one.values()} == {instances}, f"snapshot {lake.snapshot}: {instances} instances, {one}"
    if lake.row["kind"] == "index":
        there = sum(count for status, count in statuses.items() if status != "missing")
        assert there == lake.summary["files_listed"], f"snapshot {lake.snapshot}: {statuses}, {lake.summary}"
    return {"statuses": statuses, "instances": instances, **{name: tuple(row) for name, row in one.items()}}


_COUNTS = {
    "series": "NumberOfSeriesRelatedInstances",
    "studies": "NumberOfStudyRelatedInstances",
    "patients": "NumberOfPatientRelatedInstances",
}


def main(kind: str, lake: str, archive: str, seconds: str, seed: str) -> None:
    """Write or read for so many seconds, once at least."""
    chance, reader = random.Random(seed), Reader()
    done: Counter[str] = Counter()
    end = time.monotonic() + float(seconds)
    while not (done["read"] or done["index"]) or time.monotonic() < end:
        done[write(Path(lake), Path(archive), chance) if kind == "writer" else reader.read(Path(lake), chance)] += 1
        if not done["read"] and time.monotonic() > end + 300:
            break
    sys.stdout.write(json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:])
