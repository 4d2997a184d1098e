"""Progress of a run on stderr: a bar on a terminal, otherwise a plain line every ten seconds. It shows figures, never the name of a file.

A thread reads the `Progress` of the run from time to time; the run itself does not know of it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from dicomlake.cli.output.log_lines import LogLines, Pause, log_lines_on
from dicomlake.cli.output.screen import is_terminal
from dicomlake.printable import printable
from dicomlake.telling.figures import line_of

if TYPE_CHECKING:
    from dicomlake.run import Progress

LINE_SECONDS = 10.0
"""The time between two plain lines."""


@contextmanager
def talking(progress: Progress, stream: TextIO, lake: str, *, quiet: bool = False, log_format: str = "text") -> Iterator[None]:
    """Report on a run during the block."""
    if quiet:
        try:
            yield
        finally:
            _warn(progress, stream, log_format)
    elif log_format == "json":
        with log_lines_on(progress, stream, lake):
            yield
    elif is_terminal(stream):
        from dicomlake.cli.output.bar import bar_on

        with bar_on(progress, stream):
            yield
    else:
        with plain_lines_on(progress, stream):
            yield


def _warn(progress: Progress, stream: TextIO, log_format: str) -> None:
    """Write the warnings of a quiet run."""
    lines = LogLines(stream) if log_format == "json" else None
    for warning in progress.warnings:
        if lines:
            lines.write("warning", "message", warning)
        else:
            print(f"dicomlake: {printable(warning)}", file=stream)


@contextmanager
def plain_lines_on(progress: Progress, stream: TextIO, pause: Pause | None = None) -> Iterator[None]:
    """Write a line every `LINE_SECONDS`, from a thread of its own."""
    ended = threading.Event()
    talker = PlainTalker(progress, stream)
    thread = threading.Thread(target=talker.talk, args=(pause or ended.wait,), name="dicomlake-talk", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        talker.pass_on_messages()


class PlainTalker:
    """Writes plain lines: messages of the run, the dashboard's address once, and progress."""

    def __init__(self, progress: Progress, stream: TextIO) -> None:
        self._progress = progress
        self._stream = stream
        self._messages_said = 0
        self._dashboard_said = False

    def talk(self, pause: Pause) -> None:
        """Write a line after every pause until the run has ended."""
        from dicomlake.run.progress import WAITING_STAGE

        while not pause(LINE_SECONDS):
            self.pass_on_messages()
            if self._progress.dashboard and not self._dashboard_said:
                self._dashboard_said = True
                self._say(f"dashboard {self._progress.dashboard}")
            if self._progress.stage != WAITING_STAGE:
                self._say(line_of(self._progress))

    def pass_on_messages(self) -> None:
        """Write the messages of the run that were not written yet."""
        while self._messages_said < len(self._progress.messages):
            self._say(self._progress.messages[self._messages_said])
            self._messages_said += 1

    def _say(self, text: str) -> None:
        with suppress(OSError):  # the reader of stderr may be gone; the run continues
            print(f"dicomlake: {printable(text)}", file=self._stream, flush=True)
