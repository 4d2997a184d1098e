"""A run that may take only so long: it ends in order, and the next ones read what it left.

The clock of these tests counts the files that were read: a limit of three seconds is one of three files.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import polars as pl
import pyarrow as pa
import pytest

import dicomlake.run.index
from dicomlake.errors import ConfigurationError, TimeLimitPassed
from dicomlake.lake import Lake
from dicomlake.parts import Location
from dicomlake.run import Summary
from dicomlake.run.feed import UnitFeed
from dicomlake.runner import Runner
from tests.run.comparison import assert_same_lake
from tests.run.conftest import Nights
from tests.runner.processes import thread_runner

LIMIT = 3


class Listed(UnitFeed):
    """Hands out units when the listing has ended, so that no test depends on which thread is faster."""

    def __iter__(self) -> Iterator[pa.Table]:
        """See ``UnitFeed``."""
        self._thread.join()
        return super().__iter__()


class _Unending(UnitFeed):
    """A listing that has more to come for as long as it is not told to stop."""

    def _until_stopped(self, listing: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from super()._until_stopped(listing)
        self._stop.wait()
        yield from super()._until_stopped(iter([pa.RecordBatch.from_pylist([])]))


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing ends before the limit can pass."""
    monkeypatch.setattr(dicomlake.run.index, "UnitFeed", Listed)


def _limited(nights: Nights, limit: int = LIMIT, runner: Runner | None = None) -> Summary:
    nights.overrides["running.time_limit_seconds"] = float(limit)
    try:
        return nights.run(clock=lambda: float(len(nights.engine.read_urls)), runner=runner)
    finally:
        del nights.overrides["running.time_limit_seconds"]


def _write(nights: Nights, name: str, number: int, **header: object) -> None:
    keys = {"SOPInstanceUID": f"1.{number}", "SeriesInstanceUID": f"2.{number // 3}", "PatientID": f"P{number // 6}", "Modality": "CT"}
    nights.archive.write(name, **keys, **header)


def _rebuilt(nights: Nights, name: str = "rebuilt") -> Lake:
    location = Location.of(f"{nights.location.url}-{name}")
    nights.run(lake=location)
    return Lake(location.url)


@pytest.mark.long
@pytest.mark.usefixtures("listed")
def test_limited_nights_come_to_the_lake_of_one_night(nights: Nights) -> None:
    """Each run reads a unit more; the last one has read everything, and nothing was read twice."""
    for number in range(10):
        _write(nights, f"{number % 2}/{number}", number % 8)
    read: list[str] = []
    left = []
    while not left or left[-1]:
        summary = _limited(nights)
        assert summary.listing_ended
        left.append(summary.files_left)
        read += nights.engine.read_urls
    assert left == [7, 4, 1, 0]
    assert len(read) == len(set(read)) == 10
    assert_same_lake(nights.lake, _rebuilt(nights))
    assert nights.run().files_left == 0


