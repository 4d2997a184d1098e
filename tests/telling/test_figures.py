"""The words and the step of a run under way."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from dicomlake.run import Progress
from dicomlake.telling.figures import Step, figures_of, line_of, step_of


@dataclass
class Clock:
    """A clock that goes when it is told."""

    now: float = 0.0

    def monotonic(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of `Progress`."""
    clock = Clock()
    monkeypatch.setattr("dicomlake.run.progress.time.monotonic", clock.monotonic)
    return clock


def _reading(**figures: int) -> Progress:
    return Progress(stage="listing and reading", listing_ended=True, **figures)  # type: ignore[arg-type]


def test_steps_follow_each_other() -> None:
    """A run lists, reads, writes rows, commits, rolls up and ends: a bar is full in none of these steps but at its end."""
    progress = Progress()
    with progress.timed("listing and reading"):
        progress.files_listed = progress.files_to_read = 8
        assert step_of(progress) == Step("listing and reading")
        progress.listing_ended = True
        progress.count_headers = lambda: 3
        assert step_of(progress) == Step("reading", 3, 8)
        with progress.timed("committing"):
            assert step_of(progress) == Step("reading", 3, 8), "a commit beside reading leaves the bar alone"
        progress.count_headers = lambda: 8
        assert step_of(progress) == Step("writing rows")
        progress.files_read = 8
        with progress.timed("committing"):
            assert step_of(progress) == Step("committing")
    with progress.timed("rolling up"):
        assert step_of(progress) == Step("rolling up")
        progress.entities_to_roll_up, progress.entities_rolled_up = 12, 5
        assert step_of(progress) == Step("rolling up", 5, 12)
        assert line_of(progress) == "rolling up: 5 of 12 series, studies and patients, 8 of 8 files read, 0 failed"
    with progress.timed("merging part files"):
        assert step_of(progress) == Step("merging part files")
    assert step_of(Progress(stage="listing and reading", listing_ended=True)) == Step("listing"), "nothing is new"


def test_headers_read_never_pass_what_there_is_to_read() -> None:
    """A unit that was given to a second worker is counted twice, and units of other processes when they end."""
    progress = _reading(files_to_read=100, files_read=40)
    assert progress.headers_read == 40
    progress.count_headers = lambda: 70
    assert progress.headers_read == 70
    progress.count_headers = lambda: 120
    assert progress.headers_read == 100


def test_speed_is_that_of_the_last_seconds(clock: Clock) -> None:
    """Ten files a second for a minute, then a hundred: the speed is a hundred soon, and the estimate follows in a minute."""
    progress = _reading(files_to_read=10_000)
    for _ in range(60):
        clock.now += 1
        progress.files_read += 10
        assert progress.files_per_second == pytest.approx(10)
        assert progress.seconds_left == pytest.approx((10_000 - progress.files_read) / 10)
    for _ in range(12):
        clock.now += 1
        progress.files_read += 100
        speed = progress.files_per_second
    assert speed == pytest.approx(100)
    assert "100/s" in figures_of(progress)
    for _ in range(61):
        clock.now += 1
        progress.files_read += 100
        left = progress.seconds_left
    assert left == pytest.approx((10_000 - progress.files_read) / 100)


def test_speed_of_units_that_end_seldom(clock: Clock) -> None:
    """Where other processes read, the count stands for long, then jumps: the speed is neither 0 nor that of the jump."""
    progress = _reading(files_to_read=100_000)
    for second in range(1, 121):
        clock.now += 1
        if second % 20 == 0:
            progress.files_read += 8_000
        if second > 20:
            assert 190 < progress.files_per_second < 450


def test_time_before_reading_is_no_time_of_reading(clock: Clock) -> None:
    """Workers take seconds to start."""
    progress = _reading(files_to_read=1_000)
    with progress.timed("starting workers"):
        clock.now += 30
        assert progress.files_per_second == 0
    clock.now += 1
    progress.files_read = 50
    assert progress.files_per_second == pytest.approx(50)
    progress.begin_again()
    assert progress.files_per_second == 0
    assert progress.seconds_left is None
