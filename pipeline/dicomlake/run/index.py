"""The run: list, plan, read, commit, roll up, pin. The one module that knows every stage."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl
import pyarrow as pa

import dicomlake.version
from dicomlake.config import Settings
from dicomlake.errors import DicomlakeError, FileStatus, SourceNotFound, SourceVanished
from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import engine_version
from dicomlake.extract.unit import UnitTask, killed_result, run_unit
from dicomlake.lake import Lake, LakeWriter
from dicomlake.ledger import Ledger
from dicomlake.parts import Location, read_part
from dicomlake.plan import UNIT_SCHEMA, ListedSource, Planner
from dicomlake.run.commit import Committer, FinishedUnit
from dicomlake.run.feed import UnitFeed
from dicomlake.run.hierarchy import roll_up_touched
from dicomlake.run.progress import Progress, Summary
from dicomlake.runner import Runner
from dicomlake.sources import Source, merge_listings, name_of_source, open_source

SPLIT_PIECES = 16
"""Into how many pieces a unit is cut that kills its workers: each level of cutting costs as many worker deaths as a piece may."""


UNIT_FILES_WITH_HEADERS = 256


@dataclass(frozen=True)
class IndexRequest:
    """What to index into which lake. ``complete`` says that given listings (``@…``) are whole."""

    sources: tuple[str, ...]
    lake: Location
    settings: Settings = field(default_factory=Settings)
    full: bool = False
    complete: bool = False
    dry_run: bool = False


def run_index(request: IndexRequest, start_runner: Callable[[], Runner], progress: Progress | None = None) -> Summary:
    """Index sources into a lake.

    Args:
        request: what to do.
        start_runner: starts (or answers) the runner; called only when there is something to read.
        progress: where to write how far the run is.

    Raises:
        UsageError: a source is not there, or the configuration can't be used.
        RefusedError: too much vanished at once, or the lake can't be read or written.
    """
    progress = progress or Progress()
    sources = _open_sources(request)
    run = _Run(request, sources, start_runner, progress)
    try:
        return run.carry_out()
    finally:
        run.close()


class _Run:
    def __init__(self, request: IndexRequest, sources: Sequence[Source], start_runner: Callable[[], Runner], progress: Progress) -> None:
        self._request = request
        self._settings = request.settings
        self._sources = sources
        self._start_runner = start_runner
        self._progress = progress
        self._started = datetime.now(UTC)
        self._runner: Runner | None = None
        self._feed: UnitFeed | None = None
        self._schema = request.settings.schema_of_lake()
        self._engine_version = engine_version(request.settings.engine)
        with progress.timed("opening the lake"):
            self._writer = LakeWriter(request.lake, self._schema, log_retention_days=self._settings.lake.log_retention_days)
            if not request.dry_run and self._writer.recover():
                progress.messages.append("an earlier run ended before its time: what it left half done was undone")
        last = self._writer.last_snapshot
        self._snapshot = last.number + 1
        self._digest = request.settings.digest()
        other_reading = last.number > 0 and (last.config_digest, last.engine) != (self._digest, self._engine_version)
        if other_reading and not request.full:
            progress.messages.append("engine or configuration changed since the last run: every file is read again")
        files = self._writer.tables["files"]
        self._known_sources = self._find_known_sources()
        self._planner = Planner(
            [ListedSource(source.name, source.whole) for source in sources],
            Ledger(request.lake, list(files.parts.values())),
            snapshot=self._snapshot,
            unit_files=_unit_files(request.settings),
            read_all=request.full or other_reading,
        )
        self._committer = Committer(self._writer, self._snapshot)
        self._pending: list[FinishedUnit] = []
        self._unit_count = 0
        self._last_commit = time.monotonic()
        self._may_commit = not any(source.name in self._known_sources for source in sources)

    def carry_out(self) -> Summary:
        progress = self._progress
        with progress.timed("listing and reading"):
            self._feed = UnitFeed(merge_listings(self._sources), self._planner.units)
            if self._request.dry_run:
                for _ in self._feed:
                    self._note_listing()
            else:
                self._read(iter(self._feed))
        self._note_listing()
        progress.listing_ended = True
        progress.add_cpu("listing", self._feed.cpu_seconds)
        self._planner.check_missing_limit(self._settings.lake.missing_limit)
        if self._request.dry_run:
            return self._summary()
        self._allow_commits()
        self._commit_pending(at_least=1)
        while self._committer.promoted:
            promoted = pl.concat(self._committer.promoted).unique("url", maintain_order=True)
            self._committer.promoted.clear()
            with progress.timed("listing and reading"):
                self._read(self._promotion_units(promoted))
            self._commit_pending(at_least=1)
        with progress.timed("rolling up"):
            roll_up_touched(
                self._writer, self._snapshot, self._ensure_runner, rows_limit=self._settings.lake.rollup_rows, progress=progress
            )
        return self._finish()

    def close(self) -> None:
        if self._feed is not None:
            self._feed.close()
        if self._runner is not None:
            self._runner.close()

    def _read(self, units: Iterator[pa.Table]) -> None:
        """Have units read, and commit those that ended as soon as that is allowed."""
        again: deque[UnitTask] = deque()
        replaced: dict[int, tuple[pl.Series, pl.Series]] = {}

        def tasks() -> Iterator[UnitTask]:
            for unit in units:
                self._note_listing()
                task = self._task(unit)
                replaced[task.number] = _replaced(unit)
                yield task

        first = next(units, None)
        if first is None:
            return
        units = _chain(first, units)
        runner = self._ensure_runner()
        source: Iterator[UnitTask] = tasks()
        while True:
            for outcome in runner.run(run_unit, source):
                task = outcome.task
                if outcome.killed and task.files.num_rows > 1:
                    for piece in self._pieces(task):
                        replaced[piece.number] = _replaced(piece.files)
                        again.append(piece)
                    del replaced[task.number]
                    continue
                result = killed_result(task) if outcome.killed or outcome.result is None else outcome.result
                self._finished(FinishedUnit(result, *replaced.pop(task.number)))
            if not again:
                return
            source = iter(list(again))
            again.clear()

    def _finished(self, unit: FinishedUnit) -> None:
        result, progress = unit.result, self._progress
        progress.files_read += result.files
        progress.statuses.update(result.statuses)
        progress.codes.update(result.codes)
        progress.bytes_read += result.bytes_read
        progress.requests += result.requests
        progress.add_cpu("reading headers", result.engine_seconds)
        progress.add_cpu("writing part files", result.writing_seconds)
        self._pending.append(unit)
        self._note_listing()
        if not self._may_commit and self._feed is not None and self._feed.complete:
            # The whole listing is known: what vanished can be judged, and nothing stands in the way of commits.
            self._planner.check_missing_limit(self._settings.lake.missing_limit)
            self._allow_commits()
        overdue = time.monotonic() - self._last_commit > self._settings.lake.commit_seconds
        self._commit_pending(at_least=1 if overdue else self._settings.lake.commit_units)

    def _allow_commits(self) -> None:
        self._may_commit = True
        if self._planner.vanished:
            vanished = pl.concat(self._planner.vanished)
            self._planner.vanished.clear()
            with self._progress.timed("committing"):
                self._committer.commit([], vanished)

    def _commit_pending(self, *, at_least: int) -> None:
        limit = self._settings.lake.commit_units
        while self._may_commit and len(self._pending) >= at_least:
            group, self._pending = self._pending[:limit], self._pending[limit:]
            with self._progress.timed("committing"):
                self._committer.commit(group)
            self._last_commit = time.monotonic()

    def _task(self, files: pa.Table) -> UnitTask:
        self._unit_count += 1
        return UnitTask(
            number=self._unit_count,
            files=files,
            engine=self._settings.engine,
            request=ScanRequest(
                schema=self._schema,
                reading=self._settings.reading.limits(),
                headers=self._settings.headers,
                storage_options=self._settings.storage_options,
            ),
            lake=self._request.lake,
            snapshot=self._snapshot,
        )

    def _pieces(self, task: UnitTask) -> Iterator[UnitTask]:
        rows = task.files.num_rows
        step = max(1, -(-rows // SPLIT_PIECES))
        for start in range(0, rows, step):
            yield self._task(task.files.slice(start, step))

    def _promotion_units(self, promoted: pl.DataFrame) -> Iterator[pa.Table]:
        rows = promoted.with_columns(
            code=pl.lit(None, dtype=pl.String),
            message=pl.lit(None, dtype=pl.String),
            replaces=pl.lit(value=True),
            former_uid=pl.col("SOPInstanceUID"),
        ).sort("url")
        self._planner.counts.files_to_read += rows.height
        step = _unit_files(self._settings)
        for start in range(0, rows.height, step):
            piece = rows.slice(start, step)
            yield piece.select(UNIT_SCHEMA.names).to_arrow().cast(UNIT_SCHEMA)

    def _ensure_runner(self) -> Runner:
        if self._runner is None:
            with self._progress.timed("starting workers"):
                self._runner = self._start_runner()
            self._progress.workers = self._runner.workers()
            self._progress.dashboard = self._runner.dashboard()
        return self._runner

    def _note_listing(self) -> None:
        counts = self._planner.counts
        self._progress.files_listed = counts.files_listed
        self._progress.files_to_read = counts.files_to_read
        self._progress.listing_ended = self._feed is not None and self._feed.complete

    def _find_known_sources(self) -> set[str]:
        """The sources from which the lake has rows; statistics answer for most part files."""
        known: set[str] = set()
        files = self._writer.tables["files"]
        for part in files.parts.values():
            lowest, highest = part.lowest.get("source"), part.highest.get("source")
            if lowest == highest and isinstance(lowest, str):
                known.add(lowest)
            else:
                known.update(read_part(files.location, part, ["source"])["source"].drop_nulls().unique())
        return known

    def _finish(self) -> Summary:
        summary = self._summary()
        row = {
            "snapshot": self._snapshot,
            "kind": "index",
            "started": self._started,
            "finished": datetime.now(UTC),
            "sources": list(self._request.sources),
            "config_digest": self._digest,
            "engine": self._engine_version,
            "dicomlake_version": dicomlake.version.VERSION,
        }
        with self._progress.timed("committing"):
            self._writer.write_snapshot(row, summary.as_dict())
        return summary

    def _summary(self) -> Summary:
        counts, progress = self._planner.counts, self._progress
        statuses = progress.statuses
        duplicates = self._committer.duplicates
        seconds = time.monotonic() - progress.started
        return Summary(
            snapshot=self._writer.last_snapshot.number if self._request.dry_run else self._snapshot,
            files_listed=counts.files_listed,
            files_new=counts.files_new,
            files_changed=counts.files_changed,
            files_unchanged=counts.files_unchanged,
            files_missing=counts.files_missing,
            files_indexed=statuses[FileStatus.INDEXED.value] - duplicates,
            files_failed=statuses[FileStatus.FAILED.value],
            files_not_dicom=statuses[FileStatus.NOT_DICOM.value],
            files_skipped=statuses[FileStatus.SKIPPED.value],
            files_duplicate=duplicates,
            bytes_read=progress.bytes_read,
            requests=progress.requests,
            seconds=round(seconds, 3),
            files_per_second=round(progress.files_read / seconds, 1) if seconds else 0.0,
        )


def _unit_files(settings: Settings) -> int:
    """Whole headers as text can be megabytes each, and a unit's rows are in memory at once."""
    return min(settings.listing.unit_files, UNIT_FILES_WITH_HEADERS) if settings.headers else settings.listing.unit_files


