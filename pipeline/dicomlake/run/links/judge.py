"""Judging references at the end of a run: rows whose target came or vanished are written again, and so are the findings of their series."""

from __future__ import annotations

import numpy as np
import polars as pl

from dicomlake.errors import FindingCode
from dicomlake.lake import Changes, LakeWriter, RemovedKeys, change_values
from dicomlake.parts import PartFile, side_by_side
from dicomlake.rollup.references import LEVELS, sorted_hashes
from dicomlake.run.links.changes import LinkChanges, uids_in, without_hashes
from dicomlake.run.links.doubts import Doubts
from dicomlake.run.links.findings import commit_findings, dangling_series
from dicomlake.run.links.presence import present_targets
from dicomlake.run.progress import Progress

_MOST_DOUBTS = 1 << 20
"""About how many doubtful rows are in memory before they are judged."""

_PARTS_AT_ONCE = 4
_ROLLED_UP = {"series": "series", "study": "studies"}
_NOTHING = {level: np.empty(0, dtype=np.uint64) for level in LEVELS}


def judge_links(writer: LakeWriter, snapshot: int, changes: LinkChanges, removed: RemovedKeys, progress: Progress) -> None:
    """Make `in_lake` right in every row of `instance_references`, and the findings of references without target.

    Which rows are looked at follows from the difference between the tables of now and those that the last snapshot pins. `series` and
    `studies` are rolled up already.

    Args:
        writer: the lake, with everything else that the run changes.
        snapshot: the number of the run.
        changes: the rows that the run took away.
        removed: likewise, with the part files of `instances` that the run wrote again.
        progress: counts the findings.

    Raises:
        LakeDamaged: a part file can't be read.
        LakeChanged: another run committed meanwhile.
        AccessDenied: the lake can't be written.
    """
    table = writer.tables["instance_references"]
    references = changes.removed_references.difference(writer.pinned_parts(table.name), table.parts)
    has_old_rows = bool(table.parts.keys() - references.after.keys()) or bool(references.before)
    came, vanished = _moved_targets(writer, changes, removed, has_old_rows=has_old_rows)
    judge = _Judge(writer, Doubts(snapshot, changes.trusts_units, came, vanished))
    judge.look_at(references.after)
    if references.keys.height:
        judge.affected.append(references.keys["series_key"])
    judge.affected += [dangling_series(writer, part) for part in references.before.values()]
    if judge.rewritten:
        table.commit(judge.rewritten.values(), [table.parts[path] for path in judge.rewritten], writer.next_number())
    if judge.affected:
        found = commit_findings(writer, snapshot, pl.concat(judge.affected).unique())
        progress.findings.update({FindingCode.DANGLING_REFERENCE.value: found} if found else {})


def _moved_targets(
    writer: LakeWriter, changes: LinkChanges, removed: RemovedKeys, *, has_old_rows: bool
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The targets that came, and those that vanished, as sorted hashes by level; those that came matter to old rows alone.

    An instance that went has either come again, so that its row is new, or it is not in the lake any more: `instances` holds each once. A
    series or study that lost an instance may have others, so its own table is asked.

    A UID that came could hide one that vanished and has the same hash. For a million of each the chance is one in ten million, and `verify`
    would tell.
    """
    location, partition_by = writer.location, writer.schema.partition_by
    instances = removed.difference(writer.pinned_parts("instances"), writer.tables["instances"].parts)
    went = changes.went()
    if instances.before:
        lost = uids_in(location, instances.before.values(), LEVELS, partition_by)
        went = {level: sorted_hashes([went[level], lost[level]]) for level in LEVELS}
    came = _NOTHING
    if has_old_rows or len(went["instance"]):
        came = uids_in(location, instances.after.values(), LEVELS, partition_by)
    vanished = {level: without_hashes(went[level], came[level]) for level in LEVELS}
    for level, name in _ROLLED_UP.items():
        if len(vanished[level]):
            there = uids_in(location, writer.tables[name].parts.values(), {level: LEVELS[level]}, None)
            vanished[level] = without_hashes(vanished[level], there[level])
    return (came if has_old_rows else _NOTHING), vanished


class _Judge:
    """Judges doubtful rows, some part files at a time.

    Attributes:
        rewritten: the part files that were written again, by the path of the former one; they are not committed.
        affected: the keys of series whose findings may have changed.
    """

    def __init__(self, writer: LakeWriter, doubts: Doubts) -> None:
        self.rewritten: dict[str, PartFile] = {}
        self.affected: list[pl.Series] = []
        self._writer = writer
        self._doubts = doubts
        self._table = writer.tables["instance_references"]
        self._waiting: list[tuple[PartFile, pl.DataFrame]] = []

    def look_at(self, new: dict[str, PartFile]) -> None:
        """Find the doubtful rows of the table and judge them; ``new`` are the part files, by path, that can hold new rows."""
        parts = [part for path, part in self._table.parts.items() if self._doubts.look_for(in_new=path in new)]

        def doubtful(part: PartFile) -> pl.DataFrame:
            return self._doubts.rows_of(self._table.location, part, in_new=part.path in new)

        for start in range(0, len(parts), _PARTS_AT_ONCE):
            some = parts[start : start + _PARTS_AT_ONCE]
            self._waiting += [(part, rows) for part, rows in zip(some, side_by_side(doubtful, some), strict=True) if rows.height]
            if sum(rows.height for _, rows in self._waiting) > _MOST_DOUBTS:
                self._decide()
        self._decide()

    def _decide(self) -> None:
        if not self._waiting:
            return
        wanted = pl.concat([rows.select("level", "uid", "PatientID") for _, rows in self._waiting]).unique()
        there = present_targets(self._writer, wanted).with_columns(is_there=pl.lit(value=True))

        def decided(rows: pl.DataFrame) -> pl.DataFrame:
            joined = rows.join(there, on=["level", "uid"], how="left", maintain_order="left")
            return joined.with_columns(pl.col("is_there").fill_null(value=False))

        judged = [(part, decided(rows)) for part, rows in self._waiting]
        self._waiting.clear()
        wrong = pl.col("in_lake") != pl.col("is_there")
        self.affected += [rows.filter(wrong | (pl.col("is_new") & ~pl.col("is_there")))["series_key"].unique() for _, rows in judged]
        changing = [(part, rows) for part, all_rows in judged if (rows := all_rows.filter(wrong)).height]
        for (former, _), part in zip(changing, side_by_side(self._changed, changing), strict=True):
            self.rewritten[former.path] = part

    def _changed(self, change: tuple[PartFile, pl.DataFrame]) -> PartFile:
        part, rows = change
        changes = {}
        for (group,), of_group in rows.sort("group", "row").partition_by("group", as_dict=True).items():
            snapshot = pl.repeat(self._doubts.first_new, of_group.height, dtype=pl.Int64, eager=True)
            values = {"in_lake": of_group["is_there"].to_arrow(), "snapshot": snapshot.to_arrow()}
            changes[int(group)] = Changes(of_group["row"].to_numpy(), values)
        return change_values(self._table.location, part, self._table.schema, changes)
