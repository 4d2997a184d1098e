"""``--log-format json``: the progress of a run on stderr as JSON, one object a line, for programs that collect logs.

Every object has ``time`` (ISO 8601, UTC), ``level`` (``info``, ``warning``, ``error``), ``event`` and ``message``. Its other fields depend
on the event: ``run-started``, ``stage-begun``, ``stage-ended``, ``progress``, ``committed``, ``message``, ``finished``. A command that did
not finish writes ``refused``, ``failed``, ``usage-error`` or ``interrupted``, with ``exit_status``.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from dicomlake.cli.output.log_format import OPTION
from dicomlake.cli.output.values import json_text
from dicomlake.printable import printable
from dicomlake.telling.figures import line_of

if TYPE_CHECKING:
    from dicomlake.run import Progress, Summary

Pause = Callable[[float], bool]
"""Waits so many seconds, or until the run ends, and answers whether it ended."""

PROGRESS_SECONDS = 30.0
"""The time between two lines of progress."""


class LogLines:
    """Writes objects on a stream, from any thread."""

    def __init__(self, stream: TextIO, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stream = stream
        self._now = now
        self._lock = threading.Lock()

    def write(self, level: str, event: str, message: str, **fields: Any) -> None:  # noqa: ANN401 - whatever JSON has
        """Write one object. Characters that can't be printed are escaped, so that any reader of JSON accepts it."""
        time = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        entry = {"time": time, "level": level, "event": event, "message": " ".join(message.split()), **fields}
        line = json_text(_drawn(entry))
        with self._lock, contextlib.suppress(OSError):  # the reader may be gone; the run continues
            print(line, file=self._stream, flush=True)


class LogTalker:
    """Writes stages, commits, progress and messages of a run."""

    def __init__(self, progress: Progress, lines: LogLines) -> None:
        self._progress = progress
        self._lines = lines
        self._messages_said = 0
        self._messages_lock = threading.Lock()

    def observe(self, event: str, figures: dict[str, Any]) -> None:
        """Write a stage or a commit, in the thread of the run."""
        self.pass_on_messages()
        if event != "message":
            what = figures["stage"] if "stage" in figures else f"{figures['files']:,} files"
            self._lines.write("info", event, f"{event.replace('-', ' ')}: {what}", **figures)

    def talk(self, pause: Pause) -> None:
        """Write a line of progress after every pause until the run has ended."""
        progress = self._progress
        while not pause(PROGRESS_SECONDS):
            self.pass_on_messages()
            left = progress.seconds_left
            self._lines.write(
                "info",
                "progress",
                line_of(progress),
                stage=progress.stage,
                listing_ended=progress.listing_ended,
                files_listed=progress.files_listed,
                files_to_read=progress.files_to_read,
                files_read=progress.headers_read,
                files_failed=progress.statuses["failed"],
                files_per_second=round(progress.files_per_second, 1),
                seconds=round(progress.seconds, 3),
                seconds_left=None if left is None else round(left, 1),
            )

    def pass_on_messages(self) -> None:
        """Write the messages of the run that were not written yet."""
        with self._messages_lock:
            while self._messages_said < len(self._progress.messages):
                self._messages_said += 1  # before the write, since an interrupt may follow it
                self._lines.write("warning", "message", self._progress.messages[self._messages_said - 1])


@contextmanager
def log_lines_on(progress: Progress, stream: TextIO, lake: str, pause: Pause | None = None) -> Iterator[None]:
    """Log the run in the block. Lines of libraries on stderr may name patients, so they are counted and not shown."""
    # Imported here, so that a refused command line writes its object quickly.
    from dicomlake.urls import without_credentials
    from dicomlake.version import VERSION

    lines = LogLines(stream)
    shown_lake = without_credentials(lake)
    lines.write("info", "run-started", f"index into {shown_lake}", lake=shown_lake, process=os.getpid(), dicomlake_version=VERSION)
    ended = threading.Event()
    talker = LogTalker(progress, lines)
    progress.observer = talker.observe
    thread = threading.Thread(target=talker.talk, args=(pause or ended.wait,), name="dicomlake-talk", daemon=True)
    thread.start()
    others = _Counted()
    try:
        with contextlib.redirect_stderr(others):
            yield
    finally:
        progress.observer = None
        ended.set()
        thread.join()
        talker.pass_on_messages()
        if others.lines:
            lines.write(
                "warning", "message", f"libraries wrote {others.lines:,} lines on stderr, which are left out here; {OPTION} text shows them"
            )


def log_finished(lines: LogLines, summary: Summary, progress: Progress, message: str, exit_status: int) -> None:
    """Write the result of a finished run."""
    figures = {**summary.as_dict(), "codes": dict(sorted(progress.codes.items())), "findings": dict(sorted(progress.findings.items()))}
    lines.write("info", "finished", message, **figures, exit_status=exit_status)


class _Counted(io.TextIOBase):
    """A stream that counts the lines written to it."""

    def __init__(self) -> None:
        self.lines = 0

    def write(self, text: str) -> int:
        self.lines += text.count("\n")
        return len(text)


def _drawn(value: Any) -> Any:  # noqa: ANN401 - whatever JSON has
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(key): _drawn(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_drawn(item) for item in value]
    return value