def _open_sources(request: IndexRequest) -> list[Source]:
    exclude = [request.lake.url] if request.lake.is_local else []
    opened = []
    for text in request.sources:
        try:
            source = open_source(
                text,
                request.settings.listing,
                request.settings.storage_options,
                complete=request.complete,
                exclude=exclude,
            )
        except SourceNotFound as error:
            if _lake_knows(request.lake, name_of_source(text)):
                raise SourceVanished(
                    f"{name_of_source(text)} is no longer there, and the lake has files of it; nothing was changed. Mount or restore it, "
                    "or index without it"
                ) from None
            raise error from None
        opened.append(source)
    return opened


def _lake_knows(location: Location, name: str) -> bool:
    try:
        files = Lake(location.url, location.storage_options).files
    except DicomlakeError:
        return False
    return bool(files.filter(pl.col("source") == name).head(1).select(pl.len()).collect().item())


def _replaced(unit: pa.Table) -> tuple[pl.Series, pl.Series]:
    """The urls of a unit of which the lake has rows, and the SOPInstanceUIDs that those rows had."""
    frame = pl.DataFrame(unit.select(["url", "replaces", "former_uid"])).filter("replaces")
    return frame["url"], frame["former_uid"].drop_nulls()


def _chain(first: pa.Table, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from rest