@pytest.mark.long
@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize("seed", range(2))
def test_limited_nights_of_a_living_archive(nights: Nights, seed: int) -> None:
    """Files come, change, vanish and are copied, and the engine is renewed, while each night is too short for what there is to read."""
    chance = random.Random(seed)
    for night in range(4):
        for _ in range(chance.randrange(3, 9)):
            _write(nights, f"{chance.choice('abc')}/{chance.randrange(8)}", chance.randrange(12), KVP=chance.choice([None, 80.0, 120.0]))
        present = sorted(path for path in nights.archive.folder.rglob("*") if path.is_file())
        for path in chance.sample(present, len(present) // 4):
            path.unlink()
        if night == 2:
            nights.engine.version = "json-2"
        _limited(nights)
    while _limited(nights).files_left:
        pass
    assert_same_lake(nights.lake, _rebuilt(nights))


@pytest.mark.usefixtures("listed")
def test_vanished_files_are_judged_and_changed_ones_wait(nights: Nights) -> None:
    """What is gone is missing at once; a changed file that was not reached keeps its row until it is read."""
    for number in range(8):
        _write(nights, str(number), number, KVP=80.0)
    nights.run()
    (nights.archive.folder / "7").unlink()
    for number in range(7):
        _write(nights, str(number), number, KVP=120.0)
    summary = _limited(nights)
    assert (summary.files_changed, summary.files_missing, summary.files_left) == (7, 1, 4)
    voltages = nights.lake.instances.sort("SOPInstanceUID").collect()["KVP"].to_list()
    assert voltages == [120.0] * 3 + [80.0] * 4
    assert nights.lake.files.filter(status="missing").collect().height == 1
    nights.run()
    assert len(nights.engine.read_urls) == 4
    assert set(nights.lake.instances.collect()["KVP"]) == {120.0}


@pytest.mark.usefixtures("listed")
def test_copies_that_take_a_vanished_ones_place_are_read_all_the_same(nights: Nights) -> None:
    """No snapshot lacks an instance of which the lake knows a copy."""
    for name in ("a/1", "b/1"):
        _write(nights, name, 1)
    nights.run()
    (nights.archive.folder / "a/1").unlink()
    for number in range(2, 9):
        _write(nights, f"c/{number}", number)
    summary = _limited(nights)
    assert summary.files_left == 4
    assert "1.1" in nights.lake.instances.collect()["SOPInstanceUID"]


@pytest.mark.usefixtures("listed")
def test_a_row_that_is_still_to_be_read_anew_is_not_taken_for_read(nights: Nights) -> None:
    """A copy that a new one pushes aside, before the new engine has come to it, is read by the next run."""
    for number in range(4):
        _write(nights, f"b/{number}", number)
    nights.run()
    nights.engine.version = "json-2"
    for number in range(3):
        _write(nights, f"a/{number}", number + 1)
    assert _limited(nights).files_left == 4
    assert nights.lake.files.filter(status="duplicate").collect().height == 3
    nights.run()
    assert sorted(url.rpartition("/")[2] for url in nights.engine.read_urls) == ["0", "1", "2", "3"]


def test_limit_while_a_known_source_is_being_listed_changes_nothing(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what vanished, so nothing is judged or committed, and the run says what to do."""
    for number in range(7):
        _write(nights, str(number), number)
    nights.run()
    before = {name: nights.lake.table(name).collect() for name in ("files", "instances", "snapshots")}
    (nights.archive.folder / "0").unlink()
    for number in range(1, 7):
        _write(nights, str(number), number, KVP=80.0)
    with monkeypatch.context() as patched:
        patched.setattr(dicomlake.run.index, "UnitFeed", _Unending)
        with pytest.raises(TimeLimitPassed, match=r"time limit of 3 s .* nothing was changed.*--time-limit"):
            _limited(nights)
    for name, rows in before.items():
        assert nights.lake.table(name).collect().equals(rows)
    nights.run()
    assert_same_lake(nights.lake, _rebuilt(nights))


def test_limit_while_a_new_source_is_being_listed_keeps_what_was_read(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first run has nothing to judge: what it read is a snapshot, and the next ones go on from there."""
    for number in range(7):
        _write(nights, str(number), number)
    with monkeypatch.context() as patched:
        patched.setattr(dicomlake.run.index, "UnitFeed", _Unending)
        summary = _limited(nights)
    assert (summary.listing_ended, summary.files_left, summary.files_indexed) == (False, 4, 3)
    assert nights.lake.files.select(pl.len()).collect().item() == 3
    summary = nights.run()
    assert (summary.files_new, summary.files_unchanged, summary.listing_ended) == (4, 3, True)
    assert_same_lake(nights.lake, _rebuilt(nights))


@pytest.mark.usefixtures("listed")
def test_units_that_were_handed_out_are_finished(nights: Nights) -> None:
    """Threads have several units at once: each one that began is in the lake, and is not counted as left."""
    for number in range(40):
        _write(nights, f"{number:02}", number)
    summary = _limited(nights, runner=thread_runner(2))
    read = nights.lake.files.select(pl.len()).collect().item()
    assert LIMIT <= read == 40 - summary.files_left < 40
    assert read == len(nights.engine.read_urls)


def test_full_and_a_time_limit_exclude_each_other(nights: Nights) -> None:
    """A run that reads every file again could never tell the next one where to go on."""
    nights.overrides["running.time_limit_seconds"] = 60.0
    with pytest.raises(ConfigurationError, match="full and a time limit"):
        nights.run(full=True)


def test_dry_run_honours_the_limit(nights: Nights) -> None:
    """A listing takes its time too."""
    _write(nights, "1", 1)
    ticks = iter(range(100))
    nights.overrides["running.time_limit_seconds"] = 1.0
    with pytest.raises(TimeLimitPassed, match="nothing was changed"):
        nights.run(dry_run=True, clock=lambda: float(next(ticks)))
