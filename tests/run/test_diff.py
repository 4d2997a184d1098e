"""The difference between two snapshots, held against a comparison of whole tables row by row."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

import dicomlake.parts.read
from dicomlake.errors import LakeDamaged, NotALake, UsageError
from dicomlake.lake import Lake, LakeDiff, optimize
from dicomlake.parts import PartFile
from dicomlake.schema import WrittenBy, declared_tables
from tests.run.conftest import Nights

NIGHTS = 4
LEVELS = {
    "patients": (("PatientID", "IssuerOfPatientID"), "NumberOfPatientRelatedInstances"),
    "studies": (("StudyInstanceUID",), "NumberOfStudyRelatedInstances"),
    "series": (("StudyInstanceUID", "SeriesInstanceUID"), "NumberOfSeriesRelatedInstances"),
}
NOT_COMPARED = {"snapshot", "patient_key", "study_key", "series_key"}
INSTANCE = ("url", "file_size", "modified", "header_digest")
FILE = ("status", "code", "source", "file_size", "modified", "etag", "SOPInstanceUID", "duplicate_of", "header_digest")

Rows = dict[tuple[Any, ...], dict[str, Any]]


def _header(number: int, **more: Any) -> dict[str, Any]:
    return {
        "SOPInstanceUID": f"1.{number}",
        "SeriesInstanceUID": f"2.{number // 3}",
        "StudyInstanceUID": f"3.{number // 6}",
        "PatientID": f"P{number // 12}",
        "Modality": "CT",
        **more,
    }


def _play(nights: Nights, chance: random.Random) -> None:
    """A day: files come, change, go, are copied, and some are no DICOM."""
    folder = nights.archive.folder
    for _ in range(chance.randrange(1, 5)):
        name = f"{chance.choice('abc')}/{chance.randrange(20)}"
        present = sorted(path for path in folder.rglob("*") if path.is_file())
        event = chance.choice(["write", "write", "write", "text", "remove", "copy"])
        if event == "write":
            header = _header(
                chance.randrange(30), IssuerOfPatientID=chance.choice([None, "here"]), PatientID=chance.choice([None, "A", "B"])
            )
            kvp, image_type = chance.choice([None, 80.0, float("nan")]), chance.choice([None, ["ORIGINAL", None], ["DERIVED"]])
            nights.archive.write(name, **header, KVP=kvp, ImageType=image_type)
        elif event == "text":
            nights.archive.write_text(name, "no JSON")
        elif event == "remove" and len(present) > 1:
            chance.choice(present).unlink()
        elif event == "copy" and present:
            nights.archive.write_text(name, chance.choice(present).read_text("utf-8"))


def _rows(frame: pl.LazyFrame, key: tuple[str, ...]) -> Rows:
    return {tuple(row[name] for name in key): row for row in frame.collect().to_dicts()}


def _differ(left: Any, right: Any) -> bool:
    return repr(left) != repr(right)  # in which NaN is NaN


def _level_directly(before: Lake, after: Lake, level: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    key, count = LEVELS[level]
    was, now = (_rows(lake.table(level), key) for lake in (before, after))
    expected: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for name in was.keys() | now.keys():
        if name not in was:
            expected[name] = ("came", 0, now[name][count], None)
        elif name not in now:
            expected[name] = ("went", was[name][count], 0, None)
        else:
            names = [column for column in now[name] if column not in NOT_COMPARED and _differ(was[name][column], now[name][column])]
            if names:
                expected[name] = ("changed", was[name][count], now[name][count], sorted(names))
    return expected


def _counts_directly(was: Rows, now: Rows, compared: tuple[str, ...]) -> dict[str, int]:
    both = was.keys() & now.keys()
    return {
        "before": len(was),
        "after": len(now),
        "came": len(now.keys() - was.keys()),
        "went": len(was.keys() - now.keys()),
        "changed": sum(any(_differ(was[key][name], now[key][name]) for name in compared) for key in both),
    }


def _statuses_directly(was: Rows, now: Rows) -> dict[str, tuple[int, int, int]]:
    counts: dict[str, list[int]] = {}
    for key in was.keys() | now.keys():
        then, since = (rows.get(key, {}).get("status") for rows in (was, now))
        if then != since:
            if since is not None:
                counts.setdefault(since, [0, 0, 0])[0] += 1
            if then is not None:
                counts.setdefault(then, [0, 0, 0])[1] += 1
        elif any(_differ(was[key][name], now[key][name]) for name in FILE):
            counts.setdefault(str(since), [0, 0, 0])[2] += 1
    return {status: (came, went, changed) for status, (came, went, changed) in counts.items()}


def assert_is_the_difference(found: LakeDiff, before: Lake, after: Lake) -> None:
    """What a diff says is what a comparison of whole tables finds."""
    counts = {row.pop("table"): row for row in found.counts.to_dicts()}
    for level, (key, _) in LEVELS.items():
        rows = found.levels[level].to_dicts()
        expected = _level_directly(before, after, level)
        assert len(rows) == len(expected)
        assert {
            tuple(row[name] for name in key): (
                row["change"],
                row["instances_before"],
                row["instances_after"],
                row["changed_attributes"] and sorted(row["changed_attributes"]),
            )
            for row in rows
        } == expected
        assert [counts[level][change] for change in ("came", "went", "changed")] == [
            sum(change == each for each, *_ in expected.values()) for change in ("came", "went", "changed")
        ]
    instances = [_rows(lake.instances, ("SOPInstanceUID",)) for lake in (before, after)]
    assert counts["instances"] == _counts_directly(instances[0], instances[1], INSTANCE)
    files = [_rows(lake.files, ("url",)) for lake in (before, after)]
    assert counts["files"] == _counts_directly(files[0], files[1], FILE)
    for table in declared_tables():
        if table.written_by is WrittenBy.UNIT and table.key and table.name not in ("instances", "files"):
            was, now = (_rows(lake.table(table.name), table.key) for lake in (before, after))
            compared = tuple(name for name in after.schema(table.name).names if name != "snapshot")
            assert counts[table.name] == _counts_directly(was, now, compared)
    statuses = {status: (came, went, changed) for status, came, went, changed in found.files.iter_rows()}
    assert statuses == _statuses_directly(files[0], files[1])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_any_two_snapshots_differ_as_their_tables_do(nights: Nights, seed: int) -> None:
    """Whatever happened between two nights, neighbours or not; an optimize may have written rows anew."""
    chance = random.Random(seed)
    for night in range(NIGHTS):
        _play(nights, chance)
        nights.run()
        if night == 1:
            optimize(nights.location)
    lakes = [nights.lake.at(number) for number in nights.lake.snapshots.collect()["snapshot"]]
    for index, before in enumerate(lakes):
        for after in lakes[index:]:
            assert_is_the_difference(after.diff(before.snapshot), before, after)


def test_rows_tell_what_a_person_knows_an_entity_by(nights: Nights) -> None:
    """Keys of the level and its parents, and a description, in the order of the keys."""
    nights.archive.write("a", **_header(0, SeriesDescription="Chest"))
    nights.archive.write("b", **_header(3, SeriesDescription="Head"))
    nights.run()
    nights.archive.write("a", **_header(0, SeriesDescription="Abdomen"))
    nights.archive.write("c", **_header(12, PatientID=None))
    (nights.archive.folder / "b").unlink()
    nights.run()
    rows = nights.lake.diff().series.select("change", "PatientID", "SeriesInstanceUID", "SeriesDescription", "changed_attributes").rows()
    assert [row[:-1] for row in rows] == [
        ("came", None, "2.4", None),
        ("changed", "P0", "2.0", "Abdomen"),
        ("went", "P0", "2.1", "Head"),
    ]
    assert set(rows[1][-1]) == {"SeriesDescription", "total_file_size"}


def test_only_what_changed_is_read(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part file that both snapshots have is not opened."""
    nights.overrides["lake.merge_parts"] = 0
    for number in range(24):
        nights.archive.write(f"{number:02}", **_header(number))
    nights.run()
    nights.archive.write("30", **_header(30))
    nights.run()
    read: list[PartFile] = []
    read_part = dicomlake.parts.read.read_part

    def reading(location: Any, part: PartFile, *arguments: Any, **more: Any) -> pl.DataFrame:
        read.append(part)
        return read_part(location, part, *arguments, **more)

    monkeypatch.setattr(dicomlake.parts.read, "read_part", reading)
    found = nights.lake.diff()
    assert [found.levels[level]["change"].to_list() for level in LEVELS] == [["came"]] * 3
    before = nights.lake.at(1)
    shared = {part.path for name in ("files", "instances") for part in before.parts(name)}
    assert len(shared) > 10
    assert not shared & {part.path for part in read}


