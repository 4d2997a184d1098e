"""Upkeep at the end of a run: few part files, and a past that does not grow for ever."""

from __future__ import annotations

from datetime import datetime, timedelta

from dicomlake.errors import DicomlakeError, LakeDamaged
from dicomlake.lake import LakeWriter, close_expired, merge_due
from dicomlake.run.progress import Progress


def merge_part_files(writer: LakeWriter, at_least: int, progress: Progress) -> None:
    """Merge the part files of which enough have gathered, before the run's row of `snapshots`.

    A part file that can't be read is no reason for a run to fail that did not need it: it is a message, and its table stays as it is.

    Raises:
        LakeChanged: another run committed meanwhile.
        AccessDenied: the lake can't be written.
    """
    try:
        with progress.timed("merging part files"):
            merge_due(writer, at_least)
    except LakeDamaged as error:
        progress.messages.append(f"part files were not merged: {error}")


def close_past(writer: LakeWriter, keep: timedelta | None, now: datetime, progress: Progress) -> None:
    """Close expired snapshots and remove what only they needed, after the run's row of `snapshots`.

    The run has finished, so what goes wrong here is a message; the next run tries again.
    """
    if keep is None:
        return
    try:
        with progress.timed("removing what expired"):
            report = close_expired(writer, keep, now)
    except (DicomlakeError, OSError) as error:
        progress.messages.append(f"expired snapshots were not removed: {error}")
        return
    if report is not None:
        progress.messages.append(
            f"{len(report.closed):,} expired snapshots were closed, and {len(report.removed):,} part files removed that only they needed"
        )
