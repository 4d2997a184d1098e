"""`diff`, and the list of snapshots that its numbers come from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

import dicomlake
from dicomlake.lake import Lake
from tests.cli.conftest import Run

HOSTILE = "\u202eevil"


@pytest.fixture(scope="module")
def two_nights(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of two runs: in between a patient went, one came, and a series got another description, a hostile one."""
    folder = tmp_path_factory.mktemp("nights")
    for patient in ("P001", "P002"):
        shutil.copytree(archive / patient, folder / "archive" / patient)
    dicomlake.index(folder / "archive", lake=folder / "lake", workers=0)
    shutil.rmtree(folder / "archive" / "P002")
    shutil.copytree(archive / "P003", folder / "archive" / "P003")
    for path in (folder / "archive" / "P001" / "study-1" / "001_CT").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.SpecificCharacterSet, dataset.SeriesDescription = "ISO_IR 192", HOSTILE
        dataset.save_as(path)
    dicomlake.index(folder / "archive", lake=folder / "lake", workers=0, missing_limit=1)
    return folder / "lake"


def _sections(out: str) -> dict[str, list[str]]:
    """The printed blocks, by their first word."""
    blocks = [block.splitlines() for block in out.split("\n\n")]
    return {block[0].split(maxsplit=1)[0].rstrip(","): block for block in blocks}


def test_tables_for_a_person(run: Run, two_nights: Path) -> None:
    """Both snapshots, the counts, and a line for each entity with its instances before and after."""
    ran = run("diff", two_nights)
    assert (ran.code, ran.err) == (0, "")
    heading, *_ = ran.out.splitlines()
    assert heading.startswith(f"{two_nights}: snapshot 1 of ")
    assert " UTC to snapshot 2 of " in heading
    sections = _sections(ran.out)
    assert list(sections)[1:] == ["table", "status", "patients", "studies", "series"]
    assert [line.split() for line in sections["table"][:1]] == [["table", "before", "after", "came", "went", "changed"]]
    patients = [line.split()[:1] + line.split()[2:4] for line in sections["patients"][3:]]
    assert [change for change, *_ in patients] == ["changed", "went", "came"]
    (_, kept, same), (_, gone, nothing), (_, none, arrived) = patients
    assert (kept, nothing, none) == (same, "0", "0")
    counts = {number: Lake(two_nights, snapshot=number).instances.collect().height for number in (1, 2)}
    assert counts[1] - int(gone) + int(arrived) == counts[2]


def test_names_are_escaped(run: Run, two_nights: Path) -> None:
    """Values of a header are shown as data; attributes that changed are named in plain text."""
    out = run("diff", two_nights).out
    assert HOSTILE not in out
    (line,) = [line for line in out.splitlines() if "\\u202eevil" in line]
    assert line.startswith("changed")
    assert "SeriesDescription" in line
    assert "SpecificCharacterSet, " in line or ", SpecificCharacterSet" in line


def test_json_is_one_object(run: Run, two_nights: Path) -> None:
    """All of it for a program, as `Lake.diff` has it."""
    found = run("diff", two_nights, "--json").json
    assert list(found) == ["lake", "before", "after", "counts", "statuses", "patients", "studies", "series"]
    assert (found["before"]["snapshot"], found["after"]["snapshot"]) == (1, 2)
    directly = Lake(two_nights).diff()
    for level in ("patients", "studies", "series"):
        assert found[level] == json.loads(json.dumps(directly.levels[level].to_dicts(), default=str))
        changes = [row["change"] for row in found[level]]
        assert {change: changes.count(change) for change in ("came", "went", "changed")} == {
            change: found["counts"][level][change] for change in ("came", "went", "changed")
        }
    assert found["statuses"]["missing"] == {"came": found["counts"]["instances"]["went"], "went": 0, "changed": 0}
    (changed,) = [row for row in found["series"] if row["change"] == "changed"]
    assert changed["SeriesDescription"] == HOSTILE
    assert changed["instances_before"] == changed["instances_after"] == found["counts"]["instances"]["changed"]


def test_snapshots_are_named_by_number(run: Run, two_nights: Path) -> None:
    """A alone is held against the last; the same one against itself has no difference."""
    assert run("diff", two_nights, 1, "--json").json == run("diff", two_nights, 1, 2, "--json").json
    nothing = run("diff", two_nights, 2, 2)
    assert nothing.code == 0
    assert list(_sections(nothing.out))[1:] == ["table"]


def test_rows_limit_says_how_many_there_are(run: Run, two_nights: Path) -> None:
    """A long night fits into a mail."""
    ran = run("diff", two_nights, "--rows", 1)
    assert all(len(block) == 4 for name, block in _sections(ran.out).items() if name in ("patients", "studies", "series"))
    assert ran.err.startswith("1 of 3 rows; --rows 0")


def test_narrow_terminal(run: Run, two_nights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns that find no room are counted."""
    monkeypatch.setattr("dicomlake.cli.output.screen.width_of", lambda _: 60)
    ran = run("diff", two_nights)
    assert max(map(len, ran.out.splitlines()[2:])) <= 60
    assert " columns; a pipe and --json have them all" in ran.err


def test_what_cannot_be_compared_is_one_line(run: Run, two_nights: Path, lake: Path, tmp_path: Path) -> None:
    """One snapshot only, a number that is none, the wrong way round, and no lake."""
    run("diff", lake).assert_one_line_error(2, "no snapshot before 1", "the next run makes one")
    run("diff", two_nights, 1, 9).assert_one_line_error(2, "no snapshot 9", "--snapshots")
    run("diff", two_nights, 9).assert_one_line_error(2, "no snapshot 9")
    run("diff", two_nights, 2, 1).assert_one_line_error(2, "snapshot 2 is later than 1")
    run("diff", two_nights, "last").assert_one_line_error(2, "'A'", "integer", "dicomlake diff --help")
    run("diff", tmp_path).assert_one_line_error(2, "not a lake")


def _without_old_part_files(lake: Path) -> None:
    now = {part.path for part in Lake(lake).parts("patients")}
    for part in Lake(lake, snapshot=1).parts("patients"):
        if part.path not in now:
            (lake / "patients" / part.path).unlink()


def _without_old_log(lake: Path) -> None:
    for version in range(2):
        (lake / "patients" / "_delta_log" / f"{version:020}.json").unlink()


@pytest.mark.parametrize("clean", [_without_old_part_files, _without_old_log])
def test_snapshot_that_is_no_longer_whole_is_one_line_and_1(
    run: Run, two_nights: Path, tmp_path: Path, clean: Callable[[Path], None]
) -> None:
    """A snapshot whose part files were removed can't be compared."""
    lake = Path(shutil.copytree(two_nights, tmp_path / "lake"))
    clean(lake)
    run("diff", lake).assert_one_line_error(1, "snapshot 1 is no longer whole", "patients")


def test_info_lists_the_snapshots(run: Run, two_nights: Path) -> None:
    """A line for each finished run, with what it found; the rows themselves for a program."""
    heading, _, *lines = run("info", two_nights, "--snapshots").out.splitlines()
    assert heading.split()[:3] == ["snapshot", "kind", "finished"]
    assert [line.split()[:2] for line in lines] == [["1", "index"], ["2", "index"]]
    listed = run("info", two_nights, "--snapshots", "--json").json
    assert [row["snapshot"] for row in listed["snapshots"]] == [1, 2]
    for row in listed["snapshots"]:
        assert row["summary"] == Lake(two_nights, snapshot=row["snapshot"]).summary
        assert row["table_versions"] == Lake(two_nights, snapshot=row["snapshot"]).table_versions
