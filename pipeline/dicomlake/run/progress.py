"""How far a run is. The run writes it; whoever shows it reads it, when and as often as it likes."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dicomlake.errors import FileStatus
from dicomlake.html import html_block, html_line, html_table
from dicomlake.plan import PlanCounts
from dicomlake.printable import duration

WAITING_STAGE = "waiting for the lake"
READING_STAGE = "listing and reading"
ROLLING_UP_STAGE = "rolling up"

RECENT_SECONDS = 10.0
"""The speed of a run is that of so many seconds."""

ESTIMATE_SECONDS = 60.0
"""The time left is estimated by the speed of so many seconds: threads that write rows side by side read nothing meanwhile."""


_LEAST_SAMPLES = 2


class _Speed:
    """How much a count grew a second, lately; a count that grows seldom is looked at since its last change but one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Forget what was: the count is 0, and begins to grow now."""
        self._samples: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def of(self, count: int) -> float:
        """The speed, now that the count has come to this."""
        now = time.monotonic()
        samples = self._samples
        if count != samples[-1][1]:
            samples.append((now, count))
        while len(samples) > _LEAST_SAMPLES and samples[1][0] < now - self._seconds:
            samples.popleft()
        began, before = samples[0]
        return max(0.0, (count - before) / (now - began)) if now > began else 0.0


@dataclass
class Progress:
    """The figures of a run under way.

    ``files_read`` counts the files of units that have ended; ``headers_read`` those of units under way too, where they are read in this
    process. ``entities_rolled_up`` of ``entities_to_roll_up`` series, studies and patients are rolled up. ``codes`` counts files by their
    code, ``findings`` the findings that the run wrote, by theirs. ``stage_seconds`` is wall-clock time by stage, ``cpu_seconds`` the CPU
    time of the threads and workers that carried it out. ``refresh`` brings the figures of the listing up to date; whoever shows them calls
    it before. ``observer``, where there is one, is called in the thread of the run with ``stage-begun``, ``stage-ended`` or ``committed``
    and their figures, and with ``message`` for one that can't wait.

    Example:
        >>> progress = dicomlake.Progress()
        >>> summary = dicomlake.index("archive", lake="other", progress=progress)
        >>> progress.files_read, progress.codes["truncated"]
        (221, 1)
    """

    stage: str = "starting"
    started: float = field(default_factory=time.monotonic)
    listing_ended: bool = False
    files_listed: int = 0
    files_to_read: int = 0
    files_read: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    files_committed: int = 0
    bytes_read: int = 0
    requests: int = 0
    workers: int = 0
    dashboard: str | None = None
    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    stage_seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    observer: Callable[[str, dict[str, Any]], None] | None = None
    entities_to_roll_up: int = 0
    entities_rolled_up: int = 0
    count_headers: Callable[[], int] = field(default=lambda: 0, repr=False)
    refresh: Callable[[], None] = field(default=lambda: None, repr=False)
    _speed: _Speed = field(default_factory=lambda: _Speed(RECENT_SECONDS), init=False, repr=False, compare=False)
    _speed_of_estimate: _Speed = field(default_factory=lambda: _Speed(ESTIMATE_SECONDS), init=False, repr=False, compare=False)

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.started

    @property
    def headers_read(self) -> int:
        """The files whose headers have been read: file by file in this process, unit by unit where other processes read."""
        counted = min(self.count_headers(), self.files_to_read)  # a unit that was given to a second worker counts twice
        return max(self.files_read, counted)

    @property
    def files_per_second(self) -> float:
        """Files read a second, in the last `RECENT_SECONDS` in which it was asked."""
        return self._speed.of(self.headers_read)

    @property
    def seconds_left(self) -> float | None:
        """An estimate; None until the listing has ended and something was read."""
        speed = self._speed_of_estimate.of(self.headers_read)
        if not self.listing_ended or not speed:
            return None
        return (self.files_to_read - self.headers_read) / speed

    def begin_again(self) -> None:
        """Forget the figures of files: a run begins again, and what it committed before is there as from an earlier one."""
        self.listing_ended = False
        self.files_listed = self.files_to_read = self.files_read = self.files_committed = self.bytes_read = self.requests = 0
        self.count_headers = lambda: 0
        self._note_speed()
        for counter in (self.statuses, self.codes, self.findings):
            counter.clear()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the time of a stage."""
        before = self.stage
        self.stage = stage
        self._note_speed()
        self._observe("stage-begun", stage=stage)
        wall, cpu = time.monotonic(), time.thread_time()
        try:
            yield
        finally:
            self.stage = before
            self._note_speed()
            seconds = time.monotonic() - wall
            self.stage_seconds[stage] = self.stage_seconds.get(stage, 0.0) + seconds
            self.add_cpu(stage, time.thread_time() - cpu)
            self._observe("stage-ended", stage=stage, seconds=round(seconds, 3))

    def add_cpu(self, stage: str, seconds: float) -> None:
        """Count CPU seconds that a stage took."""
        self.cpu_seconds[stage] = self.cpu_seconds.get(stage, 0.0) + seconds

    def begin_waiting(self, message: str) -> None:
        """Say for whom the run waits."""
        self.stage = WAITING_STAGE
        self.messages.append(message)
        self._observe("message")

    def warn(self, message: str) -> None:
        """Say something that a quiet run says too."""
        self.messages.append(message)
        self.warnings.append(message)

    def note_commit(self, files: int) -> None:
        """Count files whose rows were committed."""
        self.files_committed += files
        self._observe("committed", files=files, files_committed=self.files_committed)

    def _note_speed(self) -> None:
        """Time in which nothing could be read, such as that of starting workers, is no time of reading."""
        if not self.headers_read:
            self._speed.restart()
            self._speed_of_estimate.restart()

    def _observe(self, event: str, **figures: Any) -> None:  # noqa: ANN401 - figures are of any type
        if self.observer is not None:
            self.observer(event, figures)


