"""Trouble with the lake itself: two runs at once, damage, odd places."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from dicomlake.errors import ConfigurationError, LakeChanged, LakeDamaged, LakeLocked
from dicomlake.lake import Lake, LakeWriter, verify
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
        closing(LakeWriter(nights.location, nights.settings.schema_of_lake())),
        pytest.raises(LakeLocked, match=r"by process \d+ on .* since"),
    ):
        nights.run()
    nights.run()


def test_a_commit_that_another_run_overtook_is_refused(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no lock keeps two runs apart, the later commit finds the earlier one, and the lake stays sound."""
    _fill(nights)
    nights.run()
    monkeypatch.setattr("dicomlake.lake.lock.LakeLock.acquire", lambda _: None)
    schema = nights.settings.schema_of_lake()
    with closing(LakeWriter(nights.location, schema)) as one, closing(LakeWriter(nights.location, schema)) as other:
        one.tables["files"].commit([], [], one.next_number())
        with pytest.raises(LakeChanged, match="run again"):
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


def test_a_lake_with_a_percent_sign_in_its_path_is_refused(nights: Nights, tmp_path: Path) -> None:
    """Readers of Delta tables would look for it elsewhere."""
    with pytest.raises(ConfigurationError, match="name another"):
        nights.run(lake=Location.of(tmp_path / "50%"))


def test_a_folder_that_others_could_read_becomes_the_owners(nights: Nights) -> None:
    """An empty folder made beforehand is closed before anything is written."""
    folder = Path(nights.location.url)
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    nights.run()
    assert folder.stat().st_mode & 0o077 == 0
