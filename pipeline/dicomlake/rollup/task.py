"""One task of rolling up: some entities of a level, from the part files that hold their instances to part files of that level."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from dicomlake.geometry import frame_columns, instance_columns
from dicomlake.parts import Location, PartFile, compact, open_part
from dicomlake.rollup.functional_groups import frame_columns_needed, with_frames
from dicomlake.rollup.levels import columns_needed, condense, roll_up
from dicomlake.rollup.stacks import stacks_of_series
from dicomlake.rollup.written import write_findings, write_level
from dicomlake.schema import LakeSchema


@dataclass(frozen=True)
class RollUpTask:
    """Entities to roll up.

    ``level`` is the name of their table and ``keys`` holds their keys; ``instances`` are the part files of `instances` that hold them,
    ``former`` those of the level's own table that may hold their former rows. ``groups`` are the row groups to look at, by the path of
    their part file; all of a part file that it lacks. ``frames`` and ``frame_groups`` are the same for the frames of series, and
    ``former_stacks`` hold their former stacks.
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
    former_stacks: tuple[PartFile, ...] = ()


@dataclass(frozen=True)
class RollUpResult:
    """The part files that a task wrote, of the level's table, of `findings` and of `stacks`.

    ``moved_instances`` (``url``, ``stack``) and ``moved_frames`` (with ``frame_number``) are those whose rows name another stack.
    """

    level: str
    parts: tuple[PartFile, ...]
    findings: tuple[PartFile, ...]
    rows: int
    cpu_seconds: float
    finding_codes: dict[str, int] = field(default_factory=dict)
    stacks: tuple[PartFile, ...] = ()
    moved_instances: pl.DataFrame | None = None
    moved_frames: pl.DataFrame | None = None


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
    is_series = task.level == "series"
    columns = columns_needed(task.schema, task.level)
    if is_series:
        columns = list(dict.fromkeys([*columns, *instance_columns(), "stack"]))
    found = []
    for part in task.instances:
        found += [condense(rows, task.level) for rows in _rows_of(task, part, columns, task.schema.partition_by)]
    if not found:
        return RollUpResult(task.level, (), (), 0, time.thread_time() - started)
    rows = pl.concat(found, rechunk=True)
    found.clear()  # they would be in memory a second time
    if is_series:
        return _roll_up_series(task, rows, started)
    rolled_up = roll_up(rows, task.schema, task.level)
    return _written(task, rolled_up.rows, [rolled_up.findings], started)


def _roll_up_series(task: RollUpTask, instances: pl.DataFrame, started: float) -> RollUpResult:
    frames = _frames_of(task)
    stacks = stacks_of_series(instances, frames)
    rolled_up = roll_up(with_frames(instances, frames, task.schema), task.schema, task.level)
    series = rolled_up.rows.join(stacks.geometry, on="series_key", how="left", maintain_order="left")
    result = _written(task, series, [rolled_up.findings, stacks.findings(series)], started)
    of_stacks = _with_snapshots(stacks.with_keys(series), "stacks", task.former_stacks, task)
    return replace(
        result,
        stacks=tuple(write_level(task.lake, task.schema, "stacks", of_stacks)),
        moved_instances=_moved(instances.select("url", "stack"), stacks.of_instances),
        moved_frames=None if frames is None else _moved(frames.select("url", "frame_number", "stack"), stacks.of_frames),
        cpu_seconds=time.thread_time() - started,
    )


def _moved(rows: pl.DataFrame, stacks: pl.Series) -> pl.DataFrame:
    """The rows whose stack is another one, with that."""
    return rows.with_columns(stacks.alias("now")).filter(pl.col("now").ne_missing(pl.col("stack"))).drop("stack").rename({"now": "stack"})


def _written(task: RollUpTask, rows: pl.DataFrame, findings: Sequence[pl.DataFrame], started: float) -> RollUpResult:
    with_snapshots = _with_snapshots(rows, task.level, task.former, task)
    parts = write_level(task.lake, task.schema, task.level, with_snapshots)
    of_findings = write_findings(task.lake, task.schema, findings, task.snapshot)
    codes: dict[str, int] = {}
    for frame in findings:
        codes |= dict(frame["code"].value_counts().iter_rows())
    return RollUpResult(task.level, tuple(parts), tuple(of_findings), rows.height, time.thread_time() - started, codes)


def _frames_of(task: RollUpTask) -> pl.DataFrame | None:
    names = [*frame_columns_needed(task.schema), *frame_columns(), "stack"]
    columns = list(dict.fromkeys(names))
    frames = [rows for part in task.frames for rows in _rows_of(task, part, columns, None)]
    return pl.concat(frames, rechunk=True) if frames else None


def _rows_of(task: RollUpTask, part: PartFile, columns: Sequence[str] | None, partition_by: str | None) -> Iterator[pl.DataFrame]:
    """The rows of the task's entities in a part file, row group by row group; their keys tell which these are."""
    (key,) = task.keys.columns
    wanted = {key: task.keys[key].drop_nulls().sort()}
    numbers = task.groups.get(part.path, task.frame_groups.get(part.path))
    types = pl.DataFrame(task.schema.table(part.table).empty_table()).schema
    with open_part(task.lake, part, partition_by=partition_by) as opened:
        names = opened.names if columns is None else columns
        # A part file that an earlier version wrote lacks columns that came since.
        lacking = [pl.lit(None, dtype=types[name]).alias(name) for name in names if name not in opened.names and name != partition_by]
        for group in opened.groups:
            if numbers is not None and group.number not in numbers:
                continue
            indices = opened.rows_with_any(group, wanted)
            if len(indices) == group.rows:
                yield opened.frame(group, names).with_columns(lacking)
            elif 2 * len(indices) > group.rows:
                yield compact(opened.frame(group, names)[indices]).with_columns(lacking)
            elif len(indices):
                yield opened.some_columns(group, names, indices).with_columns(lacking)


def _with_snapshots(rows: pl.DataFrame, table: str, parts: Sequence[PartFile], task: RollUpTask) -> pl.DataFrame:
    """A row that came out as it was keeps the number of the run in which it last changed."""
    schema = task.schema.table(table)
    rows = rows.with_columns(snapshot=pl.lit(task.snapshot, dtype=pl.Int64))
    frames = [former for part in parts for former in _rows_of(task, part, None, None)]
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
