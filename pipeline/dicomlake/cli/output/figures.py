"""Progress of a run in words, for the bar, plain lines and the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dicomlake.printable import duration

if TYPE_CHECKING:
    from dicomlake.run import Progress

Pause = Callable[[float], bool]
"""Waits so many seconds, or until the run ends, and answers whether it ended."""


def line_of(progress: Progress) -> str:
    """The progress of a run, as one line."""
    return f"{progress.stage}: " + ", ".join(figures_of(progress))


def figures_of(progress: Progress) -> list[str]:
    """The progress of a run: files, files a second, failed files, time left."""
    if progress.listing_ended:
        figures = [f"{progress.files_read:,} of {progress.files_to_read:,} files read"]
    else:
        figures = [f"{progress.files_listed:,} files listed so far", f"{progress.files_read:,} of {progress.files_to_read:,} read"]
    if progress.files_read:
        figures.append(f"{progress.files_per_second:,.0f}/s")
    figures.append(f"{progress.statuses['failed']:,} failed")
    left = progress.seconds_left
    if left is not None and left > 0:
        figures.append(f"{duration(left)} left")
    return figures
