"""The end of a run: tables on stderr, and one line that sums it up."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, TextIO

from dicomlake.cli.output.log_lines import LogLines, log_finished
from dicomlake.cli.output.screen import print_lines, print_table
from dicomlake.cli.output.table import Heading, number
from dicomlake.printable import printable

if TYPE_CHECKING:
    from dicomlake.run import Progress, Summary

_FILES = number("files")


def tell_end(
    summary: Summary, progress: Progress, lake: str, stream: TextIO, *, config: str | None, message: str, exit_status: int, log_format: str
) -> None:
    """Write the result of a finished run on stderr: as tables, or as an object of the log."""
    if log_format == "json":
        log_finished(LogLines(stream), summary, progress, message, exit_status)
    else:
        print_closing(summary, progress, lake, stream, config=config)


def print_closing(summary: Summary, progress: Progress, lake: str, stream: TextIO, *, config: str | None = None) -> None:
    """Print the statuses of the files that the run read, and the codes of those that it could not read.

    The suggested query names the configuration for a lake in a store, whose storage options it may need.
    """
    read = summary.files_by_status()
    if any(read.values()):
        print_table([Heading("status"), _FILES], [[name, f"{count:,}"] for name, count in read.items()], stream)
    codes = sorted(progress.codes.items(), key=lambda entry: (-entry[1], entry[0]))
    if codes:
        print_lines([""], stream)
        print_table([Heading("code"), _FILES], [[printable(code), f"{count:,}"] for code, count in codes], stream)
    if summary.files_failed:
        sql = "select url, code, message from files where status = 'failed'"
        named = f"{shlex.quote(lake)} --config {shlex.quote(config)}" if config is not None and "://" in lake else shlex.quote(lake)
        print_lines(["", f'failed files: dicomlake query {printable(named)} "{sql}"'], stream)


def result_line(summary: Summary, *, dry_run: bool) -> str:
    """The run in one line."""
    line = summary.as_line()
    if dry_run:
        return f"dry run, nothing was read: {line.partition(': ')[2].partition(';')[0]}"
    return line