def test_rows_that_are_written_as_they_were_are_no_change(nights: Nights) -> None:
    """A run that reads everything again finds nothing else."""
    for number in range(4):
        nights.archive.write(str(number), **_header(number))
    nights.run()
    nights.run(full=True)
    found = nights.lake.diff()
    assert found.counts.select(pl.sum_horizontal("came", "went", "changed")).to_series().sum() == 0
    assert found.files.height == 0


def test_a_column_that_came_between_is_no_obstacle(nights: Nights) -> None:
    """The earlier snapshot's part files lack it."""
    nights.archive.write("a", **_header(0))
    nights.run()
    nights.overrides["columns"] = [{"path": "PatientBirthTime"}]
    nights.archive.write("b", **_header(1))
    nights.run()
    assert_is_the_difference(nights.lake.diff(), nights.lake.at(1), nights.lake)


def test_default_is_what_the_last_index_brought(nights: Nights) -> None:
    """Upkeep has snapshots of its own, and changes no row."""
    nights.archive.write("a", **_header(0))
    nights.run()
    nights.archive.write("b", **_header(20))
    nights.run()
    assert optimize(nights.location).snapshot == 3
    found = nights.lake.diff()
    assert (found.before, found.after) == (1, 2)
    assert found.patients["change"].to_list() == ["came"]
    assert_frame_equal(nights.lake.diff(1).series, found.series)
    assert nights.lake.diff(2).counts.select("came", "went", "changed").sum().row(0) == (0, 0, 0)


