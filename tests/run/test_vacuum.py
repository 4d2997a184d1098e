"""Vacuum removes what no kept snapshot needs, and never what one does."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from fsspec.implementations.local import LocalFileSystem
from polars.testing import assert_frame_equal

import dicomlake.run.index
from dicomlake.errors import LakeDamaged, LakeLocked, NotALake
from dicomlake.lake import Lake, LakeWriter, Table, VacuumReport, vacuum, verify
from dicomlake.parts import Location
from dicomlake.schema import table_names
from tests.run.beginnings import Beginnings
from tests.run.comparison import assert_same_lake
from tests.run.conftest import Nights

NIGHTS = 6
DAY = timedelta(days=1)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.fixture(scope="module")
def beginnings(tmp_path_factory: pytest.TempPathFactory) -> Beginnings:
    """Nights that several tests begin with."""
    return Beginnings(tmp_path_factory.mktemp("vacuum"))


@pytest.fixture
def night(nights: Nights, beginnings: Beginnings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Plays nights that ended so many days ago, with files that came, changed and went, in a partition whose name is quoted too."""
    nights.verifies = False
    beginnings.move(nights)

    class Clock(datetime):
        ago = timedelta()

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return super().now(tz) - cls.ago

    monkeypatch.setattr(dicomlake.run.index, "datetime", Clock)
    monkeypatch.setattr(import_module("dicomlake.lake.upkeep.vacuum"), "READER_TIME", timedelta())  # the room has a function of that name
    has_begun = False

    def play_one(days_ago: int) -> None:
        Clock.ago = timedelta(days=days_ago)
        for number in range(7):
            if number < 3 or days_ago % 2 == number % 2:
                header = {"SOPInstanceUID": f"1.{number}", "SeriesInstanceUID": f"2.{number // 3}", "StudyInstanceUID": "3"}
                modality = ["CT", "A%B =C", None][number % 3]
                nights.archive.write(f"a/{number}", **header, PatientID="P", Modality=modality, KVP=float(days_ago))
        if days_ago % 3 == 0:
            (nights.archive.folder / "a/2").unlink()
        nights.run()

    def play(*days_ago: int) -> None:
        nonlocal has_begun
        if not has_begun:
            beginnings.play(nights, days_ago, play_one)
        else:
            for days in days_ago:
                play_one(days)
        has_begun = True

    return play


def _tables(lake: Lake) -> dict[str, pl.DataFrame]:
    return {name: lake.table(name).collect() for name in table_names() if name != "snapshots"}


def _is_faultless(location: Location) -> bool:
    report = verify(location)
    return report.defects == report.notes == []


def _files(location: Location) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in Path(location.url).rglob("part-*.parquet")}


def _apart_from_snapshots(report: VacuumReport) -> int:
    return sum(part.table != "snapshots" for part in report.removed)


@pytest.mark.long
def test_every_kept_snapshot_is_what_it_was(nights: Nights, night: Callable[..., None]) -> None:
    """Whatever is kept opens and holds the same rows; the rest can't be opened, and its part files are gone."""
    night(*reversed(range(NIGHTS)))
    before = {number: _tables(nights.lake.at(number)) for number in range(1, NIGHTS + 1)}
    for days in (NIGHTS, 4, 3, 1, 0):
        expected = [number for number in before if NIGHTS - number < days or number == NIGHTS]
        report = vacuum(nights.location, days * DAY - DAY / 2 if days else timedelta())
        assert list(report.kept) == expected
        assert nights.lake.snapshots.collect()["snapshot"].to_list() == expected
        for number, tables in before.items():
            if number in expected:
                kept = _tables(nights.lake.at(number))
                assert all(kept[name].equals(rows) for name, rows in tables.items())
            else:
                with pytest.raises(NotALake, match=f"no snapshot {number}, or no longer"):
                    nights.lake.at(number)
        assert _is_faultless(nights.location)
        assert {Path(nights.location.url, part.table, part.path) for part in report.removed}.isdisjoint(_files(nights.location))
    assert vacuum(nights.location, timedelta()).removed == ()
    named = {(name, part.path) for name in table_names() if name != "snapshots" for part in nights.lake.parts(name)}
    left = {(path.relative_to(nights.location.url).parts[0], path.name) for path in _files(nights.location)}
    assert {entry for entry in left if entry[0] != "snapshots"} == {(name, path.rpartition("/")[2]) for name, path in named}


