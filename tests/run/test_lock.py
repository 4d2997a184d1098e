"""One writer at a time: who waits, for whom, and how long. The clock is the tests' own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from dicomlake.errors import LakeLocked
from dicomlake.lake.write.lock import LOCK_NAME, LONGEST_PAUSE_SECONDS, LakeLock, Waiting
from dicomlake.parts import Location


class Clock:
    """A clock that only pauses advance; at a chosen pause something happens."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.events: dict[int, Callable[[], object]] = {}

    def monotonic(self) -> float:
        """The seconds of all pauses."""
        return sum(self.pauses)

    def sleep(self, seconds: float) -> None:
        """A pause that takes no time."""
        self.pauses.append(seconds)
        self.events.pop(len(self.pauses), lambda: None)()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the lock takes for time."""
    clock = Clock()
    monkeypatch.setattr("dicomlake.lake.write.lock.time", SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep))
    return clock


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    """The folder of a lake."""
    (tmp_path / "lake").mkdir()
    return Location.of(tmp_path / "lake")


def test_without_waiting_the_holder_is_named_at_once(lake: Location, clock: Clock) -> None:
    """Process, host, since when, and how to wait."""
    LakeLock(lake).acquire()
    with pytest.raises(LakeLocked, match=rf"by process {os.getpid()} on \S+ since \d{{4}}-.* UTC; .*--wait 2h"):
        LakeLock(lake).acquire()
    assert clock.pauses == []


def test_waiting_goes_on_when_the_holder_has_ended(lake: Location, clock: Clock) -> None:
    """Pauses grow, but not without end, and who is waited for is told once."""
    holder = LakeLock(lake)
    holder.acquire()
    clock.events[10] = holder.release
    told: list[str] = []
    waiter = LakeLock(lake, Waiting(timedelta(hours=2), told.append))
    waiter.acquire()
    assert waiter.is_held
    assert len(clock.pauses) == 10
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[-1] == LONGEST_PAUSE_SECONDS
    assert len(told) == 1
    assert f"by process {os.getpid()} on " in told[0]
    assert "7,200 s" in told[0]


def test_waiting_ends_with_its_limit(lake: Location, clock: Clock) -> None:
    """No longer than asked for, and the refusal says how long it was."""
    LakeLock(lake).acquire()
    with pytest.raises(LakeLocked, match=rf"by process {os.getpid()} on .*; waited 60 s for it; run again"):
        LakeLock(lake, Waiting(timedelta(minutes=1))).acquire()
    assert clock.monotonic() == pytest.approx(60)


def test_a_lake_that_was_replaced_meanwhile_is_locked_itself(lake: Location, clock: Clock) -> None:
    """Whoever waits for a lake that is removed and made anew must not end up with the lock of the old one."""
    holder, other = LakeLock(lake), LakeLock(lake)
    holder.acquire()

    def replace() -> None:
        shutil.rmtree(lake.url)
        Path(lake.url).mkdir()
        other.acquire()
        holder.release()

    clock.events[2] = replace
    clock.events[5] = other.release
    waiter = LakeLock(lake, Waiting(timedelta(hours=1)))
    waiter.acquire()
    assert len(clock.pauses) == 5


def test_a_killed_holder_blocks_nobody(lake: Location) -> None:
    """The lock ends with its process; the text that it left says nothing."""
    code = (
        f"from dicomlake.lake.write.lock import LakeLock; from dicomlake.parts import Location; "
        f"LakeLock(Location.of({lake.url!r})).acquire(); print('held', flush=True); input()"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(LakeLocked, match=f"by process {process.pid} on "):
            LakeLock(lake).acquire()
        process.send_signal(signal.SIGKILL)
        process.wait()
    text = Path(lake.url, LOCK_NAME)
    assert f"process {process.pid} " in text.read_text("utf-8")
    lock = LakeLock(lake)
    lock.acquire()
    assert lock.is_held
    assert f"process {os.getpid()} " in text.read_text("utf-8")
    lock.release()
    assert text.read_text("utf-8") == ""
