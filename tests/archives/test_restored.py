"""An archive that becomes again what it was, after a run that did not come to the end of what it was meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

import dicomlake.extract.unit
import dicomlake.run.index
from dicomlake.config import load_settings
from dicomlake.lake import Lake, verify
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, Summary, run_index
from dicomlake.runner import SerialRunner
from tests.archives.game import Recording
from tests.archives.making import TIME, dicom, write_archive
from tests.run.faults import Killed, broken_off
from tests.run.test_time_limit import Listed

pytestmark = pytest.mark.long

MEMBERS = {f"I{number}": dicom(number) for number in range(8)}


class Restored:
    """A folder with an archive and another file, and its lake."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.tree = folder / "tree"
        self.tree.mkdir()
        self.archive = self.tree / "a.zip"
        self._lake = Location.of(folder / "lake")
        self._engine = Recording()
        patch.setattr(dicomlake.extract.unit, "make_engine", lambda _: self._engine)
        patch.setattr(dicomlake.run.index, "UnitFeed", Listed)

    def put(self, members: dict[str, bytes], seconds: int, of_members: int = 0) -> None:
        """Write the archive and its members as of a time."""
        write_archive(self.archive, members, times=dict.fromkeys(members, TIME + of_members))
        os.utime(self.archive, (TIME + seconds, TIME + seconds))

    def run(self, limit: float | None = None) -> Summary:
        """Index; a limit is one of files read."""
        overrides = {"listing.unit_files": 2, "lake.missing_limit": 1.0, "running.time_limit_seconds": limit}
        self._engine.read.clear()
        request = IndexRequest((str(self.tree),), self._lake, load_settings(overrides=overrides))
        summary = run_index(request, SerialRunner, clock=lambda: float(len(self._engine.read)))
        assert verify(self._lake).defects == []
        return summary

    def rows(self) -> dict[str, tuple[str, str | None]]:
        """Status and instance of each row but that of the other file."""
        rows = Lake(self._lake.url).files.filter(~pl.col("url").str.ends_with("other")).collect()
        return {row["url"]: (row["status"], row["SOPInstanceUID"]) for row in rows.to_dicts()}


@pytest.fixture
def restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Restored:
    """An archive that was indexed."""
    found = Restored(tmp_path, monkeypatch)
    found.put(MEMBERS, 0)
    found.run()
    return found


def test_after_a_run_that_died(restored: Restored) -> None:
    """Members that it committed as missing come back: it died between them and the row of the archive."""
    before = restored.rows()
    restored.put({name: content for name, content in MEMBERS.items() if name != "I3"}, 50)
    (restored.tree / "other").write_bytes(dicom(20))
    with pytest.raises(Killed), broken_off("commit", 3):
        restored.run()
    restored.put(MEMBERS, 0)
    restored.run()
    assert restored.rows() == before


@pytest.mark.parametrize("gone", ["nothing", "some", "all"])
def test_after_a_run_that_had_no_time(restored: Restored, gone: str) -> None:
    """Members that the run did read, and those that it found gone, are again what they were; the row of the archive owns up meanwhile."""
    before = restored.rows()
    if gone == "all":
        restored.archive.write_bytes(b"no archive")
        (restored.tree / "a").mkdir()
        for number in range(8):
            (restored.tree / "a" / str(number)).write_bytes(dicom(40 + number))
    else:
        restored.put({f"I{number}": dicom(20 + number) for number in range(8 if gone == "nothing" else 6)}, 50, 50)
    summary = restored.run(4.0)
    assert summary.files_left > 0
    own = restored.rows()[str(restored.archive)]
    assert own == (("skipped" if gone == "all" else "failed"), None)
    for file in (restored.tree / "a").glob("*"):
        file.unlink()
    restored.put(MEMBERS, 0)
    restored.run()
    assert {url: row for url, row in restored.rows().items() if "/a/" not in url} == before
    again = restored.run()
    assert (again.bytes_read, again.files_changed) == (0, 0)


def test_a_run_that_had_no_time_is_gone_on_with(restored: Restored) -> None:
    """The next one lists the archive again, and reads what is left of it."""
    restored.put({f"I{number}": dicom(20 + number) for number in range(8)}, 50, 50)
    left = restored.run(4.0).files_left
    summary = restored.run()
    assert summary.files_indexed == left - 1 == 4
    assert restored.rows()[str(restored.archive)] == ("skipped", None)
    assert restored.run().bytes_read == 0