def test_dry_run_says_it_and_touches_nothing(nights: Nights, night: Callable[..., None]) -> None:
    """What a dry run says is what goes then, but for the part files that closing snapshots leaves to the next one."""
    night(2, 1, 0)
    there = {path: path.stat().st_mtime_ns for path in Path(nights.location.url).rglob("*") if path.is_file() and path.name != ".lock"}
    said = vacuum(nights.location, DAY / 2, dry_run=True)
    assert there == {path: path.stat().st_mtime_ns for path in there}
    assert said.bytes > 0
    assert (said.kept, said.closed) == ((3,), (1, 2))
    done = vacuum(nights.location, DAY / 2)
    assert (done.kept, done.closed, done.removed) == (said.kept, said.closed, said.removed)
    gone = {path for path in there if not path.exists()}
    assert len(gone) == len(said.removed)


def test_files_are_not_read_again_after_a_vacuum(nights: Nights, night: Callable[..., None], tmp_path: Path) -> None:
    """What an earlier, closed run read is as current as it was, and a lake that was vacuumed equals a rebuild."""
    night(2, 1, 0)
    vacuum(nights.location, timedelta())
    assert nights.run().files_indexed == 0
    assert nights.engine.read_urls == []
    nights.archive.write("a/0", SOPInstanceUID="1.0", SeriesInstanceUID="2.0", StudyInstanceUID="3", PatientID="P", Modality="CT")
    assert nights.run().files_indexed == 1
    rebuilt = Location.of(tmp_path / "rebuilt")
    nights.run(lake=rebuilt)
    assert_same_lake(nights.lake, Lake(rebuilt.url))


def test_reader_of_a_kept_snapshot_loses_nothing(nights: Nights, night: Callable[..., None]) -> None:
    """Frames that were made before a vacuum are collected after it."""
    night(1, 0)
    lake = nights.lake
    frames = {name: lake.table(name) for name in table_names()}
    before = {name: frame.collect() for name, frame in frames.items() if name != "snapshots"}
    vacuum(nights.location, timedelta())
    frames["snapshots"].collect()
    for name, rows in before.items():
        assert_frame_equal(frames[name].collect(), rows)


