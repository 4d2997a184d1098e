"""Optimize makes few part files of many, and changes no row."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dicomlake.errors import LakeLocked, NotALake, RefusedError
from dicomlake.lake import Lake, LakeWriter, Table, optimize, verify
from dicomlake.lake.upkeep.merge_groups import PART_BYTES, PART_CELLS, mergers
from dicomlake.parts import Location, PartFile
from dicomlake.schema import LakeSchema, table_names
from tests.run.beginnings import Beginnings
from tests.run.comparison import assert_same_lake
from tests.run.conftest import Nights

DATA_TABLES = tuple(name for name in table_names() if name != "snapshots")


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def _play(nights: Nights, day: int) -> None:
    for number in range(9):
        if number % 3 == day % 3 or day == 1:
            nights.archive.write(
                f"{number % 2}/{number}",
                SOPInstanceUID=f"1.{number % 8}",
                SeriesInstanceUID=f"2.{number // 3}",
                StudyInstanceUID="3",
                PatientID=["P", None, "Q"][number % 3],
                Modality=["CT", "A%B =C", None][number // 3],
                KVP=float(day),
                ImageType=["ORIGINAL", None] if day % 2 else None,
                **({"code": "truncated"} if number == 5 else {}),
            )
    nights.run()


@pytest.fixture(scope="module")
def beginnings(tmp_path_factory: pytest.TempPathFactory) -> Beginnings:
    """Nights that several tests begin with."""
    return Beginnings(tmp_path_factory.mktemp("optimize"))


@pytest.fixture
def played(nights: Nights, beginnings: Beginnings) -> Nights:
    """A lake after four nights."""
    nights.verifies = False
    nights.overrides["lake.merge_parts"] = 0
    beginnings.move(nights)
    beginnings.play(nights, (1, 2, 3, 4), lambda day: _play(nights, day))
    return nights


def _rows(lake: Lake, name: str) -> pl.DataFrame:
    """All of a table, snapshot columns too, in an order that knows every column."""
    frame = lake.table(name).collect()
    return frame.sort([column for column, dtype in frame.schema.items() if not isinstance(dtype, pl.List)])


def _assert_same_rows(lake: Lake, rows: dict[str, pl.DataFrame]) -> None:
    for name, expected in rows.items():
        assert_frame_equal(_rows(lake, name), expected)


def test_fewer_part_files_with_the_same_rows(played: Nights) -> None:
    """One part file a partition, sorted by the hierarchy; every row of every table as it was, and earlier snapshots too."""
    before = played.lake
    rows = {name: _rows(before, name) for name in DATA_TABLES}
    held = {name: before.table(name) for name in DATA_TABLES}
    report = optimize(played.location)
    lake = played.lake
    assert (report.snapshot, lake.snapshot, lake.row["kind"], lake.row["sources"]) == (5, 5, "optimize", before.row["sources"])
    assert lake.summary == report.as_dict()
    _assert_same_rows(lake, rows)
    _assert_same_rows(lake.at(4), rows)
    for name, frame in held.items():
        assert frame.collect().height == rows[name].height
    report = verify(played.location)
    assert report.defects == report.notes == []
    for name in DATA_TABLES:
        parts = lake.parts(name)
        assert len(parts) == len({part.partition for part in parts})
        for part in parts:
            inside = pl.read_parquet(Path(played.location.url, name, part.path), glob=False, hive_partitioning=False)
            order = list(LakeSchema.build().declaration(name).order)
            assert_frame_equal(inside.select(order), inside.select(order).sort(order, nulls_last=True))
    again = optimize(played.location)
    assert again.snapshot is None
    assert played.lake.snapshot == 5


def test_dry_run_says_what_is_merged_and_writes_nothing(played: Nights) -> None:
    """As many part files as are then merged."""
    files = sorted(Path(played.location.url).rglob("*"))
    said = optimize(played.location, dry_run=True)
    assert sorted(Path(played.location.url).rglob("*")) == files
    done = optimize(played.location)
    assert [(table.table, table.parts_before, table.parts_after, table.bytes_before) for table in said.tables] == [
        (table.table, table.parts_before, table.parts_after, table.bytes_before) for table in done.tables
    ]
    assert said.snapshot is None


def test_nights_go_on_as_if_nothing_had_been(played: Nights, tmp_path: Path) -> None:
    """Nothing is read again because of it, and later nights give what a rebuild gives."""
    optimize(played.location)
    played.run()
    assert played.engine.read_urls == []
    _play(played, 5)
    rebuilt = Location.of(tmp_path / "rebuilt")
    played.run(lake=rebuilt)
    assert_same_lake(played.lake, Lake(rebuilt.url))


@pytest.mark.long
@pytest.mark.parametrize("next_writer", ["index", "optimize"])
def test_optimize_killed_before_any_commit_is_undone(played: Nights, tmp_path: Path, next_writer: str) -> None:
    """Whichever commit was its last: the last snapshot is readable, and the next writer begins from there, reading nothing again."""
    rows = {name: _rows(played.lake, name) for name in DATA_TABLES}
    commit = Table.commit
    commits = 1 + sum(table.parts_before > 0 for table in optimize(played.location, dry_run=True).tables)
    assert commits > 4
    for allowed in range(commits):
        done = 0

        def killed(self: Table, *arguments: object, allowed: int = allowed, **named: object) -> None:
            nonlocal done
            if done == allowed:
                raise Killed
            done += 1
            commit(self, *arguments, **named)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Table, "commit", killed)
            with pytest.raises(Killed):
                optimize(played.location)
        _assert_same_rows(played.lake, rows)
        assert verify(played.location).is_sound
        if next_writer == "index":
            played.run()
            assert played.engine.read_urls == []
            _assert_same_rows(played.lake, rows)
    if next_writer == "optimize":
        optimize(played.location)
        _assert_same_rows(played.lake, rows)
        assert len(played.lake.parts("files")) == 1
    _play(played, 5)
    rebuilt = Location.of(tmp_path / "rebuilt")
    played.run(lake=rebuilt)
    assert_same_lake(played.lake, Lake(rebuilt.url))


def test_index_that_was_broken_off_comes_first(played: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its units are committed and not rolled up: a snapshot of that would show something in between."""
    write = LakeWriter.write_snapshot
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LakeWriter, "write_snapshot", _dies)
        with pytest.raises(Killed):
            _play(played, 5)
    rows = {name: _rows(played.lake, name) for name in DATA_TABLES}
    with pytest.raises(RefusedError, match="run 'dicomlake index' on it again"):
        optimize(played.location)
    _assert_same_rows(played.lake, rows)
    assert LakeWriter.write_snapshot is write
    played.run()
    assert played.engine.read_urls == []
    assert optimize(played.location).snapshot == 6


