"""Copies of instances over several nights, and runs that die between finding out and reading."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dicomlake.lake import Lake
from dicomlake.parts import Location, PartFile, open_part
from tests.run.comparison import assert_same_lake
from tests.run.conftest import Nights
from tests.run.test_killed import Killed, _kill_at_commit


def _write(nights: Nights, name: str, uid: str, **more: Any) -> Path:
    keys = {"SOPInstanceUID": uid, "SeriesInstanceUID": "2", "StudyInstanceUID": "3", "PatientID": "P", "Modality": "CT"}
    return nights.archive.write(name, **{**keys, **more})


def _assert_as_rebuilt(nights: Nights, lake: Location, tmp_path: Path, name: str) -> None:
    rebuilt = Location.of(tmp_path / name)
    nights.run(lake=rebuilt)
    assert_same_lake(Lake(lake.url), Lake(rebuilt.url))


def test_a_copy_takes_the_place_of_a_kept_one_that_vanished(nights: Nights, tmp_path: Path) -> None:
    """It is read for that, though it did not change; and counted once."""
    for name, uid in (("b", "1"), ("c", "1"), ("x", "9")):
        _write(nights, name, uid)
    nights.run()
    (nights.archive.folder / "b").unlink()
    summary = nights.run()
    assert [Path(url).name for url in nights.engine.read_urls] == ["c"]
    assert (summary.files_indexed, summary.files_duplicate, summary.files_missing) == (1, 0, 1)
    _assert_as_rebuilt(nights, nights.location, tmp_path, "rebuilt")


@pytest.mark.long
def test_a_run_that_dies_owes_the_copy_to_the_next(nights: Nights, tmp_path: Path) -> None:
    """Whichever commit is the last, the next run reads the copy that takes the vanished one's place."""
    for name, uid in (("b", "1"), ("c", "1"), ("x", "9")):
        _write(nights, name, uid)
    nights.run()
    (nights.archive.folder / "b").unlink()
    for allowed in range(20):
        lake = Location.of(tmp_path / f"lake-{allowed}")
        shutil.copytree(nights.location.url, lake.url)
        with pytest.MonkeyPatch.context() as patch:
            _kill_at_commit(patch, allowed)
            try:
                nights.run(lake=lake)
            except Killed:
                pass
            else:
                break
        nights.run(lake=lake)
        _assert_as_rebuilt(nights, lake, tmp_path, f"rebuilt-{allowed}")
    assert allowed >= 6


def test_a_copy_that_changed_and_takes_a_place_is_read_once(nights: Nights, tmp_path: Path) -> None:
    """Its row says what the listing of tonight says."""
    for name, uid in (("b", "1"), ("c", "1"), ("x", "9")):
        _write(nights, name, uid)
    nights.run()
    (nights.archive.folder / "b").unlink()
    changed = _write(nights, "c", "1", PatientName="a longer name than before")
    nights.run()
    assert [Path(url).name for url in nights.engine.read_urls] == ["c"]
    row = nights.lake.files.filter(pl.col("url") == str(changed)).collect().row(0, named=True)
    assert row["file_size"] == changed.stat().st_size
    _assert_as_rebuilt(nights, nights.location, tmp_path, "rebuilt")


def test_files_that_all_vanish_and_come_back_have_one_row_each(nights: Nights, tmp_path: Path) -> None:
    """Rows that were written anew, out of order, are found again."""
    nights.overrides["lake.commit_units"] = 1
    for number in range(9):
        _write(nights, str(number), f"1.{number}")
    nights.run()
    for number in range(9):
        (nights.archive.folder / str(number)).unlink()
    nights.run()
    for number in (1, 0, 7):
        _write(nights, str(number), f"1.{number}")
    assert nights.run().files_new == 3
    _assert_as_rebuilt(nights, nights.location, tmp_path, "rebuilt")


def test_every_file_that_was_read_is_counted_once(nights: Nights) -> None:
    """Many commits, copies that are demoted, promoted and demoted again: the sum is the number of files."""
    nights.overrides |= {"listing.unit_files": 1, "lake.commit_units": 1}
    for name, uid, more in (
        ("a", "1", {"code": "truncated"}),
        ("b", "1", {}),
        ("c", "1", {}),
        ("d", "2", {}),
        ("e", "2", {"code": "truncated"}),
        ("f", "3", {}),
    ):
        _write(nights, name, uid, **more)
    summary = nights.run()
    assert (summary.files_indexed, summary.files_duplicate) == (3, 3)
    statuses = dict(nights.lake.files.group_by("status").len().collect().iter_rows())
    assert statuses == {"indexed": 3, "duplicate": 3}


def test_a_run_that_goes_on_counts_only_what_it_read(nights: Nights) -> None:
    """What a run that died had read is not counted again when it turns out to be a copy."""
    nights.overrides |= {"listing.unit_files": 1, "lake.commit_units": 1}
    _write(nights, "z", "1")
    with pytest.MonkeyPatch.context() as patch:
        _kill_at_commit(patch, 3)
        with pytest.raises(Killed):
            nights.run()
    _write(nights, "a", "1")
    summary = nights.run()
    assert (summary.files_indexed, summary.files_duplicate) == (1, 0)


def test_a_url_stays_with_the_source_that_listed_it_first(nights: Nights) -> None:
    """Also when it was missing in between, and another source lists it now."""
    folder = nights.archive.folder
    _write(nights, "a/1", "1.1")
    _write(nights, "a/2", "1.2")
    nights.run(sources=(str(folder / "a"),))
    (folder / "a/1").unlink()
    nights.run(sources=(str(folder / "a"),))
    _write(nights, "a/1", "1.1")
    nights.run(sources=(str(folder),))
    sources = nights.lake.files.filter(pl.col("url").str.ends_with("/1")).collect()["source"].to_list()
    assert sources == [str(folder / "a")]


@pytest.mark.long
def test_copies_are_found_in_every_group_of_units(nights: Nights, tmp_path: Path) -> None:
    """Also in part files that an earlier group of the same run wrote anew, and in those that it added."""
    nights.overrides |= {"listing.unit_files": 1, "lake.commit_units": 1}
    for number in range(6):
        _write(nights, f"m{number}", str(number))
    nights.run()
    for number in range(5):
        _write(nights, f"a{number}", str(number))
        _write(nights, f"z{number}", str(number), StudyDescription="differs")
    _write(nights, "m5", "5", StudyDescription="changed")
    summary = nights.run()
    assert (summary.files_indexed, summary.files_duplicate) == (6, 5)
    _assert_as_rebuilt(nights, nights.location, tmp_path, "rebuilt")


def test_a_long_run_reads_the_ledger_through_once_or_twice(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for the first group of units, once to put it into the index; then only where the index says."""
    for number in range(6):
        _write(nights, f"m{number}", str(number))
    nights.run()
    for number in range(6, 16):
        _write(nights, f"z{number}", str(number))
    opened: list[str] = []

    def noted(location: Location, part: PartFile, **given: Any) -> Any:
        opened.append(part.path)
        return open_part(location, part, **given)

    known = [part.path for part in nights.lake.parts("files")]
    monkeypatch.setattr("dicomlake.duplicates.copy_finder.open_part", noted)
    nights.overrides |= {"listing.unit_files": 1, "lake.commit_units": 1}
    nights.run()
    assert len(opened) > len(known) > 0
    assert all(opened.count(path) == 2 for path in known)