def test_reader_loses_nothing_for_an_hour(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was the last snapshot within the past hour stays, however little is to be kept, and so do tables that nobody opened yet."""
    monkeypatch.setattr("dicomlake.run.index.datetime", _clock(hours_ago := [3.0]))
    header = {"SeriesInstanceUID": "2", "StudyInstanceUID": "3", "PatientID": "P", "Modality": "CT"}
    for hours_ago[0] in (3.0, 2.0, 0.5):
        nights.archive.write("a", SOPInstanceUID="1", **header, KVP=hours_ago[0])
        nights.run()
        if hours_ago[0] == 2.0:
            reader, shown = nights.lake, _tables(nights.lake)
    report = vacuum(nights.location, timedelta())
    assert (report.kept, report.closed) == ((2, 3), (1,))
    assert all(rows.equals(shown[name]) for name, rows in _tables(reader).items())
    hours_ago[0] = 0.0
    monkeypatch.setattr(import_module("dicomlake.lake.upkeep.vacuum"), "READER_TIME", timedelta(minutes=20))
    assert vacuum(nights.location, timedelta()).kept == (3,)
    with pytest.raises(LakeDamaged, match=r"snapshot 2|No such file"):
        _tables(reader)


def _clock(hours_ago: list[float]) -> type[datetime]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return super().now(tz) - timedelta(hours=hours_ago[0])

    return Clock


def test_orphans_go_when_no_run_can_be_writing_them(nights: Nights, night: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock tells that nobody is writing; where there is none, a part file of unknown origin must be a day old."""
    night(0)
    orphans = [Path(nights.location.url, "series/part-x.parquet"), Path(nights.location.url, "instances/Modality=A%25/part-y.parquet")]
    for orphan in orphans:
        orphan.parent.mkdir(exist_ok=True)
        orphan.write_bytes(b"abc")
    assert verify(nights.location).notes
    os.utime(orphans[1], (1, 1))
    with monkeypatch.context() as patch:
        patch.setattr("dicomlake.lake.write.lock.fcntl.flock", _no_locks_here)
        report = vacuum(nights.location, DAY)
        assert [(part.table, part.path, part.size, part.known) for part in report.removed] == [
            ("instances", "Modality=A%25/part-y.parquet", 3, False)
        ]
    assert [part.path for part in vacuum(nights.location, DAY).removed] == ["part-x.parquet"]
    assert verify(nights.location).notes == []


def _no_locks_here(*_: object) -> None:
    raise OSError(95, "Operation not supported")


@pytest.mark.long
@pytest.mark.parametrize("allowed", range(8))
def test_what_a_killed_run_committed_is_kept(nights: Nights, night: Callable[..., None], tmp_path: Path, allowed: int) -> None:
    """Whichever commit of a run was its last: after a vacuum the next run reads nothing again that `files` knew, and equals a rebuild."""
    night(1)
    vacuum(nights.location, timedelta())
    shown = _tables(nights.lake)
    commit = Table.commit
    commits = 0

    def killed(self: Table, *arguments: object, **named: object) -> None:
        nonlocal commits
        if commits == allowed:
            raise Killed
        commits += 1
        commit(self, *arguments, **named)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "commit", killed)
        with pytest.raises(Killed):
            night(0)
    known = _urls_known(nights)
    vacuum(nights.location, timedelta())
    assert all(rows.equals(shown[name]) for name, rows in _tables(nights.lake).items())
    nights.run()
    assert known.isdisjoint(nights.engine.read_urls)
    rebuilt = Location.of(tmp_path / "rebuilt")
    nights.run(lake=rebuilt)
    assert_same_lake(nights.lake, Lake(rebuilt.url))


def _urls_known(nights: Nights) -> set[str]:
    rows = pl.scan_delta(f"{nights.location.url}/files").filter(pl.col("last_snapshot") > nights.lake.snapshot).collect()
    return set(rows.filter(pl.col("status") == "indexed")["url"])


@pytest.mark.long
def test_vacuum_that_is_killed_is_carried_on_by_the_next(nights: Nights, night: Callable[..., None]) -> None:
    """Snapshots are closed before the first part file goes, so that none is shown that lacks some."""
    night(2, 1, 0)
    shown = _tables(nights.lake)
    planned = vacuum(nights.location, timedelta(), dry_run=True)
    module = import_module("dicomlake.lake.upkeep.vacuum")  # the room has a function of that name
    remove = module._remove
    for allowed in (0, 3):
        with pytest.MonkeyPatch.context() as patch:
            left = iter(range(allowed))

            def dying(*arguments: object, left: object = left) -> None:
                if next(left, None) is None:  # type: ignore[call-overload]
                    raise Killed
                remove(*arguments)  # type: ignore[arg-type]

            patch.setattr(module, "_remove", dying)
            with pytest.raises(Killed):
                vacuum(nights.location, timedelta())
        assert nights.lake.snapshots.collect()["snapshot"].to_list() == [3]
        assert verify(nights.location).is_sound
    rest = vacuum(nights.location, timedelta())
    assert rest.closed == ()
    # What the first of them wrote of `snapshots` came after the plan.
    assert _apart_from_snapshots(rest) == _apart_from_snapshots(planned) - 3
    assert all(rows.equals(shown[name]) for name, rows in _tables(nights.lake).items())