@dataclass(frozen=True, repr=False)
class Summary:
    """The counts of a finished run: the object that ``index --json`` prints.

    ``files_left`` were listed and are to be read by the next run, since a time limit passed; ``listing_ended`` is false where it passed
    before the end of the listing, so that there are others of which nobody knows.

    Example:
        >>> summary = dicomlake.index("archive", lake="other", dry_run=True)
        >>> summary.files_new, summary.as_dict()["files_listed"]
        (221, 221)
    """

    snapshot: int
    files_listed: int
    files_new: int
    files_changed: int
    files_unchanged: int
    files_missing: int
    files_indexed: int
    files_failed: int
    files_not_dicom: int
    files_skipped: int
    files_duplicate: int
    bytes_read: int
    requests: int
    seconds: float
    files_per_second: float
    files_left: int
    listing_ended: bool

    def __repr__(self) -> str:
        """The run in one line."""
        return f"<Summary: {self.as_line()}>"

    def _repr_html_(self) -> str:
        """The run for a notebook: one line, and the files that it read by status."""
        return html_block(html_line(self.as_line()), html_table(["status", "files"], list(self.files_by_status().items())))

    def files_by_status(self) -> dict[str, int]:
        """The files that the run read, by status."""
        return {
            "indexed": self.files_indexed,
            "duplicate": self.files_duplicate,
            "not_dicom": self.files_not_dicom,
            "skipped": self.files_skipped,
            "failed": self.files_failed,
        }

    def as_line(self) -> str:
        """The run in one line for people."""
        listed = (
            f"{self.files_listed:,} files listed: {self.files_new:,} new, {self.files_changed:,} changed, "
            f"{self.files_unchanged:,} unchanged, {self.files_missing:,} missing"
        )
        read = sum(self.files_by_status().values())
        left = f", {self.files_left:,} left for the next run" if self.files_left else ""
        return f"snapshot {self.snapshot}: {listed}; {read:,} read, {self.files_failed:,} failed{left}, in {duration(self.seconds)}"

    def as_dict(self) -> dict[str, Any]:
        """The figures by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def summarised(
    counts: PlanCounts,
    progress: Progress,
    *,
    snapshot: int,
    duplicates: int = 0,
    read_twice: int = 0,
    files_left: int = 0,
    listing_ended: bool = True,
) -> Summary:
    """Sum up a run; ``duplicates`` of the files that were read are copies of another, ``read_twice`` count twice among them."""
    statuses, seconds = progress.statuses, progress.seconds
    return Summary(
        snapshot=snapshot,
        files_listed=counts.files_listed,
        files_new=counts.files_new,
        files_changed=counts.files_changed,
        files_unchanged=counts.files_unchanged,
        files_missing=counts.files_missing,
        files_indexed=statuses[FileStatus.INDEXED.value] - duplicates - read_twice,
        files_failed=statuses[FileStatus.FAILED.value],
        files_not_dicom=statuses[FileStatus.NOT_DICOM.value],
        files_skipped=statuses[FileStatus.SKIPPED.value],
        files_duplicate=duplicates,
        bytes_read=progress.bytes_read,
        requests=progress.requests,
        seconds=round(seconds, 3),
        files_per_second=round(progress.files_read / seconds, 1) if seconds else 0.0,
        files_left=files_left,
        listing_ended=listing_ended,
    )
