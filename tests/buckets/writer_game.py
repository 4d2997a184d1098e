"""A process that indexes again and again into a lake that others write too: `python -m tests.buckets.writer_game JSON`.

Each round adds a file to its own source and runs until a run finishes. A line on stdout for each finished one: its snapshot, and the
instances that it had listed by then. With ``leases`` false nothing keeps the writers apart but their commits.
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

import dicomlake.extract.unit
import dicomlake.run.planning
import dicomlake.run.stages
from dicomlake.config import load_settings
from dicomlake.errors import LakeChanged, LakeLocked, RefusedError
from dicomlake.lake import Lake, optimize, verify
from dicomlake.lake.write.lease import Lease
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, run_index
from dicomlake.runner import SerialRunner
from tests.run.comparison import assert_same_lake
from tests.run.json_engine import JsonEngine

SETTINGS = {"listing.unit_files": 2, "lake.commit_units": 1, "lake.missing_limit": 1}


def header(writer: int, number: int) -> dict[str, Any]:
    """The header of a writer's file; studies and patients are shared between writers, series are not, some instances are in both."""
    return {
        "SOPInstanceUID": f"1.{number}" if number % 5 == 0 else f"1.{writer}.{number}",
        "SeriesInstanceUID": f"2.{writer}.{number % 3}" if number % 5 else "2.0",
        "StudyInstanceUID": f"3.{number % 3}" if number % 5 else "3.0",
        "PatientID": f"P{number % 2}" if number % 5 else "P",
        "Modality": "CT",
    }


def play(writer: int, url: str, options: dict[str, Any], folder: str, rounds: int, first: int, *, leases: bool) -> None:
    """Play rounds."""
    if not leases:
        Lease.try_acquire = lambda _: None  # type: ignore[method-assign, assignment]
    engine = JsonEngine()
    dicomlake.extract.unit.make_engine = lambda _: engine  # type: ignore[assignment, return-value]
    dicomlake.run.planning.engine_version = lambda _: engine.version
    dicomlake.run.stages.engine_version = lambda _: engine.version
    location = Location.of(url, options)
    source = Path(folder) / f"source-{writer}"
    source.mkdir(exist_ok=True)
    chance = random.Random(f"{writer} {first}")
    for number in range(first, first + rounds):
        (source / f"{number:05d}").write_text(json.dumps(header(writer, number)), "utf-8")
        refused = {"LakeLocked": 0, "LakeChanged": 0}
        while True:
            started = time.monotonic()
            try:
                summary = run_index(IndexRequest((str(source),), location, load_settings(overrides=SETTINGS)), SerialRunner)
            except (LakeLocked, LakeChanged) as error:
                refused[type(error).__name__] += 1
                # Without leases each one that begins stops the other: one must stay away for as long as a run takes, or neither finishes.
                seconds = time.monotonic() - started
                time.sleep(chance.uniform(0.01, 0.05) if leases else chance.uniform(0.0, 4 * seconds + 1.0))
            else:
                break
        sys.stdout.write(json.dumps({"snapshot": summary.snapshot, "number": number, **refused}) + "\n")
        sys.stdout.flush()
        if number % 20 == 19:
            with contextlib.suppress(RefusedError):
                optimize(location)


@dataclass
class Game:
    """Two writers of one lake, and what they said."""

    url: str
    options: dict[str, Any]
    folder: Path
    leases: bool = True
    finished: list[tuple[int, int, int]] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    kills: int = 0

    def play(self, rounds: int, kill_seconds: float | None = None, seed: int = 1) -> None:
        """Let both play. With ``kill_seconds``, one is killed after about that time, and continues where it was."""
        chance = random.Random(seed)
        done = {1: 0, 2: 0}
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda writer: self._play_on(writer, rounds, done, kill_seconds, random.Random(chance.random() + writer)), done))

    def _play_on(self, writer: int, rounds: int, done: dict[int, int], kill_seconds: float | None, chance: random.Random) -> None:
        while done[writer] < rounds:
            arguments = {
                "writer": writer,
                "url": self.url,
                "options": self.options,
                "folder": str(self.folder),
                "rounds": rounds - done[writer],
                "first": done[writer],
                "leases": self.leases,
            }
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.buckets.writer_game", json.dumps(arguments)], stdout=subprocess.PIPE, text=True
            )
            killer = None
            if kill_seconds is not None:
                killer = threading.Timer(2 + chance.expovariate(1 / kill_seconds), process.kill)
                killer.start()
            with process:
                assert process.stdout is not None
                for line in process.stdout:
                    said = json.loads(line)
                    self.finished.append((writer, said["number"], said["snapshot"]))
                    self.refusals.update({key: said[key] for key in ("LakeLocked", "LakeChanged")})
                    done[writer] = said["number"] + 1
            if killer is not None:
                killer.cancel()
            if process.returncode == -signal.SIGKILL:
                self.kills += 1
            elif process.returncode != 0:
                raise RuntimeError(f"writer {writer} ended with {process.returncode}")

    def check(self, rebuilt: Location) -> None:
        """No finished run is lost, none is there twice, and the lake is the one that a rebuild gives."""
        lake = Lake(self.url, self.options)
        numbers = lake.snapshots.collect()["snapshot"].to_list()
        assert numbers == list(range(1, len(numbers) + 1))
        snapshots = [snapshot for _, _, snapshot in self.finished]
        assert len(set(snapshots)) == len(snapshots)
        assert set(snapshots) <= set(numbers)
        assert verify(lake.location).defects == []
        for writer, number, snapshot in self.finished:
            url = str(self.folder / f"source-{writer}" / f"{number:05d}")
            first = lake.files.filter(pl.col("url") == url).select("first_snapshot").collect()["first_snapshot"].to_list()
            assert len(first) == 1
            assert first[0] <= snapshot
        sources = tuple(str(self.folder / f"source-{writer}") for writer in (1, 2))
        run_index(IndexRequest(sources, rebuilt, load_settings(overrides=SETTINGS)), SerialRunner)
        assert_same_lake(lake, Lake(rebuilt.url, rebuilt.storage_options))


if __name__ == "__main__":
    play(**json.loads(sys.argv[1]))
