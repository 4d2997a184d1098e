"""The run: its sources and its lake are opened, what a dead run left is undone, and the stages begin."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dicomlake.config import Settings
from dicomlake.errors import ConfigurationError, ListedOutOfOrder
from dicomlake.extract.file_count import SharedCount
from dicomlake.lake import LakeWriter, Waiting
from dicomlake.parts import Location
from dicomlake.run.commit import begin_commits
from dicomlake.run.feed import UnitFeed
from dicomlake.run.planning import list_only, make_planner, reading_by
from dicomlake.run.progress import Progress, Summary
from dicomlake.run.reading import LateRunner, UnitReader
from dicomlake.run.sources import known_sources, open_sources
from dicomlake.run.stages import Run
from dicomlake.run.time_limit import Clock, TimeLimit
from dicomlake.runner import Runner
from dicomlake.sources import Source, merge_listings


@dataclass(frozen=True)
class IndexRequest:
    """The sources to index, and the lake.

    ``complete`` says that given listings (``@…``) are whole; ``wait`` how long to wait for another run that writes to the lake.
    """

    sources: tuple[str, ...]
    lake: Location
    settings: Settings = field(default_factory=Settings)
    full: bool = False
    complete: bool = False
    dry_run: bool = False
    wait: timedelta = timedelta(0)


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def run_index(
    request: IndexRequest,
    start_runner: Callable[[], Runner],
    progress: Progress | None = None,
    *,
    clock: Clock = time.monotonic,
    now: Callable[[], datetime] = utc_now,
) -> Summary:
    """Index sources into a lake.

    Args:
        request: what to do.
        start_runner: starts (or answers) the runner; called only when there is something to read.
        progress: where to write how far the run is.
        clock: what measures the time limit.
        now: the clock by which the run begins and ends, and snapshots expire.

    Raises:
        UsageError: a source is not there, or the configuration can't be used.
        RefusedError: too much vanished at once, the time limit passed before anything could be kept, or the lake can't be read or written.
    """
    limit = TimeLimit(request.settings.running.time_limit_seconds, clock)
    if request.full and limit.seconds is not None:
        raise ConfigurationError(
            "full and a time limit exclude each other: each run would begin again with the first file; leave one of them out"
        )
    progress = progress or Progress()
    sources: list[Source] = []

    def attempt() -> Summary:
        sources[:] = open_sources(request.sources, request.lake, request.settings, complete=request.complete, former=sources)
        progress.messages += [message for source in sources for message in source.messages]
        if request.dry_run:
            return list_only(sources, request.lake, request.settings, progress, limit, read_all=request.full)
        with progress.timed("opening the lake"):
            writer = _open_lake(request, progress)
        with closing(writer):
            run = _begin(request, sources, writer, start_runner, progress, limit=limit, now=now)
            try:
                return run.carry_out()
            finally:
                run.close()

    try:
        return attempt()
    except ListedOutOfOrder as error:
        progress.messages.append(f"{error}; it is listed to its end before anything more is read")
        progress.begin_again()
        return attempt()


def _open_lake(request: IndexRequest, progress: Progress) -> LakeWriter:
    """Open a lake for writing, and wait for another run that writes to it: so long, but no longer than the time limit."""
    settings, wait = request.settings, request.wait
    limit_seconds = settings.running.time_limit_seconds
    if limit_seconds is not None and limit_seconds < wait.total_seconds():
        wait = timedelta(seconds=limit_seconds)
    schema, waiting = settings.schema_of_lake(), Waiting(wait, progress.begin_waiting)
    return LakeWriter.open(request.lake, schema, log_retention_days=settings.lake.log_retention_days, waiting=waiting)


def _begin(
    request: IndexRequest,
    sources: Sequence[Source],
    writer: LakeWriter,
    start_runner: Callable[[], Runner],
    progress: Progress,
    *,
    limit: TimeLimit,
    now: Callable[[], datetime],
) -> Run:
    """Undo what a dead run left in the lake, and begin to list."""
    started, settings = now(), request.settings
    if writer.recover():
        progress.messages.append("an earlier run ended before its time: what it left half done was undone")
    reading = reading_by(settings)
    if difference := writer.last_snapshot.difference(reading, settings.of_rows()):
        progress.warn(difference)
    snapshot = writer.last_snapshot.number + 1
    current = writer.is_current(reading)
    files = writer.tables["files"]
    planner = make_planner(sources, request.lake, files.parts.values(), settings, snapshot=snapshot, current=current, read_all=request.full)
    known = known_sources(files)
    runner = LateRunner(start_runner, progress)
    count = SharedCount()
    progress.count_headers = lambda: count.files
    return Run(
        sources=request.sources,
        settings=settings,
        reading=reading,
        snapshot=snapshot,
        started=started,
        now=now,
        limit=limit,
        may_commit=not any(source.name in known for source in sources),
        writer=writer,
        planner=planner,
        reader=UnitReader(settings, request.lake, snapshot, runner, count),
        committer=begin_commits(writer, snapshot, str(reading), current),
        runner=runner,
        progress=progress,
        feed=UnitFeed.start(merge_listings(sources), planner.units, None if limit.seconds is None else lambda: limit.has_passed),
    )
