"""The run: list, plan, read, commit, roll up, pin. The one module that knows every stage."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa

from dicomlake.archives import close_idle_streams
from dicomlake.config import Settings
from dicomlake.errors import ConfigurationError, DicomlakeError, FindingCode, ListedOutOfOrder
from dicomlake.extract.engines import engine_version
from dicomlake.lake import LakeWriter, reading_of
from dicomlake.parts import Location
from dicomlake.run.commit import Committer, FinishedUnit
from dicomlake.run.feed import UnitFeed
from dicomlake.run.hierarchy import roll_up_touched
from dicomlake.run.opening import known_sources, open_lake, open_sources
from dicomlake.run.planning import list_only, make_planner
from dicomlake.run.progress import Progress, Summary, summarised
from dicomlake.run.reading import UnitReader, unit_files, units_of_promoted
from dicomlake.run.time_limit import Clock, TimeLimit
from dicomlake.run.upkeep import close_past, merge_part_files
from dicomlake.runner import Runner
from dicomlake.sources import Source, merge_listings
from dicomlake.version import VERSION


@dataclass(frozen=True)
class IndexRequest:
    """What to index into which lake.

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
            writer = open_lake(request.lake, request.settings, request.wait, progress)
        with closing(writer):
            run = _Run(request, sources, writer, start_runner, progress, limit=limit, now=now)
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


