"""Rolling up what a run touched: tasks for the workers, then one transaction for each table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from dicomlake.errors import FindingCode, RefusedError
from dicomlake.lake import Gone, KeyFinder, LakeWriter, RemovedKeys, Rewritten
from dicomlake.parts import PartFile
from dicomlake.rollup import RollUpTask, chunks, run_roll_ups, touched_entities
from dicomlake.run.progress import Progress
from dicomlake.run.rolling_up.early import EarlyRollUps
from dicomlake.run.rolling_up.moved_slices import MovedSlices
from dicomlake.runner import Runner


def roll_up_touched(
    writer: LakeWriter,
    snapshot: int,
    runner: Callable[[], Runner],
    early: EarlyRollUps,
    removed: RemovedKeys,
    *,
    rows_limit: int,
    progress: Progress,
) -> None:
    """Roll up the series, studies and patients whose instances differ from those that the last snapshot pins.

    Most new ones were rolled up by the unit that read them, and its part files are taken. For the others instances are read again.

    Raises:
        RefusedError: a task killed its workers.
        LakeChanged: another run committed meanwhile.
    """
    schema = writer.schema
    outside = early.outside(writer.tables["instances"].parts)
    known = removed.difference(writer.pinned_parts("instances"), outside)
    differing = touched_entities(writer.location, known.before, known.after, partition_by=schema.partition_by)
    differing = pl.concat([known.keys, differing]).unique(maintain_order=True)
    touched = {level.name: differing.select(level.key).unique() for level in schema.levels}
    final = early.settle(writer, touched)
    keys = {name: pl.concat([touched[name], final.rest[name]]).unique(maintain_order=True) for name in touched}
    again = sum(frame.height for frame in keys.values())
    if final.entities + again == 0:
        return
    progress.entities_rolled_up, progress.entities_to_roll_up = final.entities, final.entities + again
    progress.findings.update(final.findings)
    former = {name: writer.tables[name].without(Gone(frame)) for name, frame in keys.items()}
    # The former findings of the touched entities.
    # Findings of references are judged later, by the targets (`dicomlake.run.links`).
    is_rolled_up = pl.col("code") != FindingCode.DANGLING_REFERENCE.value
    of_level = {level.name: (pl.col("level") == level.entity.level) & is_rolled_up for level in schema.levels if level.entity is not None}
    former["findings"] = writer.tables["findings"].without(*(Gone(frame, of_level[name]) for name, frame in keys.items()))
    former["stacks"] = writer.tables["stacks"].without(Gone(keys["series"]))
    added = final.parts
    moves = MovedSlices()
    cut = _Cut(writer, snapshot, rows_limit, [*outside.values(), *final.instances], former)
    for outcome in runner().run(run_roll_ups, cut.tasks(keys)):
        if outcome.killed or outcome.result is None:
            raise RefusedError("workers died while rolling up, for want of memory perhaps; lower lake.rollup_rows and run again")
        progress.entities_rolled_up += sum(task.keys.height for task in outcome.task)
        for result in outcome.result:
            added[result.level] += result.parts
            added["findings"] += result.findings
            added["stacks"] += result.stacks
            moves.note(result)
            progress.findings.update(result.finding_codes)
            progress.add_cpu("rolling up (workers)", result.cpu_seconds)
    for name, rewritten in former.items():
        if added[name] or rewritten.removed:
            writer.tables[name].commit([*added[name], *rewritten.added], rewritten.removed, writer.next_number())
    moves.commit(writer, snapshot)


@dataclass(frozen=True)
class _Cut:
    """Cuts entities into tasks. ``instances`` are the part files in which they may have rows, ``former`` holds what their rows were."""

    writer: LakeWriter
    snapshot: int
    rows_limit: int
    instances: Sequence[PartFile]
    former: Mapping[str, Rewritten]

    def tasks(self, keys: Mapping[str, pl.DataFrame]) -> Iterator[tuple[RollUpTask, ...]]:
        """Tasks for the workers: small chunks go to one together, so that few entities are rolled up without waking the others."""
        location, schema = self.writer.location, self.writer.schema
        batch: list[RollUpTask] = []
        rows = 0
        frames = list(self.writer.tables["frames"].parts.values())
        for chunk in chunks(location, self.instances, frames, keys, schema, rows_limit=self.rows_limit):
            finder = KeyFinder(chunk.keys)
            before = tuple(part for part in self.former[chunk.level].removed if finder.may_be_in(part))
            stacks = tuple(part for part in self.former["stacks"].removed if finder.may_be_in(part)) if chunk.level == "series" else ()
            if batch and rows + chunk.rows > self.rows_limit * len(keys):
                yield tuple(batch)
                batch, rows = [], 0
            task = RollUpTask(
                chunk.level,
                chunk.keys,
                chunk.parts,
                before,
                schema,
                location,
                self.snapshot,
                chunk.groups,
                chunk.frames,
                chunk.frame_groups,
                stacks,
            )
            batch.append(task)
            rows += chunk.rows
        if batch:
            yield tuple(batch)
