"""Listing a slow disk: looks go on side by side, and the rows are those of a fast one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomlake._core import look_at_folder
from dicomlake.config import ListingSettings
from dicomlake.sources import open_source
from dicomlake.sources.local import folder as local
from dicomlake.sources.local import looks as module
from dicomlake.sources.local.looks import SLOW_SECONDS, Looks


class Clock:
    """Time that passes only where somebody looks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def perf_counter(self) -> float:
        """Its time, as `time.perf_counter` has it."""
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the looks."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def looks() -> Iterator[Looks]:
    """Looks whose threads end with the test."""
    looks = Looks()
    yield looks
    looks.close()


def _look(clock: Clock, seconds: float, threads: set[str]) -> Callable[[int], int]:
    def look(item: int) -> int:
        clock.seconds += seconds
        threads.add(threading.current_thread().name)
        return item * 2

    return look


def test_a_fast_disk_is_looked_at_one_by_one(clock: Clock, looks: Looks) -> None:
    """No thread is started."""
    threads: set[str] = set()
    assert looks.all_of(_look(clock, SLOW_SECONDS / 2, threads), range(1000)) == [2 * item for item in range(1000)]
    assert len(threads) == 1
    assert not looks.are_slow


def test_a_slow_disk_is_looked_at_side_by_side(clock: Clock, looks: Looks) -> None:
    """The order is that of the items, after a few looks that show the pace."""
    threads: set[str] = set()
    assert looks.all_of(_look(clock, 0.005, threads), range(1000)) == [2 * item for item in range(1000)]
    assert len([name for name in threads if name.startswith("dicomlake-look")]) > 1
    assert looks.are_slow


def test_a_disk_that_turns_fast_is_looked_at_one_by_one_again(clock: Clock, looks: Looks) -> None:
    """The last looks count."""
    looks.all_of(_look(clock, 0.005, set()), range(1000))
    looks.all_of(_look(clock, 0.0, set()), range(100_000))
    assert not looks.are_slow


def test_answers_that_are_known_say_nothing_of_the_disk(clock: Clock, looks: Looks) -> None:
    """The kind of an entry mostly comes with its name."""
    for _ in range(10):
        looks.note(0.005)
        looks.all_of(_look(clock, 0.0, set()), range(100), may_be_known=True)
    assert looks.are_slow


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Folders of several levels, with many files and few, links, a pipe, and names that are no text."""
    for patient in range(20):
        for series in range(3):
            folder = tmp_path / f"p{patient}" / "study" / f"s{series}"
            folder.mkdir(parents=True)
            for number in range(300 if patient == 3 else 1 + series * 12):
                (folder / f"{number}.dcm").write_bytes(b"x" * number)
    many = tmp_path / "p4" / "many"
    for name in range(30):
        (many / f"{name}" / "below").mkdir(parents=True)
        (many / f"{name}" / "below" / "f").touch()
    os.mkfifo(tmp_path / "p5" / "fifo")
    os.symlink("p1", tmp_path / "p5" / "link")
    os.symlink("nowhere", tmp_path / "p5" / "broken")
    os.symlink("..", tmp_path / "p6" / "loop")
    with open(os.fsencode(tmp_path / "p6") + b"/\xff\\", "wb"):
        pass
    (tmp_path / "p1.txt").touch()
    return tmp_path


@pytest.mark.parametrize("follow", [False, True])
def test_the_rows_of_a_slow_disk_are_those_of_a_fast_one(tree: Path, monkeypatch: pytest.MonkeyPatch, *, follow: bool) -> None:
    """Order, sizes, times and defects, where each look and each folder is on a thread of its own."""
    expected = _listed(tree, follow=follow)
    monkeypatch.setattr(module, "SLOW_SECONDS", -1.0)
    assert _listed(tree, follow=follow) == expected
    assert [row["url"] for row in expected] == sorted((row["url"] for row in expected), key=str.encode)


def test_the_rows_of_the_core_are_those_of_python(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of plain files is listed in one call; without that call it gives the same rows."""
    expected = _listed(tree)
    assert look_at_folder(os.fsencode(tree / "p7" / "study" / "s2")) != (None, False)
    assert look_at_folder(os.fsencode(tree / "p5")) == (None, False)  # a FIFO and a link to a folder
    assert look_at_folder(os.fsencode(tree / "p6")) == (None, False)  # a name that is not text
    monkeypatch.setattr(local._Ahead, "_open_plain", lambda *_: None)
    assert _listed(tree) == expected


def test_little_is_held_ahead_of_the_walk(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where much is held, folders wait for the walk; nothing is lost."""
    expected = _listed(tree)
    monkeypatch.setattr(module, "SLOW_SECONDS", -1.0)
    monkeypatch.setattr(local, "_NAMES_AHEAD", 10)
    assert _listed(tree) == expected


def _listed(tree: Path, *, follow: bool = False) -> list[dict[str, Any]]:
    source = open_source(str(tree), ListingSettings(follow_folder_links=follow), {})
    return [row for batch in source.batches() for row in batch.to_pylist()]