def test_what_cannot_be_compared(nights: Nights) -> None:
    """No earlier snapshot, one that is not there, and the wrong way round."""
    nights.archive.write("a", **_header(0))
    nights.run()
    with pytest.raises(NotALake, match="no snapshot before 1"):
        nights.lake.diff()
    with pytest.raises(NotALake, match="no snapshot 7"):
        nights.lake.diff(7)
    nights.run()
    with pytest.raises(UsageError, match="snapshot 2 is later than 1"):
        nights.lake.at(1).diff(2)


def _lose_part_files(series: Path) -> None:
    now = set(DeltaTable(str(series)).file_uris())
    for path in series.glob("part-*.parquet"):
        if str(path) not in now:
            path.unlink()


def _clean_log(series: Path) -> None:
    delta = DeltaTable(str(series))
    delta.create_checkpoint()
    for version in range(delta.version()):
        (series / "_delta_log" / f"{version:020}.json").unlink()


@pytest.mark.parametrize("lose", [_lose_part_files, _clean_log])
def test_an_earlier_snapshot_that_is_no_longer_whole(nights: Nights, lose: Callable[[Path], None]) -> None:
    """Part files that somebody else's vacuum took, and a log that was cleaned: the snapshot is named, and the last one is readable."""
    nights.archive.write("a", **_header(0))
    nights.run()
    nights.archive.write("a", **_header(1))
    nights.run()
    lose(Path(nights.location.url) / "series")
    with pytest.raises(LakeDamaged, match=r"snapshot 1 is no longer whole.*series"):
        nights.lake.diff()
    with pytest.raises(LakeDamaged, match=r"snapshot 1 is no longer whole.*series"):
        nights.lake.at(1).series.collect()
    counts = dict(nights.lake.diff(2).counts.select("table", "after").iter_rows())
    assert {counts.pop(name) for name in ("patients", "studies", "series", "instances", "files")} == {1}
    assert set(counts.values()) == {0}
