"""Runs a command that compiles or installs, and says every few seconds how far it is, also where there is no terminal.

    python say_progress.py "compiling" --crates 120 -- pip install --verbose …

Prints a line every `LINE_SECONDS`: the newest ``Compiling NAME`` of cargo with its number, or the newest line that uv or pip wrote. Where
the command fails its whole output is printed. The exit status is that of the command.
"""

# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import argparse
import queue
import re
import subprocess
import sys
import threading
import time

LINE_SECONDS = 5.0

_COMPILING = re.compile(r"\s*Compiling (\S+) v")
_TOLD = re.compile(r"\s*(Download\w*|Collecting|Prepared|Installed|Installing|Building|Updating|Locking|Resolved)\b.*")


class Teller:
    """What the command does now, from the lines that it writes."""

    def __init__(self, title: str, crates: int) -> None:
        self._title = title
        self._crates = crates
        self._begun = 0
        self._now = ""

    def note(self, line: str) -> None:
        """Look at a line."""
        if compiling := _COMPILING.match(line):
            self._begun += 1
            total = f" of {max(self._crates, self._begun)}" if self._crates else ""
            self._now = f"{compiling[1]} ({self._begun}{total})"
        elif _TOLD.match(line):
            self._now = line.strip()[:100]

    def line(self, seconds: float) -> str:
        """What to print."""
        return f"  {self._title}{f': {self._now}' if self._now else ''}, {seconds:.0f} s"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Run a command, and say how far it is.")
    parser.add_argument("title", help="the work, in a word or two")
    parser.add_argument("--crates", type=int, default=0, help="how many crates there are to compile")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    started = time.monotonic()
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(given.command, **pipes, text=True, errors="replace") as process:  # noqa: S603 - a command of the Makefile
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        output = _talk(Teller(given.title, given.crates), lines, started)
    if process.returncode:
        sys.stderr.write("".join(output))
    else:
        _say(f"  {given.title}: done in {time.monotonic() - started:.0f} s")
    return process.returncode


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _read(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    for line in process.stdout or ():
        lines.put(line)
    lines.put(None)


def _talk(teller: Teller, lines: queue.SimpleQueue[str | None], started: float) -> list[str]:
    """Say how far the command is until its output ends; answers the output."""
    output: list[str] = []
    due = time.monotonic() + LINE_SECONDS
    while True:
        try:
            line = lines.get(timeout=max(0.0, due - time.monotonic()))
        except queue.Empty:
            _say(teller.line(time.monotonic() - started))
            due = time.monotonic() + LINE_SECONDS
            continue
        if line is None:
            return output
        output.append(line)
        teller.note(line)


if __name__ == "__main__":
    sys.exit(main())
