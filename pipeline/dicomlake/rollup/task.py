"""One task of rolling up: some entities of a level, from the part files that hold their instances to part files of that level."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from dicomlake.parts import Location, PartFile, compact, open_part
from dicomlake.rollup.functional_groups import frame_columns_needed, with_frames
from dicomlake.rollup.levels import columns_needed, condense, roll_up
from dicomlake.rollup.written import write_findings, write_level
from dicomlake.schema import LakeSchema


@dataclass(frozen=True)
class RollUpTask:
    """Entities to roll up.

    ``level`` is the name of their table and ``keys`` holds their keys; ``instances`` are the part files of `instances` that hold them,
    ``former`` those of the level's own table that may hold their former rows. ``groups`` are the row groups to look at, by the path of
    their part file; all of a part file that it lacks. ``frames`` and ``frame_groups`` are the same for the frames of series.
    """

    level: str
    keys: pl.DataFrame
    instances: tuple[PartFile, ...]
    former: tuple[PartFile, ...]
    schema: LakeSchema
    lake: Location
    snapshot: int
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    frames: tuple[PartFile, ...] = ()
    frame_groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class RollUpResult:
    """The part files that a task wrote, of the level's table and of `findings`."""

    level: str
    parts: tuple[PartFile, ...]
    findings: tuple[PartFile, ...]
    rows: int
    cpu_seconds: float
    finding_codes: dict[str, int] = field(default_factory=dict)


def run_roll_ups(tasks: tuple[RollUpTask, ...]) -> tuple[RollUpResult, ...]:
    """Carry out several tasks, one after the other.

    Raises:
        LakeDamaged, AccessDenied: the lake can't be read or written.
    """
    return tuple(run_roll_up(task) for task in tasks)


def run_roll_up(task: RollUpTask) -> RollUpResult:
    """Roll up some entities and write their rows; nothing is committed.

    Raises:
        LakeDamaged, AccessDenied: the lake can't be read or written.
    """
    started = time.thread_time()
    columns = columns_needed(task.schema, task.level)
    found = []
    for part in task.instances:
        found += [condense(rows, task.level) for rows in _rows_of(task, part, columns, task.schema.partition_by)]
    if not found:
        return RollUpResult(task.level, (), (), 0, time.thread_time() - started)
    rows = pl.concat(found, rechunk=True)
    found.clear()  # they would be in memory a second time
    if task.level == "series" and task.frames:
        rows = with_frames(rows, _frames_of(task), task.schema)
    rolled_up = roll_up(rows, task.schema, task.level)
    with_snapshots = _with_snapshots(rolled_up.rows, task.schema.table(task.level), task)
    parts = write_level(task.lake, task.schema, task.level, with_snapshots)
    findings = write_findings(task.lake, task.schema, [rolled_up.findings], task.snapshot)
    codes = dict(rolled_up.findings["code"].value_counts().iter_rows())
    return RollUpResult(task.level, tuple(parts), tuple(findings), rolled_up.rows.height, time.thread_time() - started, codes)


def _frames_of(task: RollUpTask) -> pl.DataFrame:
    columns = frame_columns_needed(task.schema)
    return pl.concat([rows for part in task.frames for rows in _rows_of(task, part, columns, None)], rechunk=True)


def _rows_of(task: RollUpTask, part: PartFile, columns: Sequence[str] | None, partition_by: str | None) -> Iterator[pl.DataFrame]:
    """The rows of the task's entities in a part file, row group by row group; their keys tell which these are."""
    (key,) = task.keys.columns
    wanted = {key: task.keys[key].drop_nulls().sort()}
    numbers = task.groups.get(part.path, task.frame_groups.get(part.path))
    with open_part(task.lake, part, partition_by=partition_by) as opened:
        names = opened.names if columns is None else columns
        for group in opened.groups:
            if numbers is not None and group.number not in numbers:
                continue
            indices = opened.rows_with_any(group, wanted)
            if len(indices) == group.rows:
                yield opened.frame(group, names)
            elif 2 * len(indices) > group.rows:
                yield compact(opened.frame(group, names)[indices])
            elif len(indices):
                yield opened.some_columns(group, names, indices)


def _with_snapshots(rows: pl.DataFrame, schema: pa.Schema, task: RollUpTask) -> pl.DataFrame:
    """A row that came out as it was keeps the number of the run in which it last changed."""
    rows = rows.with_columns(snapshot=pl.lit(task.snapshot, dtype=pl.Int64))
    frames = [former for part in task.former for former in _rows_of(task, part, None, None)]
    if not frames:
        return rows
    # A column that came since those rows were written is null in them: a row that has a value now has changed.
    empty = pl.DataFrame(schema.empty_table())
    former = pl.concat([empty, *frames], how="diagonal_relaxed")
    compared = [name for name in schema.names if name != "snapshot"]
    former = former.select(*compared, former_snapshot="snapshot")
    types = former.schema
    typed = rows.with_columns(pl.col(name).cast(types[name]) for name in compared)
    return (
        typed.join(former, on=compared, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(snapshot=pl.coalesce("former_snapshot", "snapshot"))
        .drop("former_snapshot")
    )