class _Run:
    def __init__(
        self,
        request: IndexRequest,
        sources: Sequence[Source],
        writer: LakeWriter,
        start_runner: Callable[[], Runner],
        progress: Progress,
        *,
        limit: TimeLimit,
        now: Callable[[], datetime],
    ) -> None:
        self._now = now
        self._request = request
        self._settings = request.settings
        self._writer = writer
        self._progress = progress
        self._limit = limit
        self._started = now()
        self._start_runner = start_runner
        self._runner: Runner | None = None
        if writer.recover():
            progress.messages.append("an earlier run ended before its time: what it left half done was undone")
        last = self._writer.last_snapshot
        self._snapshot = last.number + 1
        self._engine = engine_version(self._settings.engine)
        self._digest = self._settings.digest()
        if last.was_read_otherwise(self._digest, self._engine):
            progress.messages.append("engine or configuration changed since the last run: files are read again")
        files = self._writer.tables["files"]
        current = self._writer.is_current(self._digest, self._engine)
        self._planner = make_planner(
            sources,
            request.lake,
            files.parts.values(),
            self._settings,
            snapshot=self._snapshot,
            current=current,
            read_all=request.full,
        )
        self._committer = Committer(self._writer, self._snapshot, reading_of(self._digest, self._engine), current)
        self._reader = UnitReader(self._settings, request.lake, self._snapshot, self._ensure_runner)
        self._pending: list[FinishedUnit] = []
        self._last_commit = time.monotonic()
        known = known_sources(files)
        self._may_commit = not any(source.name in known for source in sources)
        self._files_begun = 0
        self._listing_ended = True
        self._feed = UnitFeed(merge_listings(sources), self._planner.units, None if limit.seconds is None else lambda: limit.has_passed)

    def carry_out(self) -> Summary:
        """Everything, up to the row of `snapshots`."""
        self._read(self._noted(iter(self._feed)))
        self._end_listing()
        files_left = self._planner.counts.files_to_read - self._files_begun
        archives_left = self._planner.archives_left(self._files_begun)
        if files_left or not self._listing_ended:
            self._tell_what_is_left(files_left, archives_left)
        self._may_commit = True
        self._commit_pending(at_least=1)
        self._read(self._planner.archive_units(self._files_begun))
        self._commit_pending(at_least=1)
        if self._planner.vanished:
            self._commit([])
        # Also when the time limit has passed: a snapshot never lacks an instance of which the lake knows a copy.
        while self._committer.promoted:
            promoted = pl.concat(self._committer.promoted).unique("url", maintain_order=True)
            self._committer.promoted.clear()
            self._planner.counts.files_to_read += promoted.height
            self._read(units_of_promoted(promoted, unit_files(self._settings)))
            self._commit_pending(at_least=1)
        with self._progress.timed("rolling up"):
            roll_up_touched(
                self._writer, self._snapshot, self._ensure_runner, rows_limit=self._settings.lake.rollup_rows, progress=self._progress
            )
        merge_part_files(self._writer, self._settings.lake.merge_parts, self._progress)
        summary = self._pin(files_left + archives_left)
        close_past(self._writer, self._settings.lake.keep_time(), self._now(), self._progress)
        return summary

    def close(self) -> None:
        """Give back threads, files and workers."""
        self._progress.stage = "closing"
        self._feed.close()
        close_idle_streams()
        if self._runner is not None:
            self._runner.close()

    def _read(self, units: Iterator[pa.Table]) -> None:
        """Have units read, and commit those that ended as soon as that is allowed."""
        with self._progress.timed("listing and reading"):
            for unit in self._until_it_breaks_off(self._reader.read(units)):
                self._note_result(unit)
                self._note_listing()
                if not self._may_commit and self._feed.complete:
                    # The whole listing is known: what vanished can be judged, and nothing stands in the way of commits.
                    self._planner.check_missing_limit(self._settings.lake.missing_limit)
                    self._may_commit = True
                self._pending.append(unit)
                overdue = time.monotonic() - self._last_commit > self._settings.lake.commit_seconds
                self._commit_pending(at_least=1 if overdue else self._settings.lake.commit_units)

    def _until_it_breaks_off(self, units: Iterator[FinishedUnit]) -> Iterator[FinishedUnit]:
        """The units; should workers or the listing be lost, what had been read until then is committed all the same."""
        try:
            yield from units
        except DicomlakeError:
            with suppress(DicomlakeError):  # the first error is the one to be told
                self._commit_pending(at_least=1)
            raise

    def _commit_pending(self, *, at_least: int) -> None:
        limit = self._settings.lake.commit_units
        while self._may_commit and len(self._pending) >= at_least:
            group, self._pending = self._pending[:limit], self._pending[limit:]
            self._commit(group)

    def _commit(self, group: list[FinishedUnit]) -> None:
        """Commit some units, the first of them with what vanished: so rows of both kinds go while part files are written anew once."""
        vanished = None
        if self._planner.vanished and self._feed.complete:
            vanished = pl.concat(self._planner.vanished)
            self._planner.vanished.clear()
        with self._progress.timed("committing"):
            self._committer.commit(group, vanished)
        self._progress.note_commit(sum(unit.result.files for unit in group))
        self._last_commit = time.monotonic()

    def _tell_what_is_left(self, files: int, archives: int) -> None:
        self._progress.files_to_read -= files
        files += archives
        more = "" if self._listing_ended else ", and those that were not listed yet"
        self._progress.messages.append(
            f"the time limit of {self._limit.seconds:,.0f} s has passed: {files:,} files are left for the next run{more}"
        )

    def _pin(self, files_left: int) -> Summary:
        """Write the row of `snapshots`: the moment at which the run becomes visible."""
        if self._committer.conflicts:
            self._progress.findings[FindingCode.CONFLICTING_DUPLICATE.value] += self._committer.conflicts
        summary = summarised(
            self._planner.counts,
            self._progress,
            snapshot=self._snapshot,
            duplicates=self._committer.duplicates,
            read_twice=self._committer.read_twice,
            files_left=files_left,
            listing_ended=self._listing_ended,
        )
        row = {
            "snapshot": self._snapshot,
            "kind": "index",
            "started": self._started,
            "finished": self._now(),
            # As given, but for bytes of a name that are no UTF-8, which a table can't hold.
            "sources": [os.fsencode(source).decode("utf-8", "backslashreplace") for source in self._request.sources],
            "config_digest": self._digest,
            "engine": self._engine,
            "dicomlake_version": VERSION,
        }
        with self._progress.timed("committing"):
            self._writer.write_snapshot(row, summary.as_dict())
        return summary

    def _ensure_runner(self) -> Runner:
        if self._runner is None:
            with self._progress.timed("starting workers"):
                self._runner = self._start_runner()
            self._progress.workers = self._runner.workers()
            self._progress.dashboard = self._runner.dashboard()
        return self._runner

    def _noted(self, units: Iterator[pa.Table]) -> Iterator[pa.Table]:
        for unit in units:
            self._note_listing()
            self._files_begun += unit.num_rows
            yield unit

    def _note_listing(self) -> None:
        counts = self._planner.counts
        self._progress.files_listed = counts.files_listed
        self._progress.files_to_read = counts.files_to_read
        self._progress.listing_ended = self._feed.complete

    def _end_listing(self) -> None:
        """Judge the whole listing, or what there is of it when the time limit has passed.

        Raises:
            MissingLimitExceeded: too much vanished at once.
            TimeLimitPassed: the listing is not whole, and the lake knows one of its sources.
        """
        self._listing_ended = self._feed.complete
        if not self._listing_ended:
            if not self._may_commit:
                raise self._limit.passed_while_listing()
            self._feed.close()
        self._note_listing()
        self._progress.listing_ended = True
        self._progress.add_cpu("listing", self._feed.cpu_seconds)
        self._planner.check_missing_limit(self._settings.lake.missing_limit)

    def _note_result(self, unit: FinishedUnit) -> None:
        result, progress = unit.result, self._progress
        progress.files_read += result.files
        progress.statuses.update(result.statuses)
        progress.codes.update(result.codes)
        progress.findings.update(result.findings)
        progress.bytes_read += result.bytes_read
        progress.requests += result.requests
        progress.add_cpu("reading headers", result.engine_seconds)
        progress.add_cpu("writing part files", result.writing_seconds)
