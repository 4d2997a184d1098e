"""A run that ends before its time loses no committed unit, shows nothing half done, and is healed by the next."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dicomlake.errors import NotALake
from dicomlake.lake import Lake, LakeWriter, Table
from dicomlake.parts import Location
from tests.run.comparison import Tables, assert_same_tables, comparable, whole
from tests.run.conftest import Nights


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def _kill_at_commit(patch: pytest.MonkeyPatch, allowed: int) -> Callable[[], int]:
    """Let so many commits through, then die before the next one."""
    commit = Table.commit
    count = 0

    def counted(self: Table, *arguments: object, **named: object) -> None:
        nonlocal count
        if count == allowed:
            raise Killed
        count += 1
        commit(self, *arguments, **named)  # type: ignore[arg-type]

    patch.setattr(Table, "commit", counted)
    return lambda: count


def _write_days(nights: Nights, day: int) -> None:
    """The files of a day are the same each time that it is played, to their modified times."""
    nights.archive.clock = 1_700_000_000 + 100 * day
    for number in range(7):
        nights.archive.write(
            f"a/{number}",
            SOPInstanceUID=f"1.{number % 6}",
            SeriesInstanceUID=f"2.{number // 3}",
            StudyInstanceUID="3",
            PatientID="P" if number % 4 else f"Q{day}",
            Modality="CT",
            KVP=float(day),
            Items=[{"label": f"{day} {number} {item}"} for item in range(number % 3)],
        )
    if day == 2:
        (nights.archive.folder / "a/2").unlink()


def _commits_of(nights: Nights, tmp_path: Path, *, second_day: bool) -> int:
    """How many commits the run makes that is to be killed."""
    with pytest.MonkeyPatch.context() as patch:
        counted = _kill_at_commit(patch, 10_000)
        lake = Location.of(tmp_path / "counted")
        if second_day:
            _write_days(nights, 1)
            nights.run(lake=lake)
            before = counted()
            _write_days(nights, 2)
            nights.run(lake=lake)
            return counted() - before
        _write_days(nights, 1)
        nights.run(lake=lake)
        return counted()


@pytest.mark.long
@pytest.mark.parametrize("second_day", [False, True], ids=["first run", "second run"])
def test_a_run_killed_before_any_commit_is_healed_by_the_next(nights: Nights, tmp_path: Path, *, second_day: bool) -> None:
    """Whichever commit is the last: the old snapshot stays what it was, and the next run gives the lake of a clean one."""
    assert_killed_runs_are_healed(nights, tmp_path, second_day=second_day)


def assert_killed_runs_are_healed(nights: Nights, tmp_path: Path, *, second_day: bool) -> None:
    """Kill a run before each of its commits, and look at the lake then and after another run."""
    if second_day:
        nights.overrides["lake.commit_units"] = 1  # two groups of units, the first of which commits what vanished too
    commits = _commits_of(nights, tmp_path, second_day=second_day)
    assert commits > 8
    clean: Tables = {}
    for allowed in range(commits):
        lake = Location.of(tmp_path / f"lake-{allowed}")
        _write_days(nights, 1)
        shown = None
        if second_day:
            nights.run(lake=lake)
            shown = {name: comparable(Lake(lake.url), name) for name in Lake(lake.url).tables if name != "snapshots"}
            _write_days(nights, 2)
        with pytest.MonkeyPatch.context() as patch:
            _kill_at_commit(patch, allowed)
            with pytest.raises(Killed):
                nights.run(lake=lake)
        if shown is None:
            with pytest.raises(NotALake):
                Lake(lake.url)
        else:
            assert all(comparable(Lake(lake.url), name).equals(rows) for name, rows in shown.items())
        known = _urls_known(nights, lake)
        nights.run(lake=lake)
        assert known.isdisjoint(nights.engine.read_urls)
        if not clean:
            nights.run(lake=Location.of(tmp_path / "clean"))
            clean = whole(Lake(f"{tmp_path}/clean"))
        assert_same_tables(whole(Lake(lake.url)), clean)


def _urls_known(nights: Nights, lake: Location) -> set[str]:
    """The urls that `files` knows as they are now, of whatever run."""
    from dicomlake.parts import read_parts

    with closing(LakeWriter.open(lake, nights.settings.schema_of_lake())) as writer:
        rows = read_parts(lake, writer.tables["files"].parts.values(), ["url", "status", "modified", "last_snapshot"])
    if rows is None:
        return set()
    latest = rows.filter((rows["last_snapshot"] > writer.last_snapshot.number) & (rows["status"] == "indexed"))
    return set(latest["url"])


def test_a_run_that_was_undone_says_so(nights: Nights) -> None:
    """The next run tells that an earlier one ended before its time."""
    from dicomlake.run import IndexRequest, Progress, run_index
    from dicomlake.runner import SerialRunner

    _write_days(nights, 1)
    with pytest.MonkeyPatch.context() as patch:
        _kill_at_commit(patch, 1)
        with pytest.raises(Killed):
            nights.run()
    progress = Progress()
    run_index(IndexRequest((str(nights.archive.folder),), nights.location, nights.settings), SerialRunner, progress)
    assert progress.messages == ["an earlier run ended before its time: what it left half done was undone"]
