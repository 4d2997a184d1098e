"""Trouble with the lake itself: two runs at once, damage, odd places."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from dicomlake import Lake
from dicomlake.errors import ConfigurationError, LakeChanged, LakeDamaged, LakeLocked, QueryError
from dicomlake.lake import LakeWriter, verify
from dicomlake.parts import Location
from tests.run.conftest import Nights


def _fill(nights: Nights, count: int = 4) -> None:
    for number in range(count):
        modality = ["CT", None, "A B", "MR"][number % 4]
        nights.archive.write(f"a/{number}", SOPInstanceUID=f"1.{number}", SeriesInstanceUID="2", PatientID="P", Modality=modality)


def test_a_second_run_is_told_who_writes(nights: Nights) -> None:
    """It ends at once and says which process holds the lake; when that is gone, the lock is gone."""
    _fill(nights)
    nights.run()
    with (
        closing(LakeWriter.open(nights.location, nights.settings.schema_of_lake())),
        pytest.raises(LakeLocked, match=r"by process \d+ on .* since"),
    ):
        nights.run()
    nights.run()


def test_a_commit_that_another_run_overtook_is_refused(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no lock keeps two runs apart, the later one makes every table move, so that the earlier one commits nothing more."""
    _fill(nights)
    nights.run()
    monkeypatch.setattr("dicomlake.lake.write.lock.LakeLock.acquire", lambda _: None)
    schema = nights.settings.schema_of_lake()
    with closing(LakeWriter.open(nights.location, schema)) as one, closing(LakeWriter.open(nights.location, schema)) as other:
        for table in one.tables.values():
            with pytest.raises(LakeChanged, match="run again"):
                table.commit([], [], one.next_number())
        other.tables["files"].commit([], [], other.next_number())
    assert verify(nights.location).defects == []


@pytest.mark.parametrize("table", ["files", "instances", "series"])
def test_a_damaged_part_file_is_one_clear_error(nights: Nights, table: str) -> None:
    """The run that needs it names it; `verify` finds it too."""
    _fill(nights)
    nights.run()
    part = next(Path(nights.location.url, table).rglob("*.parquet"))
    part.write_bytes(b"PAR1" + b"\x00" * 40)
    assert any(part.name in defect for defect in verify(nights.location).defects)
    for number in range(4):
        nights.archive.write(f"a/{number}", SOPInstanceUID=f"1.{number}", SeriesInstanceUID="2", PatientID="P", Modality="CT", KVP=80.0)
    with pytest.raises(LakeDamaged, match=part.name):
        nights.run()


@pytest.mark.parametrize("name", ["with space", "ümläut", "x[1]*?", "a#b", "=;&+"])
def test_a_lake_may_stand_anywhere(nights: Nights, tmp_path: Path, name: str) -> None:
    """Names that urls quote and patterns mean something by."""
    _fill(nights)
    location = Location.of(tmp_path / name)
    nights.run(lake=location)
    nights.run(lake=location)
    lake = Lake(location.url)
    assert sorted(lake.instances.collect()["Modality"].to_list(), key=str) == ["A B", "CT", "MR", None]
    assert lake.sql("select count(*) as n from instances where Modality = 'A B'").collect()["n"].item() == 1
    assert lake.findings.collect().columns == nights.settings.schema_of_lake().table("findings").names
    assert lake.instances.select(pl.len()).collect().item() == 4
    report = verify(location)
    assert (report.defects, report.notes) == ([], [])


@pytest.mark.parametrize("name", ["50%", "back\\slash", "new\nline", "\udcff"])
def test_a_lake_that_no_reader_would_find_is_refused(nights: Nights, tmp_path: Path, name: str) -> None:
    """Readers of Delta tables would look for it elsewhere."""
    with pytest.raises(ConfigurationError, match="name another"):
        nights.run(lake=Location.of(tmp_path / name))
    assert list(tmp_path.iterdir()) == [nights.archive.folder]