def _dies(*_: object) -> None:
    raise Killed


def test_lake_that_is_being_written_is_refused(played: Nights) -> None:
    """One line says who writes."""
    writer = LakeWriter.open(played.location, played.settings.schema_of_lake())
    with pytest.raises(LakeLocked, match=f"being written by process {os.getpid()}"):
        optimize(played.location)
    writer.close()


def test_no_lake_stays_none(tmp_path: Path) -> None:
    """A folder that is no lake stays empty."""
    with pytest.raises(NotALake):
        optimize(Location.of(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_columns_of_another_configuration_stay(nights: Nights) -> None:
    """A lake has its own columns, whatever the settings of today."""
    nights.overrides["columns"] = [{"path": "PatientBirthTime"}]
    _play(nights, 1)
    _play(nights, 2)
    schema = nights.lake.schema("instances")
    versions = nights.lake.table_versions
    optimize(nights.location)
    assert nights.lake.schema("instances").equals(schema, check_metadata=True)
    assert nights.lake.table_versions["instances"] == versions["instances"] + 1


def _part(path: str, share: float, lowest: str | None = None, partition: str | None = None) -> PartFile:
    return PartFile("instances", path, int(share * PART_BYTES), 1, partition, {"PatientID": lowest}, {"PatientID": lowest}, {})


def test_what_becomes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbours of one partition, as many as a part file may hold; large ones stay, and so does one alone."""
    monkeypatch.setattr("dicomlake.lake.upkeep.merge_groups.uncompressed_size", lambda _, part: part.size)
    parts = [
        _part("d", 0.4, "D"),
        _part("a", 0.4, "A"),
        _part("large", 0.6, "A"),
        _part("c", 0.3, "C"),
        _part("b", 0.4, "B"),
        _part("null", 0.01),
        _part("other", 0.1, "A", "CT"),
    ]
    groups = mergers(Location.of("lake"), parts, ("PatientID",), 1)
    assert [[part.path for part in group] for group in groups] == [["a", "b"], ["c", "d", "null"]]
    rows = PartFile("instances", "rows", 1, PART_CELLS // 10, None)
    assert mergers(Location.of("lake"), [rows, rows], ("PatientID",), 6) == []
    assert mergers(Location.of("lake"), [rows, rows], ("PatientID",), 5) == [[rows, rows]]
