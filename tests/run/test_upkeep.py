"""Runs keep a lake healthy by themselves: few part files, a bounded past, and never another row for it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from dicomlake.errors import LakeDamaged
from dicomlake.lake import Lake, LakeWriter, Table, verify
from dicomlake.lake.log.delta import active_parts, open_delta
from dicomlake.lake.log.history import read_history
from dicomlake.lake.upkeep.merge_groups import PART_CELLS, due_mergers
from dicomlake.parts import Location, PartFile, write_sorted
from dicomlake.rollup.task import RollUpTask, _with_snapshots
from dicomlake.run import IndexRequest, Progress, run_index
from dicomlake.runner import SerialRunner
from dicomlake.schema import LakeSchema, entity_key, table_names
from tests.run.comparison import assert_same_lake
from tests.run.conftest import Nights

DATA_TABLES = tuple(name for name in table_names() if name != "snapshots")
DAY = timedelta(days=1)
FIRST_NIGHT = datetime(2026, 1, 1, 22, tzinfo=UTC)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def _part(path: str, share: float, lowest: str | None = None, partition: str | None = None) -> PartFile:
    return PartFile("instances", path, 1, int(share * PART_CELLS), partition, {"PatientID": lowest}, {"PatientID": lowest})


def _due(parts: list[PartFile], at_least: int, share: float, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    opened: list[PartFile] = []
    monkeypatch.setattr("dicomlake.lake.upkeep.merge_groups.uncompressed_size", lambda _, part: opened.append(part) or part.size)
    groups = due_mergers(Location.of("lake"), parts, ("PatientID",), 1, at_least=at_least, share=share)
    if not groups:
        assert opened == []
    return [[part.path for part in group] for group in groups]


def test_what_a_run_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough of one partition and size; neighbours, not more than half a part file; the smallest first, as far as the share goes."""
    tiny = [_part(f"tiny-{name}", 0.001, name, "CT") for name in "cab"]
    middle = [_part(f"middle-{name}", 0.2, name) for name in "dbca"]
    large = [_part(f"large-{name}", 0.3, name) for name in "abcd"]
    assert _due([*tiny, *middle, *large], 5, 1, monkeypatch) == []
    assert _due([*tiny[:2], *middle[:2], *large], 3, 1, monkeypatch) == []
    merged = [["tiny-a", "tiny-b", "tiny-c"], ["middle-a", "middle-b"], ["middle-c", "middle-d"]]
    assert _due([*middle, *tiny, *large], 3, 1, monkeypatch) == merged
    assert _due([*middle, *tiny], 3, 0.5, monkeypatch) == merged[:2]
    assert _due([*middle, *tiny], 4, 0.01, monkeypatch) == merged[1:2]


def _play(nights: Nights, chance: random.Random) -> None:
    """A day: files come, change and go."""
    for _ in range(3):
        number = chance.randrange(20)
        header = {"SOPInstanceUID": f"1.{number}", "SeriesInstanceUID": f"2.{number // 3}", "StudyInstanceUID": f"3.{number // 9}"}
        header |= {"PatientID": chance.choice(["P", None]), "Modality": chance.choice(["CT", None]), "KVP": float(chance.randrange(3))}
        nights.archive.write(f"{chance.choice('ab')}/{number}", **header)
    present = sorted(path for path in nights.archive.folder.rglob("*") if path.is_file())
    if chance.random() < 0.6:
        chance.choice(present).unlink()


@pytest.mark.long
def test_merging_changes_no_row_and_bounds_part_files(nights: Nights, tmp_path: Path) -> None:
    """Two lakes of the same nights, one merged and one not: the same rows, snapshot numbers included, and the same differences."""
    nights.verifies = False
    chance = random.Random(5)
    plain = Location.of(tmp_path / "plain")
    for _ in range(6):
        _play(nights, chance)
        nights.overrides["lake.merge_parts"] = 2
        nights.run()
        nights.overrides["lake.merge_parts"] = 0
        nights.run(lake=plain)
    merged, scattered = nights.lake, Lake(plain.url)
    for number in (4, 6):
        for name in DATA_TABLES:
            rows = [lake.at(number).table(name).collect() for lake in (merged, scattered)]
            order = [column for column, dtype in rows[0].schema.items() if not isinstance(dtype, pl.List)]
            assert_frame_equal(*(frame.sort(order) for frame in rows))
    for level in ("patients", "studies", "series"):
        assert_frame_equal(merged.diff(4).levels[level], scattered.diff(4).levels[level])
    assert_frame_equal(merged.diff(4).counts, scattered.diff(4).counts)
    assert verify(nights.location).defects == []
    for name in DATA_TABLES:
        partitions = {part.partition for part in merged.parts(name)}
        assert len(merged.parts(name)) <= 2 * len(partitions)
        assert len(scattered.parts(name)) >= len(merged.parts(name))
    assert len(scattered.parts("files")) > 3


