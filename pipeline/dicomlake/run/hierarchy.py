"""Rolling up what a run touched: tasks for the workers, then one transaction for each table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from dicomlake.errors import FindingCode, RefusedError
from dicomlake.lake import Gone, KeyFinder, LakeWriter
from dicomlake.rollup import RollUpTask, chunks, run_roll_ups, touched_entities
from dicomlake.run.early import EarlyRollUps
from dicomlake.run.progress import Progress
from dicomlake.runner import Runner


def roll_up_touched(
    writer: LakeWriter, snapshot: int, runner: Callable[[], Runner], early: EarlyRollUps, *, rows_limit: int, progress: Progress
) -> None:
    """Roll up the series, studies and patients whose instances differ from those that the last snapshot pins.

    Of most new ones the unit that read them has done so, and its part files are taken. For the others instances are read again. Small chunks go to a worker together: few entities are rolled up by one process, without waking the others.

    Raises:
        RefusedError: a task killed its workers.
        LakeChanged: another run committed meanwhile.
    """
    schema = writer.schema
    instances = writer.tables["instances"]
    outside = early.outside(instances.parts)
    differing = touched_entities(writer.location, writer.pinned_parts("instances"), outside, partition_by=schema.partition_by)
    touched = {level.name: differing.select(level.key).unique() for level in schema.levels}
    final = early.settle(writer, touched)
    keys = {name: pl.concat([touched[name], final.rest[name]]).unique(maintain_order=True) for name in touched}
    if final.entities + sum(frame.height for frame in keys.values()) == 0:
        return
    levels = [level.name for level in schema.levels]
    former = {name: writer.tables[name].without(Gone(keys[name])) for name in levels}
    # The former findings of the touched entities.
    of_level = {level.name: pl.col("level") == level.entity.level for level in schema.levels if level.entity is not None}
    findings = writer.tables["findings"].without(*(Gone(keys[name], of_level[name]) for name in levels))

    def tasks() -> Iterator[tuple[RollUpTask, ...]]:
        batch: list[RollUpTask] = []
        rows = 0
        for chunk in chunks(writer.location, [*outside.values(), *final.instances], keys, schema, rows_limit=rows_limit):
            finder = KeyFinder(chunk.keys)
            before = tuple(part for part in former[chunk.level].removed if finder.may_be_in(part))
            if batch and rows + chunk.rows > rows_limit * len(levels):
                yield tuple(batch)
                batch, rows = [], 0
            batch.append(RollUpTask(chunk.level, chunk.keys, chunk.parts, chunk.rows, before, schema, writer.location, snapshot))
            rows += chunk.rows
        if batch:
            yield tuple(batch)

    progress.entities_rolled_up = final.entities
    progress.entities_to_roll_up = final.entities + sum(frame.height for frame in keys.values())
    if final.findings:
        progress.findings[FindingCode.INCONSISTENT_ATTRIBUTE.value] += final.findings
    added = {name: final.parts[name] for name in levels}
    findings_added = final.parts["findings"]
    for outcome in runner().run(run_roll_ups, tasks()):
        if outcome.killed or outcome.result is None:
            raise RefusedError("workers died while rolling up, for want of memory perhaps; lower lake.rollup_rows and run again")
        progress.entities_rolled_up += sum(task.keys.height for task in outcome.task)
        for result in outcome.result:
            added[result.level] += result.parts
            findings_added += result.findings
            progress.findings.update(result.finding_codes)
            progress.add_cpu("rolling up (workers)", result.cpu_seconds)
    for name in levels:
        parts = [*added[name], *former[name].added]
        if parts or former[name].removed:
            writer.tables[name].commit(parts, former[name].removed, writer.next_number())
    if findings_added or findings.removed:
        writer.tables["findings"].commit([*findings_added, *findings.added], findings.removed, writer.next_number())