def test_a_folder_that_others_could_read_becomes_the_owners(nights: Nights) -> None:
    """An empty folder made beforehand is closed before anything is written."""
    folder = Path(nights.location.url)
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    nights.run()
    assert folder.stat().st_mode & 0o077 == 0


def _rows(nights: Nights) -> dict[str, int]:
    return {name: nights.lake.table(name).select(pl.len()).collect().item() for name in ("files", "instances", "series")}


def test_a_commit_without_a_byte_is_damage_not_an_empty_table(nights: Nights) -> None:
    """A power cut leaves such files; a run that took the lake for empty would double it."""
    _fill(nights)
    nights.run()
    log = max(Path(nights.location.url, "files", "_delta_log").glob("*.json"))
    kept = log.read_bytes()
    log.write_bytes(b"")
    with pytest.raises(LakeDamaged, match="is empty"):
        nights.run()
    with pytest.raises(LakeDamaged, match="is empty"):
        nights.lake.files  # noqa: B018 - asking is what fails
    assert any("is empty" in defect for defect in verify(nights.location).defects)
    log.write_bytes(kept)
    nights.run()
    assert _rows(nights) == {"files": 4, "instances": 4, "series": 1}


@pytest.mark.parametrize("table", ["files", "patients", "snapshots"])
def test_a_table_that_is_gone_is_not_made_anew(nights: Nights, table: str) -> None:
    """The lake is damaged: neither a run nor a reader takes it for a new one, and the run makes nothing worse."""
    _fill(nights)
    nights.run()
    shutil.rmtree(Path(nights.location.url, table))
    with pytest.raises(LakeDamaged, match=f"'{table}'.* gone"):
        nights.run()
    assert not Path(nights.location.url, table).exists()
    assert any(table in defect for defect in verify(nights.location).defects)


def test_a_part_file_that_was_cut_is_named_before_polars_panics(nights: Nights) -> None:
    """Readers find out by its size."""
    _fill(nights)
    nights.run()
    part = next(Path(nights.location.url, "files").glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(LakeDamaged, match=f"{part.name} has 100 bytes"):
        nights.lake.files  # noqa: B018 - asking is what fails


def test_a_column_that_differs_only_in_case_is_refused(nights: Nights) -> None:
    """Readers don't tell them apart."""
    column = {"path": "(0019,xx0C)[SIEMENS MR HEADER]", "vr": "IS"}
    nights.overrides["columns"] = [{**column, "name": "mine"}]
    nights.run()
    nights.overrides["columns"] = [{**column, "name": "Mine"}]
    with pytest.raises(ConfigurationError, match="only in case"):
        nights.run()


@pytest.mark.parametrize(
    "query", ["select * from read_csv('/etc/passwd')", "drop table files", " Delete from files", "select * FROM scan_parquet ('x')"]
)
def test_a_query_asks_about_the_lake_and_nothing_else(nights: Nights, query: str) -> None:
    """It opens no file of its own, and what would change a table is not answered as if it had."""
    nights.run()
    with pytest.raises(QueryError, match=r"is refused|nothing else|does not exist"):
        nights.lake.sql(query)


@pytest.mark.parametrize("seconds", [-100_000_000_000, 1_199_188_800_000])
def test_a_time_that_no_calendar_has_is_no_time(nights: Nights, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Such a file is a row like others; it neither ends the run nor spoils queries."""
    _fill(nights, 1)
    stat = os.stat

    def stat_of_another_age(path: str, *arguments: object, **named: object) -> object:
        found = stat(path, *arguments, **named)  # type: ignore[call-overload]
        if not str(path).endswith("/a/0"):
            return found
        return SimpleNamespace(st_mode=found.st_mode, st_size=found.st_size, st_mtime_ns=seconds * 10**9)

    monkeypatch.setattr("dicomlake.sources.local.folder.look_at_folder", lambda _: (None, False))  # Python looks instead
    monkeypatch.setattr(os, "stat", stat_of_another_age)
    nights.run()
    nights.run()
    monkeypatch.undo()
    assert nights.engine.read_urls == []
    assert nights.lake.files.collect()["modified"].to_list() == [None]