def _kill_at(patch: pytest.MonkeyPatch, allowed: int) -> list[tuple[str, bool]]:
    """Let so many commits through; the list tells of each its table, and whether it merged."""
    commit = Table.commit
    done: list[tuple[str, bool]] = []

    def counted(self: Table, *arguments: object, **named: object) -> None:
        if len(done) == allowed:
            raise Killed
        done.append((self.name, named.get("changes_data") is False))
        commit(self, *arguments, **named)  # type: ignore[arg-type]

    patch.setattr(Table, "commit", counted)
    return done


def _write(nights: Nights, number: int, kvp: float) -> Path:
    """An instance of a series that is inconsistent in itself, so that the roll-up has a finding."""
    keys = {"SOPInstanceUID": f"1.{number}", "SeriesInstanceUID": f"2.{number // 2}", "StudyInstanceUID": "3", "PatientID": "P"}
    return nights.archive.write(
        f"a/{number}", **keys, Modality="CT", KVP=kvp, SeriesDescription=f"{number} {kvp}", Manufacturer=f"{number}"
    )


@pytest.mark.long
def test_killed_at_any_merge_it_is_healed(nights: Nights, tmp_path: Path) -> None:
    """What a dying run merged is undone or kept, no url that `files` knew is read again, and nothing stays of what vanished meanwhile."""
    nights.verifies = False
    nights.overrides |= {"lake.merge_parts": 2, "listing.unit_files": 8}
    for number in range(4):
        _write(nights, number, 1.0)
    nights.run()
    _write(nights, 1, 2.0)
    nights.run()
    killed = 0
    for night in range(20):
        allowed = 5 + night
        fresh = [_write(nights, 4 + 2 * night, 1.0), _write(nights, 5 + 2 * night, 1.0)]
        shown = nights.lake.snapshot
        with pytest.MonkeyPatch.context() as patch:
            done = _kill_at(patch, allowed)
            try:
                nights.run()
            except Killed:
                killed += any(merges for _, merges in done)
        if nights.lake.snapshot != shown:
            break
        fresh[0].unlink()
        fresh[1].unlink()
        nights.run()
        assert nights.engine.read_urls == []
        clean = Location.of(tmp_path / f"clean-{night}")
        nights.run(lake=clean)
        assert_same_lake(nights.lake, Lake(clean.url))
    assert killed > 3
    assert verify(nights.location).defects == []


def test_part_file_that_cannot_be_read_is_a_message(nights: Nights) -> None:
    """A run that needs no row of it ends well, and says where to look."""
    nights.verifies = False
    nights.overrides |= {"lake.merge_parts": 0, "lake.partition_by": "Modality"}
    for number, modality in enumerate(("CT", "MR", "MR")):
        keys = {"SOPInstanceUID": f"1.{number}", "SeriesInstanceUID": f"2.{number}", "StudyInstanceUID": f"3.{number}"}
        nights.archive.write(f"{number}", **keys, PatientID=f"P{number}", Modality=modality)
        nights.run()
    nights.overrides["lake.merge_parts"] = 2
    progress = Progress()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("dicomlake.lake.upkeep.optimize"), "read_part_arrow", _cannot_be_read)
        nights.archive.write("9", SOPInstanceUID="1.9", SeriesInstanceUID="2.9", StudyInstanceUID="3.9", PatientID="P9", Modality="MR")
        request = IndexRequest((str(nights.archive.folder),), nights.location, nights.settings)
        assert run_index(request, SerialRunner, progress).files_indexed == 1
    assert progress.messages == ["part files were not merged: part file x can't be read"]
    assert verify(nights.location).defects == []


def _cannot_be_read(*_: object, **__: object) -> None:
    raise LakeDamaged("part file x can't be read")


