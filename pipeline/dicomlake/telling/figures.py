"""The progress of a run in words, for bars, plain lines and the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomlake.printable import duration

if TYPE_CHECKING:
    from dicomlake.run import Progress

COMMITTING_STAGE = "committing"


@dataclass(frozen=True)
class Step:
    """The work under way: its name, how much of it is done, and how much there is (None where nobody knows)."""

    name: str
    done: int = 0
    total: int | None = None


def step_of(progress: Progress) -> Step:
    """The work under way: a bar shows this step, and begins again with the next one.

    A commit that goes on beside reading is no step of its own.
    """
    from dicomlake.run.progress import READING_STAGE, ROLLING_UP_STAGE  # noqa: PLC0415 - help and refusals come quickly

    progress.refresh()
    stage, done, total = progress.stage, progress.headers_read, progress.files_to_read
    if stage == ROLLING_UP_STAGE and progress.entities_rolled_up:
        return Step(stage, progress.entities_rolled_up, progress.entities_to_roll_up)
    if stage == READING_STAGE and not progress.listing_ended:
        return Step(stage)
    if stage == READING_STAGE and done == total:
        return Step("writing rows") if done else Step("listing")
    if stage in (READING_STAGE, COMMITTING_STAGE) and progress.listing_ended and done < total:
        return Step("reading", done, total)
    return Step(stage)


def line_of(progress: Progress) -> str:
    """The progress of a run, as one line."""
    return f"{step_of(progress).name}: " + ", ".join(figures_of(progress))


def figures_of(progress: Progress) -> list[str]:
    """The progress of a run: files, files a second, failed files, time left; and entities that are rolled up."""
    progress.refresh()
    done, total = progress.headers_read, progress.files_to_read
    if progress.listing_ended:
        figures = [f"{done:,} of {total:,} files read"]
    else:
        figures = [f"{progress.files_listed:,} files listed so far", f"{done:,} of {total:,} read"]
    speed = progress.files_per_second
    is_reading = done < total or not progress.listing_ended
    if is_reading and speed:
        figures.append(f"{speed:,.0f}/s")
    figures.append(f"{progress.statuses['failed']:,} failed")
    left = progress.seconds_left
    if is_reading and left:
        figures.append(f"{duration(left)} left")
    step = step_of(progress)
    if step.total is not None and step.total != total:
        figures.insert(0, f"{step.done:,} of {step.total:,} series, studies and patients")
    return figures
