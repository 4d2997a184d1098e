"""The messages of a run, during it and at its end."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dicomlake.cli.output.bar import drawing_of
from dicomlake.cli.output.run_progress import LINE_SECONDS, PlainTalker, plain_lines_on
from dicomlake.cli.output.run_summary import print_closing, result_line
from dicomlake.printable import duration
from dicomlake.run import Progress, Summary
from dicomlake.telling.figures import line_of


class _Progress(Progress):
    """A run at a chosen moment of a stopped clock."""

    @property
    def seconds(self) -> float:
        return 10.0

    @property
    def files_per_second(self) -> float:
        return self.headers_read / 10

    @property
    def seconds_left(self) -> float | None:
        return 30.0 if self.listing_ended else None


def _under_way() -> Progress:
    progress = _Progress(stage="listing and reading", listing_ended=True, files_listed=5000, files_to_read=4000, files_read=1000)
    progress.statuses.update({"indexed": 998, "failed": 2})
    progress.workers = 4
    progress.dashboard = "http://127.0.0.1:8787/status"
    return progress


def _summary(**figures: int) -> Summary:
    counted = dict.fromkeys(Summary.__dataclass_fields__, 0) | figures
    return Summary(**counted)


def test_line_has_every_figure() -> None:
    """A line names the stage, files, files a second, failed files and the time left."""
    assert line_of(_under_way()) == "reading: 1,000 of 4,000 files read, 100/s, 2 failed, 30 s left"


def test_line_while_the_listing_goes_on_promises_nothing() -> None:
    """Until the listing has ended nobody knows how much is left."""
    progress = _Progress(stage="listing and reading", files_listed=5000, files_to_read=4000)
    assert line_of(progress) == "listing and reading: 5,000 files listed so far, 0 of 4,000 read, 0 failed"


def test_plain_talker_says_a_line_after_each_pause() -> None:
    """The first line comes after the first ten seconds; messages come once, and so does the dashboard."""
    progress = _under_way()
    progress.messages.append("an earlier run was undone")
    stream = io.StringIO()
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) > 2

    PlainTalker(progress, stream).talk(pause)
    assert pauses == [LINE_SECONDS] * 3
    line = f"dicomlake: {line_of(progress)}"
    assert stream.getvalue().splitlines() == [
        "dicomlake: an earlier run was undone",
        "dicomlake: dashboard http://127.0.0.1:8787/status",
        line,
        line,
    ]


def test_short_run_says_messages_only() -> None:
    """A run that ends before the first ten seconds has no progress to show, but its messages are not lost."""
    progress = _under_way()
    stream = io.StringIO()
    with plain_lines_on(progress, stream):
        progress.messages.append("engine changed: every file is read again")
    assert stream.getvalue() == "dicomlake: engine changed: every file is read again\n"


def test_talk_to_a_closed_pipe_does_not_end_the_run() -> None:
    """Whoever listened may go."""

    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    progress = _under_way()
    with plain_lines_on(progress, Closed()):
        progress.messages.append("x")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_bar_fits_the_terminal(width: int) -> None:
    """The bar, its figures and the dashboard stand on a line each, on however narrow a terminal."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(drawing_of(_under_way()))
    lines = capture.get().splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("reading ━")
    assert lines[1].startswith("1,000 of 4,000 files read · 100/s")
    assert lines[2].startswith("4 workers · dashboard http://")


def test_closing_counts_statuses_and_codes() -> None:
    """A run ends with counts by status, codes by frequency, and how to list what failed."""
    progress = _under_way()
    progress.codes.update({"truncated": 1, "not-dicom": 7})
    stream = io.StringIO()
    print_closing(_summary(files_indexed=12, files_not_dicom=7, files_failed=1), progress, "my lake", stream)
    lines = stream.getvalue().splitlines()
    assert lines[0].split() == ["status", "files"]
    assert ["indexed", "12"] in [line.split() for line in lines]
    codes = [line.split() for line in lines[lines.index("") + 1 :]]
    assert codes[2:4] == [["not-dicom", "7"], ["truncated", "1"]]
    assert lines[-1].startswith("failed files: dicomlake query 'my lake' \"select ")


def test_closing_of_a_run_that_read_nothing_is_silent() -> None:
    """There is nothing to count."""
    stream = io.StringIO()
    print_closing(_summary(files_listed=9, files_unchanged=9), Progress(), "lake", stream)
    assert stream.getvalue() == ""


def test_result_is_one_line() -> None:
    """The result of a run fits a line, and a dry run is marked as one."""
    summary = _summary(snapshot=3, files_listed=10, files_new=4, files_unchanged=6, files_indexed=3, files_failed=1, seconds=75)
    assert result_line(summary, dry_run=False) == (
        "snapshot 3: 10 files listed: 4 new, 0 changed, 6 unchanged, 0 missing; 4 read, 1 failed, in 1 min 15 s"
    )
    assert result_line(summary, dry_run=True).startswith("dry run, nothing was read: 10 files listed")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (3599.9, "1 h 00 min"), (86400, "24 h 00 min")]
)
def test_duration(seconds: float, text: str) -> None:
    """Durations are what a person says."""
    assert duration(seconds) == text
