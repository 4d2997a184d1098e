"""The stages of a run, in their order: read, commit, roll up, merge, pin."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from dicomlake.archives import close_idle_streams
from dicomlake.config import Settings
from dicomlake.errors import DicomlakeError, FindingCode
from dicomlake.extract.engines import engine_version
from dicomlake.lake import LakeWriter, Reading
from dicomlake.plan import Planner
from dicomlake.run.commit import Committer, FinishedUnit
from dicomlake.run.feed import UnitFeed
from dicomlake.run.links import judge_links
from dicomlake.run.progress import READING_STAGE, ROLLING_UP_STAGE, Progress, Summary, summarised
from dicomlake.run.reading import LateRunner, UnitReader, unit_files, units_of_promoted
from dicomlake.run.rolling_up.hierarchy import roll_up_touched
from dicomlake.run.time_limit import TimeLimit
from dicomlake.run.upkeep import close_past, merge_part_files
from dicomlake.version import VERSION


@dataclass
class Run:
    """A run whose listing has begun; `dicomlake.run.index` begins it.

    ``now`` is the clock by which it ends and snapshots expire. ``may_commit`` says whether rows may be committed before the end of the
    listing.
    """

    sources: tuple[str, ...]
    settings: Settings
    reading: Reading
    snapshot: int
    started: datetime
    now: Callable[[], datetime]
    limit: TimeLimit
    may_commit: bool
    writer: LakeWriter
    planner: Planner
    feed: UnitFeed
    reader: UnitReader
    committer: Committer
    runner: LateRunner
    progress: Progress
    _pending: list[FinishedUnit] = field(default_factory=list)
    _last_commit: float = field(default_factory=time.monotonic)
    _files_begun: int = 0
    _listing_ended: bool = True

    def carry_out(self) -> Summary:
        """Everything, up to the row of `snapshots`."""
        self._read(self._noted(iter(self.feed)))
        self._end_listing()
        files_left = self.planner.counts.files_to_read - self._files_begun
        archives_left = self.planner.archives_left(self._files_begun)
        if files_left or not self._listing_ended:
            self._tell_what_is_left(files_left, archives_left)
        self.may_commit = True
        self._commit_pending(at_least=1)
        self._read(self.planner.archive_units(self._files_begun))
        self._commit_pending(at_least=1)
        if self.planner.has_vanished:
            self._commit([])
        # Also when the time limit has passed: a snapshot never lacks an instance of which the lake knows a copy.
        while (promoted := self.committer.take_promoted()).height:
            self.planner.counts.files_to_read += promoted.height
            self._read(units_of_promoted(promoted, unit_files(self.settings)))
            self._commit_pending(at_least=1)
        with self.progress.timed(ROLLING_UP_STAGE):
            rows_limit, committer = self.settings.lake.rollup_rows, self.committer
            roll_up_touched(
                self.writer, self.snapshot, self.runner, committer.early, committer.removed, rows_limit=rows_limit, progress=self.progress
            )
            judge_links(self.writer, self.snapshot, committer.links, committer.removed, self.progress)
        merge_part_files(self.writer, self.settings.lake.merge_parts, self.progress)
        summary = self._pin(files_left + archives_left)
        close_past(self.writer, self.settings.lake.keep_time(), self.now(), self.progress)
        return summary

    def close(self) -> None:
        """Give back threads, files and workers."""
        self.progress.stage = "closing"
        self.feed.close()
        close_idle_streams()
        self.runner.close()

    def _read(self, units: Iterator[pa.Table]) -> None:
        """Have units read, and commit those that ended as soon as that is allowed."""
        with self.progress.timed(READING_STAGE), self._refreshed():
            for unit in self._until_it_breaks_off(self.reader.read(units)):
                self._note_result(unit)
                self._note_listing()
                if not self.may_commit and self.feed.complete:
                    # The whole listing is known: what vanished can be judged, and nothing stands in the way of commits.
                    self.planner.check_missing_limit(self.settings.lake.missing_limit)
                    self.may_commit = True
                self._pending.append(unit)
                overdue = time.monotonic() - self._last_commit > self.settings.lake.commit_seconds
                self._commit_pending(at_least=1 if overdue else self.settings.lake.commit_units)

    @contextmanager
    def _refreshed(self) -> Iterator[None]:
        """The listing goes on in a thread of its own; who shows the progress sees how far it is."""
        self.progress.refresh = self._note_listing
        try:
            yield
        finally:
            self.progress.refresh = lambda: None

    def _until_it_breaks_off(self, units: Iterator[FinishedUnit]) -> Iterator[FinishedUnit]:
        """The units; should workers or the listing be lost, what had been read until then is committed all the same."""
        try:
            yield from units
        except DicomlakeError:
            with suppress(DicomlakeError):  # the first error is the one to be told
                self._commit_pending(at_least=1)
            raise

    def _commit_pending(self, *, at_least: int) -> None:
        limit = self.settings.lake.commit_units
        while self.may_commit and len(self._pending) >= at_least:
            group, self._pending = self._pending[:limit], self._pending[limit:]
            self._commit(group)

    def _commit(self, group: list[FinishedUnit]) -> None:
        """Commit some units, and the vanished files with the first of them: part files with rows to remove are rewritten only once."""
        vanished = self.planner.take_vanished() if self.feed.complete else None
        with self.progress.timed("committing"):
            self.committer.commit(group, vanished)
        self.progress.note_commit(sum(unit.result.files for unit in group))
        self._last_commit = time.monotonic()

    def _tell_what_is_left(self, files: int, archives: int) -> None:
        self.progress.files_to_read -= files
        files += archives
        more = "" if self._listing_ended else ", and those that were not listed yet"
        self.progress.messages.append(
            f"the time limit of {self.limit.seconds:,.0f} s has passed: {files:,} files are left for the next run{more}"
        )

    def _pin(self, files_left: int) -> Summary:
        """Write the row of `snapshots`: the moment at which the run becomes visible."""
        if self.committer.conflicts:
            self.progress.findings[FindingCode.CONFLICTING_DUPLICATE.value] += self.committer.conflicts
        summary = summarised(
            self.planner.counts,
            self.progress,
            snapshot=self.snapshot,
            duplicates=self.committer.duplicates,
            read_twice=self.committer.read_twice,
            files_left=files_left,
            listing_ended=self._listing_ended,
        )
        row = {
            "snapshot": self.snapshot,
            "kind": "index",
            "started": self.started,
            "finished": self.now(),
            # As given, but for bytes of a name that are no UTF-8, which a table can't hold.
            "sources": [os.fsencode(source).decode("utf-8", "backslashreplace") for source in self.sources],
            "config_digest": self.reading.config_digest,
            "settings": json.dumps(self.settings.of_rows(), sort_keys=True),
            "engine": engine_version(self.settings.engine),
            "rows_version": self.reading.rows_version,
            "dicomlake_version": VERSION,
        }
        with self.progress.timed("committing"):
            self.writer.write_snapshot(row, summary.as_dict())
        return summary

    def _noted(self, units: Iterator[pa.Table]) -> Iterator[pa.Table]:
        for unit in units:
            self._note_listing()
            self._files_begun += unit.num_rows
            yield unit

    def _note_listing(self) -> None:
        counts = self.planner.counts
        self.progress.files_listed = counts.files_listed
        self.progress.files_to_read = counts.files_to_read
        self.progress.listing_ended = self.feed.complete

    def _end_listing(self) -> None:
        """Judge the whole listing, or what there is of it when the time limit has passed.

        Raises:
            MissingLimitExceeded: too much vanished at once.
            TimeLimitPassed: the listing is not whole, and the lake knows one of its sources.
        """
        self._listing_ended = self.feed.complete
        if not self._listing_ended:
            if not self.may_commit:
                raise self.limit.passed_while_listing()
            self.feed.close()
        self._note_listing()
        self.progress.listing_ended = True
        self.progress.add_cpu("listing", self.feed.cpu_seconds)
        self.planner.check_missing_limit(self.settings.lake.missing_limit)

    def _note_result(self, unit: FinishedUnit) -> None:
        result, progress = unit.result, self.progress
        progress.files_read += result.files
        progress.statuses.update(result.statuses)
        progress.codes.update(result.codes)
        progress.findings.update(result.findings)
        progress.bytes_read += result.bytes_read
        progress.requests += result.requests
        progress.add_cpu("reading headers", result.engine_seconds)
        progress.add_cpu("writing part files", result.writing_seconds)
        if result.roll_up is not None:
            progress.add_cpu("rolling up (workers)", result.roll_up.cpu_seconds)
