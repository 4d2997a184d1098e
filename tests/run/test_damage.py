"""A lake on a full or read-only disk, and one that was damaged by hand: one clear line, and the last snapshot where it can be had."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from dicomlake.errors import AccessDenied, LakeDamaged
from dicomlake.lake import Lake, verify
from dicomlake.parts import Location
from dicomlake.schema import table_names
from tests.run.comparison import assert_same_lake, whole
from tests.run.conftest import Nights

pytestmark = pytest.mark.long


def _fill(nights: Nights, first: int, last: int) -> None:
    for number in range(first, last):
        header = {"SOPInstanceUID": f"1.{number}", "SeriesInstanceUID": f"2.{number // 5}", "StudyInstanceUID": "3", "PatientID": "P"}
        nights.archive.write(f"a/{number}", **header, Modality="CT", PatientName=f"Doe^{number % 2}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, in memory; skips where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", folder], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def _remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True, capture_output=True)


@pytest.mark.long
@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_disk_that_cannot_be_written(nights: Nights, small_disk: Path, tmp_path: Path, trouble: str) -> None:
    """The run says what is wrong in a line, what was shown is shown still, and the next run with room reads what is left to read."""
    lake = Location.of(small_disk / "lake")
    _fill(nights, 0, 4)
    nights.run(lake=lake)
    shown = whole(Lake(lake.url))
    _fill(nights, 2, 60)
    filler = small_disk / "filler"
    for room in (0, 20_000, 90_000) if trouble == "full" else (0,):
        if trouble == "full":
            filler.write_bytes(b"\0" * max(0, shutil.disk_usage(small_disk).free - room))
        else:
            _remount(small_disk, "ro")
        with pytest.raises(AccessDenied, match=r"(?i)no space left|read-only") as refused:
            nights.run(lake=lake)
        assert "\n" not in str(refused.value)
        assert all(rows.equals(shown[name]) for name, rows in whole(Lake(lake.url)).items())
        assert verify(lake).defects == []
        if trouble == "full":
            filler.unlink()
        else:
            _remount(small_disk, "rw")
    nights.run(lake=lake)
    rebuilt = Location.of(tmp_path / "rebuilt")
    nights.run(lake=rebuilt)
    assert_same_lake(Lake(lake.url), Lake(rebuilt.url))


def _last_commit(table: Path) -> Path:
    return max((table / "_delta_log").glob("*.json"))


def _part(table: Path) -> Path:
    return max(table.rglob("part-*.parquet"), key=lambda path: path.stat().st_mtime_ns)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "folder removed": shutil.rmtree,
    "log removed": lambda table: shutil.rmtree(table / "_delta_log"),
    "commit removed": lambda table: _last_commit(table).unlink(),
    "commit emptied": lambda table: _last_commit(table).write_bytes(b""),
    "commit cut": lambda table: _last_commit(table).write_bytes(_last_commit(table).read_bytes()[:-40]),
    "part file removed": lambda table: _part(table).unlink(),
    "part file cut": lambda table: _part(table).write_bytes(_part(table).read_bytes()[:-9]),
    "part file overwritten": lambda table: _part(table).write_bytes(b"\0" * _part(table).stat().st_size),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_of_each_table_is_one_clear_line(nights: Nights, damage: str) -> None:
    """Readers, runs and `verify` say what is damaged, or it makes no difference: then the run gives a sound lake."""
    _fill(nights, 0, 3)
    nights.archive.write("a/4", SOPInstanceUID="1.4", SeriesInstanceUID="2.0", Modality="CT", PatientName="Doe^4", code="truncated")
    nights.run()
    _fill(nights, 3, 4)
    nights.run()
    whole_lake = Path(nights.location.url)
    kept = whole_lake.with_name("kept")
    shutil.copytree(whole_lake, kept)
    _fill(nights, 0, 4)
    for name in table_names():
        if not (whole_lake / name).is_dir():
            continue
        shutil.rmtree(whole_lake)
        shutil.copytree(kept, whole_lake)
        if damage.startswith("part file") and not any((whole_lake / name).rglob("part-*.parquet")):
            assert name in ("frames", "stacks", "instance_references", "segments", "content_items")  # these headers have nothing inside
            continue
        DAMAGES[damage](whole_lake / name)
        found = verify(nights.location)
        assert all("\n" not in defect for defect in found.defects)
        said = []
        for act in (lambda: whole(Lake(nights.location.url)), nights.run):
            try:
                act()
            except LakeDamaged as error:
                said.append(str(error))
            except pl.exceptions.PolarsError:  # a lazy frame is read by whoever collects it
                assert damage == "part file overwritten", name
        assert all("\n" not in line and "dicomlake verify" in line for line in said), f"{name}: {said}"
        if said:
            assert any(name in defect for defect in found.defects), f"{name}: {said} and verify: {found.defects}"
        else:
            assert verify(nights.location).defects == []
