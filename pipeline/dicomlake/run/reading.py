"""Having units read, whatever becomes of the workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.config import Settings
from dicomlake.errors import FileCode, RefusedError
from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.extract.file_count import SharedCount
from dicomlake.extract.unit import UnitResult, UnitTask, killed_result, run_unit, scan_unit
from dicomlake.parts import Location
from dicomlake.plan import unit_of
from dicomlake.run.commit import FinishedUnit
from dicomlake.run.progress import Progress
from dicomlake.run.rolling_up.early import SharedSeries
from dicomlake.runner import Runner, RunnerStarter

SPLIT_PIECES = 16
"""Into how many pieces a unit is cut that kills its workers: each level of cutting costs as many worker deaths as a piece may."""

UNIT_FILES_WITH_HEADERS = 256

SAMPLE_FILES = 8
"""How many files are tried here where a worker could read none of a unit."""


def unit_files(settings: Settings) -> int:
    """How many files a unit has; whole headers as text can be megabytes each, and a unit's rows are in memory at once."""
    return min(settings.listing.unit_files, UNIT_FILES_WITH_HEADERS) if settings.headers else settings.listing.unit_files


class LateRunner:
    """A runner that is started when it is first asked for: a night that changed nothing needs no workers.

    Args:
        start: starts (or answers) the runner.
        progress: counts the time of the start, and knows how many workers there are.
    """

    def __init__(self, start: Callable[[], Runner], progress: Progress) -> None:
        self._start = start
        self._progress = progress
        self._runner: Runner | None = None

    def __call__(self) -> Runner:
        """The runner."""
        if self._runner is None:
            with self._progress.timed("starting workers"):
                self._runner = self._start()
            self._progress.workers = self._runner.workers()
            self._progress.dashboard = self._runner.dashboard()
        return self._runner

    def is_spared(self) -> bool:
        """Whether a single task may run here, without a runner."""
        return self._runner is None and isinstance(self._start, RunnerStarter) and self._start.has_threads

    def is_loading(self) -> bool:
        """Whether it takes time to be there, in which a task may run here; the first call begins to load it."""
        return self._runner is None and isinstance(self._start, RunnerStarter) and self._start.is_loading()

    def close(self) -> None:
        """Give back its workers."""
        if self._runner is not None:
            self._runner.close()


class UnitReader:
    """Turns units of files into finished units, on a runner that is started when the first unit is there.

    Args:
        settings: how files are read.
        lake: where workers write part files.
        snapshot: the number of the run.
        runner: answers the runner; while that is being loaded, units are read here.
        count: grows with each file that is read in this process, and with none that is read elsewhere.
    """

    def __init__(self, settings: Settings, lake: Location, snapshot: int, runner: LateRunner, count: SharedCount) -> None:
        self._settings = settings
        self._lake = lake
        self._snapshot = snapshot
        self._runner = runner
        self._count = 0
        self._shared = SharedSeries()
        self._request = ScanRequest(
            schema=settings.schema_of_lake(),
            reading=settings.reading.limits(),
            headers=settings.headers,
            frames=settings.frames.limits(),
            storage_options=settings.storage_options,
            count=count,
        )

    def read(self, units: Iterator[pa.Table]) -> Iterator[FinishedUnit]:
        """Read units (``dicomlake.plan.UNIT_SCHEMA``); they end in any order.

        A unit that killed its workers is cut and read again, piece by piece and alone: a worker that dies takes the good name of every
        unit with it that waits for the same worker, and no file may be called deadly for its neighbour's sake.

        Raises:
            RefusedError: a worker reads nothing of what can be read here.
        """
        killed: deque[UnitTask] = deque()
        for task, result in self._run(map(self._task, units)):
            if result is None:
                killed.append(task)
            else:
                self._check_readable(task, result)
                if result.roll_up is not None:
                    self._shared.note(result.roll_up)
                yield _finished(task, result)
        while killed:
            suspect = killed.popleft()
            for piece in self._pieces(suspect):
                for task, result in self._run([piece]):
                    if result is not None:
                        yield _finished(task, result)
                    elif task.files.num_rows == 1:
                        yield _finished(task, killed_result(task))
                    else:
                        killed.append(task)

    def _run(self, tasks: Iterable[UnitTask]) -> Iterator[tuple[UnitTask, UnitResult | None]]:
        tasks = iter(tasks)
        if self._runner.is_spared() and (task := next(tasks, None)) is not None:
            yield task, run_unit(task)
        waiting = next(tasks, None)
        while waiting is not None and self._runner.is_loading():
            yield waiting, run_unit(waiting)
            waiting = next(tasks, None)
        if waiting is None:
            return
        for outcome in self._runner().run(run_unit, chain([waiting], tasks)):
            yield outcome.task, None if outcome.killed else outcome.result

    def _check_readable(self, task: UnitTask, result: UnitResult) -> None:
        """A worker that lost the archive's disk finds every file unreadable: that says nothing about the files."""
        if result.codes.get(FileCode.UNREADABLE.value) != result.files:
            return
        sample = task.files.filter(pc.is_null(task.files["code"])).slice(0, SAMPLE_FILES)
        if sample.num_rows < SAMPLE_FILES:
            return
        here = scan_unit(make_engine(task.engine), sample, replace(task.request, count=None)).files
        if FileCode.UNREADABLE.value not in here["code"].to_pylist():
            raise RefusedError(
                f"a worker could read none of the {result.files} files of a unit, and here they can be read; see that workers reach the "
                "sources (mounts, and credentials in their environment), and run again: what was committed stays"
            )

    def _task(self, files: pa.Table) -> UnitTask:
        self._count += 1
        # The entities of files that the lake knew have rows elsewhere.
        rolls_up = not self._shared.are_most and not pc.any(files["replaces"]).as_py()
        return UnitTask(self._count, files, self._settings.engine, self._request, self._lake, self._snapshot, rolls_up)

    def _pieces(self, task: UnitTask) -> Iterator[UnitTask]:
        rows = task.files.num_rows
        step = max(1, -(-rows // SPLIT_PIECES))
        for start in range(0, rows, step):
            yield self._task(task.files.slice(start, step))


def units_of_promoted(promoted: pl.DataFrame, files_of_unit: int) -> Iterator[pa.Table]:
    """Units of copies that take a kept one's place, from their rows of `files`."""
    rows = promoted.sort("url").with_columns(
        code=pl.lit(None, dtype=pl.String),
        message=pl.lit(None, dtype=pl.String),
        replaces=pl.lit(value=True),
        former_uid=pl.col("SOPInstanceUID"),
    )
    for start in range(0, rows.height, files_of_unit):
        yield unit_of(rows.slice(start, files_of_unit))


def _finished(task: UnitTask, result: UnitResult) -> FinishedUnit:
    replaced = pl.DataFrame(task.files.select(["url", "replaces", "former_uid"])).filter("replaces")
    return FinishedUnit(result, replaced["url"], replaced["former_uid"].drop_nulls())