def _log(location: Location, name: str) -> list[str]:
    return sorted(path.name for path in Path(location.url, name, "_delta_log").iterdir() if path.name != "_last_checkpoint")


@pytest.mark.long
@pytest.mark.parametrize("dies_after", [None, 1, 3])
def test_logs_are_cut_where_no_kept_snapshot_needs_them(
    nights: Nights, night: Callable[..., None], tmp_path: Path, dies_after: int | None
) -> None:
    """Commits before the last checkpoint that the earliest kept version can use go, and nothing that is kept misses them."""
    night(5, 4, 3)
    for name in table_names():
        DeltaTable(f"{nights.location.url}/{name}").create_checkpoint()
    night(2, 1)
    logs = {name: _log(nights.location, name) for name in table_names()}
    assert vacuum(nights.location, 3.5 * DAY).kept == (3, 4, 5)
    assert {name: _log(nights.location, name)[1:] for name in table_names()} != {name: log[1:] for name, log in logs.items()}
    before = {number: _tables(nights.lake.at(number)) for number in (4, 5)}
    if dies_after is not None:
        with pytest.MonkeyPatch.context() as patch:
            left = iter(range(dies_after))
            remove = LocalFileSystem.rm_file

            def dying(*arguments: object) -> None:
                if next(left, None) is None:
                    raise Killed
                remove(*arguments)

            patch.setattr(LocalFileSystem, "rm_file", dying)
            night(0)
            for name in table_names():
                DeltaTable(f"{nights.location.url}/{name}").create_checkpoint()
            with pytest.raises(Killed):
                vacuum(nights.location, timedelta())
        assert _is_faultless(nights.location)
        before = {6: _tables(nights.lake)}
        vacuum(nights.location, timedelta())
    for number, tables in before.items():
        kept = _tables(nights.lake.at(number))
        assert all(kept[name].equals(rows) for name, rows in tables.items())
    assert _is_faultless(nights.location)
    nights.run()
    assert nights.engine.read_urls == []
    night(0)
    rebuilt = Location.of(tmp_path / "rebuilt")
    nights.run(lake=rebuilt)
    assert_same_lake(nights.lake, Lake(rebuilt.url))


def test_lake_that_is_being_written_is_refused(nights: Nights, night: Callable[..., None]) -> None:
    """One line says who writes; nothing goes."""
    night(1, 0)
    files = _files(nights.location)
    writer = LakeWriter.open(nights.location, nights.settings.schema_of_lake())
    for dry_run in (True, False):
        with pytest.raises(LakeLocked, match=f"being written by process {os.getpid()}"):
            vacuum(nights.location, timedelta(), dry_run=dry_run)
    writer.close()
    assert _files(nights.location) == files
    assert vacuum(nights.location, timedelta()).removed


def test_kept_snapshot_that_cannot_be_read_stops_it(nights: Nights, night: Callable[..., None]) -> None:
    """As long as it is unknown what is needed, nothing goes."""
    night(2, 1, 0)
    Path(nights.location.url, "series/_delta_log/00000000000000000001.json").write_bytes(b"no JSON")
    files = _files(nights.location)
    with pytest.raises(LakeDamaged):
        vacuum(nights.location, timedelta())
    assert _files(nights.location) == files


def test_kept_snapshot_without_a_part_file_stops_it(nights: Nights, night: Callable[..., None]) -> None:
    """A part file that is named and not found may mean that names are not understood, and then nothing is safe."""
    night(2, 1, 0)
    Path(nights.location.url, "series", nights.lake.parts("series")[0].path).unlink()
    files = _files(nights.location)
    with pytest.raises(LakeDamaged, match="is gone"):
        vacuum(nights.location, timedelta())
    assert _files(nights.location) == files


def test_no_lake_stays_none(tmp_path: Path) -> None:
    """A folder that is no lake gets no lock file."""
    with pytest.raises(NotALake):
        vacuum(Location.of(tmp_path), DAY)
    assert list(tmp_path.iterdir()) == []
