"""Rolling up what a run touched: tasks for the workers, then one transaction for each table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from dicomlake.errors import RefusedError
from dicomlake.lake import LakeWriter, Rewritten
from dicomlake.parts import PartFile
from dicomlake.rollup import LEVELS, NAME_OF_LEVEL, REMOVED_BY, RollUpTask, chunks, run_roll_up, touched_entities
from dicomlake.run.progress import Progress
from dicomlake.runner import Runner


def roll_up_touched(writer: LakeWriter, snapshot: int, runner: Callable[[], Runner], *, rows_limit: int, progress: Progress) -> None:
    """Roll up the series, studies and patients whose instances differ from those that the last snapshot pins.

    Raises:
        RefusedError: a task killed its workers.
        LakeChanged: another run committed meanwhile.
    """
    schema = writer.schema
    instances = writer.tables["instances"]
    touched = touched_entities(
        writer.location,
        writer.pinned_parts("instances"),
        instances.parts,
        partition_by=schema.partition_by,
        since=writer.last_snapshot.number,
    )
    if touched.height == 0:
        return
    former = {level: writer.tables[level].without(touched.select(REMOVED_BY[level])) for level in LEVELS}
    findings = _former_findings(writer, touched)

    def tasks() -> Iterator[RollUpTask]:
        for chunk in chunks(writer.location, instances.parts, touched, partition_by=schema.partition_by, rows_limit=rows_limit):
            yield RollUpTask(chunk.level, chunk.keys, chunk.parts, former[chunk.level].removed, schema, writer.location, snapshot)

    added: dict[str, list[PartFile]] = {level: [] for level in LEVELS}
    findings_added: list[PartFile] = []
    for outcome in runner().run(run_roll_up, tasks()):
        if outcome.killed or outcome.result is None:
            raise RefusedError("workers died while rolling up, for want of memory perhaps; lower lake.rollup_rows and run again")
        added[outcome.result.level] += outcome.result.parts
        findings_added += outcome.result.findings
        progress.add_cpu("rolling up (workers)", outcome.result.cpu_seconds)
    for level in LEVELS:
        parts = [*added[level], *former[level].added]
        if parts or former[level].removed:
            writer.tables[level].commit(parts, former[level].removed, writer.next_number())
    if findings_added or findings.removed:
        writer.tables["findings"].commit([*findings_added, *findings.added], findings.removed, writer.next_number())


def _former_findings(writer: LakeWriter, touched: pl.DataFrame) -> Rewritten:
    """`findings` without what was found of the touched entities before."""
    table = writer.tables["findings"]
    entity_levels = list(NAME_OF_LEVEL.values())
    keys = [touched.select(REMOVED_BY[level]).unique().with_columns(level=pl.lit(NAME_OF_LEVEL[level])) for level in LEVELS]
    removed: dict[str, PartFile] = {}
    added: list[PartFile] = []
    for part in list(table.parts.values()):
        current = [part]
        for level_keys in keys:
            rewritten = table.without(level_keys, within=current, only=pl.col("level").is_in(entity_levels))
            if rewritten.removed:
                gone = {entry.path for entry in rewritten.removed}
                current = [*(entry for entry in current if entry.path not in gone), *rewritten.added]
        if current != [part]:
            removed[part.path] = part
            added += current
    return Rewritten(tuple(removed.values()), tuple(added))
