"""Nights drawn at random of a folder with archives in it, and what must hold after each of them.

Files and archives of all kinds come, change, are replaced, moved, cut and damaged, and vanish; runs are killed, or have no time to end.
A game is drawn from a seed alone, and its assertions tell the seed and the events.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

import dicomlake.extract.unit
import dicomlake.run.index
from dicomlake.config import load_settings
from dicomlake.extract.engine import Engine, Scanned, ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.lake import Lake, verify
from dicomlake.lake.log.delta import active_parts, open_delta
from dicomlake.parts import Location, read_parts
from dicomlake.run import IndexRequest, Summary, run_index
from dicomlake.runner import SerialRunner
from dicomlake.sources import Source, merge_listings
from tests.archives.making import KINDS, TIME, dicom, write_archive
from tests.run.comparison import assert_same_lake
from tests.run.faults import Killed, broken_off
from tests.run.test_time_limit import Listed

PLACES = ("a/1 {}", "a/2-{}", "a/3/{}", "b-{}")
Members = dict[str, tuple[bytes, int]]
MEMBERS = ("I1", "I2", "s/I1", "s/I2", "s/I3", "readme.txt", "inner.zip")


class Recording:
    """The engine, and the urls that it was given since ``read`` was last cleared."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def scan(self, files: pa.Table, request: ScanRequest) -> Scanned:
        """See ``Engine``."""
        self.read += files["url"].to_pylist()
        return make_engine("native").scan(files, request)