def _night(nights: Nights, night: int) -> list[str]:
    """A run on a night of a calendar of its own; answers what it said."""
    nights.archive.write(
        "a", SOPInstanceUID="1", SeriesInstanceUID="2", StudyInstanceUID="3", PatientID="P", Modality="CT", KVP=float(night)
    )
    progress = Progress()
    request = IndexRequest((str(nights.archive.folder),), nights.location, nights.settings)
    run_index(request, SerialRunner, progress, now=lambda: FIRST_NIGHT + night * DAY)
    return progress.messages


@pytest.mark.long
def test_expired_snapshots_are_closed_by_runs(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of them at once; what is kept opens, logs are cut, and `null` keeps all."""
    monkeypatch.setattr("dicomlake.lake.log.creation.COMMITS_A_CHECKPOINT", 2)
    nights.overrides["lake.keep"] = None
    for night in range(11):
        assert _night(nights, night) == []
    nights.overrides["lake.keep"] = "10d"
    assert _night(nights, 11) == []  # one of twelve
    files = len(list(Path(nights.location.url).rglob("part-*.parquet")))
    first_commit = Path(nights.location.url, f"instances/_delta_log/{0:020}.json")
    assert first_commit.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("dicomlake.lake.upkeep.vacuum"), "part_sizes", _refused)
        assert _night(nights, 12) == ["expired snapshots were not removed: no permission"]
    (said,) = _night(nights, 13)
    assert said.startswith("3 expired snapshots were closed, and ")
    lake = nights.lake
    assert lake.snapshots.collect()["snapshot"].to_list() == list(range(4, 15))
    assert {number: lake.at(number).instances.collect()["KVP"].item() for number in (4, 9, 14)} == {4: 3.0, 9: 8.0, 14: 13.0}
    assert len(list(Path(nights.location.url).rglob("part-*.parquet"))) < files
    assert not first_commit.exists()
    (said,) = _night(nights, 400)
    assert said.startswith("2 expired snapshots were closed, and ")
    assert nights.lake.snapshots.collect()["snapshot"].to_list() == list(range(6, 16)), "the last ten stay, however old"
    report = verify(nights.location)
    assert report.defects == report.notes == []


def _refused(*_: object) -> None:
    raise PermissionError("no permission")


def test_history_is_what_each_version_names(nights: Nights) -> None:
    """Held against the Delta library at every version, one that was rolled back included; a log with a gap is refused."""
    nights.verifies = False
    for night in range(3):
        _write(nights, night, float(night))
        _write(nights, 0, float(night))
        nights.run()
    with closing(LakeWriter.open(nights.location, nights.settings.schema_of_lake())) as writer:
        writer.tables["instances"].roll_back(1, writer.next_number())
        last = writer.tables["instances"].version
    history = read_history(nights.location, "instances")
    assert (history.first, history.last) == (0, last)
    named = {version: active_parts(open_delta(nights.location, "instances", version), "instances").keys() for version in range(last + 1)}
    for version, paths in named.items():
        assert history.paths_of([version]) == paths
    assert history.paths_of([1, 2]) == named[1] | named[2]
    assert history.paths_ever() == set().union(*named.values())
    assert history.paths_since(last) == named[last]
    Path(nights.location.url, f"instances/_delta_log/{2:020}.json").unlink()
    with pytest.raises(LakeDamaged, match="commit 2 of its log is gone"):
        read_history(nights.location, "instances")


def test_column_that_came_since_is_a_change(tmp_path: Path) -> None:
    """A row whose only new value stands in a column that its former part file lacks has changed in this run."""
    schema = LakeSchema.build()
    location = Location.of(tmp_path)
    rows = pa.Table.from_pylist(list(_series_rows()), schema=schema.table("series"))
    former = write_sorted(location, "series", rows.drop_columns(["SeriesDescription"]), ["SeriesInstanceUID"])
    now = pl.DataFrame(rows)
    task = RollUpTask("series", now.select("series_key"), (), tuple(former), schema, location, 7)
    keyed = _with_snapshots(now, "series", former, task)
    assert dict(zip(keyed["SeriesInstanceUID"], keyed["snapshot"], strict=True)) == {"1": 7, "2": 3}


def _series_rows() -> Iterator[dict[str, object]]:
    for uid, description in (("1", "Chest"), ("2", None)):
        yield {
            "series_key": entity_key("9", uid),
            "StudyInstanceUID": "9",
            "SeriesInstanceUID": uid,
            "SeriesDescription": description,
            "snapshot": 3,
        }
