"""`optimize` and `vacuum`: what they print, and how they end."""

from __future__ import annotations

import fcntl
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest

import dicomlake
from tests.cli.conftest import Run


def test_optimize_then_vacuum(run: Run, own_lake: Path, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dry runs say what is then done; the lake is sound, and a second time there is nothing to do."""
    settings = dicomlake.load_settings(overrides={"lake.merge_parts": 0})
    dicomlake.index(archive, lake=own_lake, workers=0, full=True, config=settings)
    before = run("info", own_lake, "--json").json
    said = run("optimize", own_lake, "--dry-run").out.splitlines()[-1]
    assert said.startswith("dry run, nothing was written: ")
    done = run("optimize", own_lake)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == said.replace("dry run, nothing was written", "snapshot 3").replace("would become", "became")
    after = run("info", own_lake, "--json").json
    assert after["kind"] == "optimize"
    assert (after["sources"], after["statuses"]) == (before["sources"], before["statuses"])
    assert run("optimize", own_lake).out == "nothing to merge\n"
    assert set(run("optimize", own_lake, "--json").json) == {"snapshot", "dry_run", "tables"}

    assert run("vacuum", own_lake, "--keep", "0h", "--json").json["snapshots_removed"] == []  # somebody may be reading them
    monkeypatch.setattr(import_module("dicomlake.lake.upkeep.vacuum"), "READER_TIME", timedelta())  # the room has a function of that name
    said = run("vacuum", own_lake, "--keep", "0h", "--dry-run", "--json").json
    assert (said["snapshots_kept"], said["snapshots_removed"]) == ([3], [1, 2])
    done = run("vacuum", own_lake, "--keep", "0h")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].startswith(
        f"removed 2 of 3 snapshots, {said['part_files']:,} part files (0 of them known to no table), "
    )
    monkeypatch.undo()
    again = run("vacuum", own_lake).out
    assert again == "removed 0 of 1 snapshots, 0 part files (0 of them known to no table), 0 B\n"
    verified = run("verify", own_lake, "--json").json
    assert (verified["defects"], verified["notes"]) == ([], [])


@pytest.mark.parametrize("span", ["30", "d", "1.5d", "-1d", "30 days", "1y", ""])
def test_span_that_is_none(run: Run, lake: Path, span: str) -> None:
    """A mistyped span removes nothing."""
    run("vacuum", lake, f"--keep={span}").assert_one_line_error(2, "--keep", "30d")


def test_span_longer_than_the_calendar(run: Run, lake: Path) -> None:
    """Everything is kept."""
    assert run("vacuum", lake, "--keep", "999999w", "--json").json["snapshots_kept"] == [1]


@pytest.mark.parametrize("command", ["optimize", "vacuum"])
def test_no_lake(run: Run, tmp_path: Path, command: str) -> None:
    """A folder without a lake is a usage error."""
    run(command, tmp_path).assert_one_line_error(2, "is not a lake")


@pytest.mark.parametrize("command", ["optimize", "vacuum"])
def test_locked_lake(run: Run, own_lake: Path, command: str) -> None:
    """Whoever writes is named."""
    with (own_lake / ".lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 7 on host since yesterday")
        lock.flush()
        run(command, own_lake).assert_one_line_error(1, "process 7 on host since yesterday")