class Game:
    """A folder, its lake, and what happened to them.

    Args:
        folder: where all of it goes.
        seed: of everything that is drawn.
        patch: where the seams are that the game needs.
    """

    def __init__(self, folder: Path, seed: int, patch: pytest.MonkeyPatch) -> None:
        self._chance = random.Random(seed)
        self._folder = folder
        self._tree = folder / "tree"
        self._lake = Location.of(folder / "lake")
        self._clock = TIME
        self._archives: dict[Path, Members] = {}
        self._former: dict[Path, list[tuple[Members, bytes, int]]] = {}
        self._story = [f"seed {seed}"]
        self._engine = Recording()
        self._tree.mkdir()
        self.ended = 0
        patch.setattr(dicomlake.extract.unit, "make_engine", self._make_engine)
        patch.setattr(dicomlake.run.index, "UnitFeed", Listed)
        patch.setattr(dicomlake.run.index, "merge_listings", self._in_small_batches)
        patch.setattr("dicomlake.plan.stretches.STRETCH_ROWS", 5)
        patch.setattr("dicomlake.plan.archives.TOGETHER_MEMBERS", 4)

    def play(self) -> None:
        """A day of the folder, a night that may need several runs, and every check."""
        chance = self._chance
        self._story.append(f"day {self.ended + 1}")
        for _ in range(chance.randrange(1, 7)):
            self._day()
        committed: set[str] = set()
        while chance.random() < 0.35 and not self._is_over_before_it_is_killed():
            committed = self._committed()
            if chance.random() < 0.4:
                committed = set()  # what changes now is read again
                self._day()
        read: list[str] = []
        copies = self._copies() if self.ended else set()
        begun: set[str] = set()
        limit = chance.choice([None, None, 4, 8])
        while (left := self._night(limit, read).files_left) and len(read) < 10_000:
            copies |= self._copies()
            begun |= self._begun()
        assert verify(self._lake).defects == [], self._told("the runs left defects")
        again = {url for url in read if read.count(url) > 1} | (committed & set(read))
        assert left == 0, self._told("limited nights come to no end")
        assert again <= copies | self._copies() | begun, self._told(f"read twice: {sorted(again)}")
        self._check()
        self.ended += 1

    # ---- what happens to the folder ----------------------------------------------------------------------------------------------

    def _day(self) -> None:
        chance = self._chance
        path = self._tree / chance.choice(PLACES).format(chance.choice(KINDS))
        to_all = [self._file, self._file, self._make, self._make]
        to_archives = [self._change, self._change, self._cut, self._restore, self._damage, self._replace, self._vanish, self._move]
        event = chance.choice([*to_all, *to_archives] if path in self._archives else to_all)
        self._story.append(f"{event.__name__[1:]} {path.relative_to(self._tree)}")
        event(path)

    def _file(self, path: Path) -> None:
        plain = path.parent / self._chance.choice(["I1", "I2", f"{path.name}.txt", f"{path.name}!"])
        if self._chance.random() < 0.3:
            plain.unlink(missing_ok=True)
        else:
            self._put(plain, self._content("I"))

    def _make(self, path: Path) -> None:
        names = self._chance.sample(MEMBERS, self._chance.randrange(len(MEMBERS)))
        self._write(path, {name: (self._content(name), self._now()) for name in names})

    def _change(self, path: Path) -> None:
        members = dict(self._archives[path])
        for name in self._chance.sample(MEMBERS, 2):
            if self._chance.random() < 0.3:
                members.pop(name, None)
            else:
                members[name] = (self._content(name), self._now())
        self._write(path, members)

    def _cut(self, path: Path) -> None:
        """The rest may come another day, and nothing else tells that it has."""
        whole = path.read_bytes()
        self._put(path, whole[: self._chance.randrange(len(whole) + 1)])

    def _restore(self, path: Path) -> None:
        """The archive as it was once, to its time."""
        self._archives[path], content, time = self._chance.choice(self._former[path])
        path.write_bytes(content)
        os.utime(path, (time, time))

    def _damage(self, path: Path) -> None:
        """Of what is changed behind its back an archive says nothing: before that and after, all its members are of another time."""
        self._touch_members(path)
        content = bytearray(path.read_bytes())
        for _ in range(self._chance.randrange(1, 4)):
            content[self._chance.randrange(len(content))] ^= 1 << self._chance.randrange(8)
        self._touch_members(path)
        self._put(path, bytes(content))

    def _replace(self, path: Path) -> None:
        self._put(path, self._chance.choice([b"", b"no archive", dicom(self._chance.randrange(40))]))

    def _vanish(self, path: Path) -> None:
        path.unlink()
        del self._archives[path]

    def _move(self, path: Path) -> None:
        there = path.with_name(f"moved {path.name}")
        path.rename(there)
        self._archives[there], self._former[there] = self._archives.pop(path), self._former.pop(path)

    def _touch_members(self, path: Path) -> None:
        self._write(path, {name: (content, self._now()) for name, (content, _) in self._archives[path].items()})

    def _write(self, path: Path, members: Members) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        contents, times = ({name: entry[part] for name, entry in members.items()} for part in (0, 1))
        write_archive(path, contents, times=times)
        self._archives[path] = members
        os.utime(path, (self._now(), self._clock))
        self._former.setdefault(path, []).append((members, path.read_bytes(), self._clock))

    def _put(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (self._now(), self._clock))

    def _content(self, name: str) -> bytes:
        if not name.rpartition("/")[2].startswith("I"):
            return self._chance.choice([b"", b"text", b"PK\x05\x06" + bytes(18)])
        content = dicom(self._chance.randrange(40), self._chance.choice(["", "axial", "sagittal"]))
        return content if self._chance.random() < 0.9 else content[: self._chance.randrange(len(content))]

    def _now(self) -> int:
        self._clock += 2
        return self._clock

    # ---- runs --------------------------------------------------------------------------------------------------------------------

    def _run(self, lake: Location, limit: int | None = None) -> Summary:
        chance = self._chance
        overrides = {
            "listing.unit_files": chance.choice([2, 5, 100]),
            "lake.commit_units": chance.choice([2, 16]),
            "lake.missing_limit": 1.0,
            "running.time_limit_seconds": None if limit is None else float(limit),
        }
        request = IndexRequest((str(self._tree),), lake, load_settings(overrides=overrides))
        self._engine.read.clear()
        return run_index(request, SerialRunner, clock=lambda: float(len(self._engine.read)))

    def _night(self, limit: int | None, read: list[str]) -> Summary:
        self._story.append(f"run{'' if limit is None else f' for {limit} files'}")
        summary = self._run(self._lake, limit)
        read += self._engine.read
        assert not summary.files_left or self._engine.read or limit is None, self._told("a night read nothing, and left something")
        return summary

    def _is_over_before_it_is_killed(self) -> bool:
        where, allowed = self._chance.choice(["commit", "part file"]), self._chance.randrange(8)
        self._story.append(f"killed at {where} {allowed}")
        try:
            with broken_off(where, allowed):
                self._run(self._lake)
        except Killed:
            return False
        return True

    def _make_engine(self, _: str) -> Engine:
        return self._engine

    def _in_small_batches(self, sources: Sequence[Source]) -> Iterator[pa.RecordBatch]:
        for batch in merge_listings(sources):
            step = self._chance.choice([1, 2, 50])
            for start in range(0, batch.num_rows, step):
                yield batch.slice(start, step)

    # ---- checks ------------------------------------------------------------------------------------------------------------------

    def _committed(self) -> set[str]:
        """The files of which the run that died committed what it read."""
        try:
            delta = open_delta(self._lake, "files")
        except Exception:  # noqa: BLE001 - it died before it made a table
            return set()
        rows = read_parts(self._lake, active_parts(delta, "files").values())
        if rows is None:
            return set()
        last = Lake(self._lake.url).snapshot if self.ended else 0
        return set(rows.filter((pl.col("last_snapshot") > last) & pl.col("status").is_in(["indexed", "not_dicom", "failed"]))["url"])

    def _copies(self) -> set[str]:
        """The files of instances that are there more than once: when the one that is kept goes, another is read again."""
        files = Lake(self._lake.url).files.collect()
        shared = files.filter(pl.col("SOPInstanceUID").is_not_null() & pl.col("SOPInstanceUID").is_duplicated())
        return set(shared["url"])

    def _begun(self) -> set[str]:
        """The archives of which members are left, by their rows; these are written once more when the last member has been read."""
        return set(Lake(self._lake.url).files.filter(pl.col("code") == "timed-out").collect()["url"])

    def _check(self) -> None:
        rebuilt = Location.of(self._folder / "rebuilt")
        self._run(rebuilt)
        try:
            assert_same_lake(Lake(self._lake.url), Lake(rebuilt.url))
        except AssertionError as error:
            raise AssertionError(self._told(f"{error}\ndiffers from a rebuild")) from error
        shutil.rmtree(rebuilt.url)
        if self._chance.random() < 0.4:
            again = self._run(self._lake)
            what = (again.bytes_read, again.requests, again.files_new, again.files_changed, again.files_missing)
            assert what == (0, 0, 0, 0, 0), self._told(f"a night on which nothing happened: {again}")

    def _told(self, what: str) -> str:
        return "\n  ".join([what, *self._story])
