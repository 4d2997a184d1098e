"""Committing what units wrote: a group of units in one transaction a table, `files` last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from dicomlake.duplicates import CopyFinder, conflict_findings
from dicomlake.errors import FileStatus, FindingCode
from dicomlake.extract.unit import UnitResult
from dicomlake.lake import Gone, LakeWriter, RemovedKeys, Rewritten, Table
from dicomlake.ledger import PLACE
from dicomlake.parts import PartFile, delete_parts, read_part
from dicomlake.run.links import LinkChanges
from dicomlake.run.rolling_up.early import EarlyRollUps

_URL = pl.Series("url", [], dtype=pl.String)
_PROMOTED = ("url", "file_size", "modified", "etag", "source", "first_snapshot", "SOPInstanceUID")


@dataclass(frozen=True)
class FinishedUnit:
    """A unit whose part files wait for their commit, and the urls among its files of which the lake has rows already."""

    result: UnitResult
    replaced_urls: pl.Series
    former_uids: pl.Series


class Committer:
    """Commits groups of units to a lake; `begin_commits` makes one.

    Files are promoted where the copy that was kept is gone: they are to be read. That they are owed stands in `files` too (a `duplicate`
    of nothing), so that a run that dies before it reads them leaves them to the next.

    Args:
        writer: the lake.
        snapshot: the number of the run.
        reading: how its files are read.
        current: says of a row of `files` whether it was read as files are read today.
        owed: files that a run which died promoted.

    Attributes:
        duplicates: the files that this run read and that are copies of another.
        read_twice: those of them that it read a second time.
        conflicts: findings of copies that differ.
        early: the roll-ups that the units made.
        removed: the entities whose instances lost rows.
        links: the rows that went and matter to references.
    """

    def __init__(self, writer: LakeWriter, snapshot: int, reading: str, current: pl.Expr, owed: pl.DataFrame) -> None:
        self._writer = writer
        self._snapshot = snapshot
        self._reading = reading
        self._current = current
        self._files = writer.tables["files"]
        self._copies = CopyFinder(self._files)
        self._read_paths: set[str] = set()
        self._promoted = owed
        self.duplicates = 0
        self.read_twice = 0
        self.conflicts = 0
        self.early = EarlyRollUps()
        self.removed = RemovedKeys([name for level in reversed(writer.schema.levels) for name in level.key])
        self.links = LinkChanges(writer)

    def take_promoted(self) -> pl.DataFrame:
        """The files that were promoted since this was last asked."""
        taken, self._promoted = self._promoted, self._promoted.clear()
        return taken.unique("url", maintain_order=True)

    def commit(self, units: Sequence[FinishedUnit], vanished: pl.DataFrame | None = None) -> None:
        """Commit units, and the files that vanished (``url``, ``SOPInstanceUID``).

        Raises:
            LakeChanged: another run committed meanwhile.
            AccessDenied: the lake can't be written.
        """
        vanished = _NOTHING_VANISHED if vanished is None else vanished
        replaced = pl.concat([_URL, *(unit.replaced_urls for unit in units)])
        gone = pl.concat([replaced, vanished["url"]]).to_frame("url")
        former = pl.concat([*(unit.former_uids for unit in units), vanished["SOPInstanceUID"].drop_nulls()])
        former = former.rename("SOPInstanceUID").unique()
        # A copy that is read for its own sake, or is no longer there, needs no second reading.
        self._promoted = self._promoted.join(gone, on="url", how="anti")
        tables = self._writer.schema.unit_tables
        own = {table.name: [part for unit in units for part in unit.result.of_table(table.name)] for table in tables}

        for unit in units:
            if unit.result.roll_up is not None:
                self.early.add(unit.result.roll_up)
        resolved, affected = self._copies.resolve(own["files"], former, gone)
        changed = resolved.filter(pl.col("new_status").ne(pl.col("status")) | pl.col("new_duplicate_of").ne_missing(pl.col("duplicate_of")))
        own_changed = changed.filter(~pl.col("committed"))
        losing = own_changed.filter(pl.col("new_status") == FileStatus.DUPLICATE.value).select("url")
        self.duplicates += losing.height
        if own_changed.height:
            own["files"] = self._restate_own(own["files"], own_changed)
        demoted, restated = self._restate_committed(changed.filter("committed"))
        rows = pl.concat([restated, self._missing_rows(vanished)], how="diagonal_relaxed").sort(PLACE)

        rewritten: dict[str, Rewritten] = {}
        for table in tables:
            removed = [Gone(gone)]
            if table.name == "files":
                removed = [Gone(pl.concat([gone, restated.select("url")]))]
            elif table.drops_copies:
                own[table.name] = self._rewrite_own(self._writer.tables[table.name], own[table.name], losing)
                removed = [Gone(pl.concat([gone, demoted]))]
            elif table.name == "findings":
                is_conflict = pl.col("code") == FindingCode.CONFLICTING_DUPLICATE.value
                removed.append(Gone(affected.to_frame("SOPInstanceUID"), is_conflict))
                own[table.name] += self._write_conflicts(resolved)
            noted = (*(self.removed.columns if table.name == "instances" else ()), *self.links.noted(table.name))
            rewritten[table.name] = self._writer.tables[table.name].without(*removed, noted=noted)
        restated_parts = self._files.write(rows) if rows.height else []
        own["files"] += restated_parts
        self._commit_tables(own, rewritten)
        self.early.follow(rewritten["instances"])
        self.removed.follow(rewritten["instances"])
        for name, of_table in rewritten.items():
            self.links.follow(name, of_table)

        files = rewritten["files"]
        if {part.path for part in files.removed} <= self._read_paths:
            self._read_paths.update(part.path for part in files.added)
        written = {part.path for part in restated_parts}
        self._read_paths.update(part.path for part in own["files"] if part.path not in written)
        self._copies.remember(own["files"], files.moved())

    def _commit_tables(self, added: Mapping[str, list[PartFile]], rewritten: Mapping[str, Rewritten]) -> None:
        """One commit a table, all with one number: `files`, the ledger, comes last."""
        number = self._writer.next_number()
        others = [self._writer.tables[table.name] for table in self._writer.schema.unit_tables if table.name != "files"]
        for table in others:
            parts = [*added[table.name], *rewritten[table.name].added]
            if parts or rewritten[table.name].removed:
                table.commit(parts, rewritten[table.name].removed, number)
        # `files` must not promise rows that another run removed meanwhile.
        for table in others:
            table.check_unmoved()
        files = rewritten["files"]
        self._files.commit([*added["files"], *files.added], files.removed, number, reading=self._reading)

    def _restate_own(self, parts: Sequence[PartFile], changed: pl.DataFrame) -> list[PartFile]:
        """Write part files of the group again in which copies turned out to be duplicates."""
        table = self._files
        fresh: list[PartFile] = []
        for part in parts:
            rows = read_part(table.location, part)
            if rows.join(changed, on="url", how="semi").height == 0:
                fresh.append(part)
                continue
            fresh += table.write(_restated(rows, changed))
            delete_parts(table.location, [part])
        return fresh

    def _rewrite_own(self, table: Table, parts: Sequence[PartFile], losing: pl.DataFrame) -> list[PartFile]:
        rewritten = table.without(Gone(losing), within=parts, noted=self.links.noted(table.name))
        removed = {part.path for part in rewritten.removed}
        delete_parts(table.location, rewritten.removed)
        if table.name == "instances":
            self.early.follow(rewritten)
        self.links.follow_copies(table.name, rewritten)
        return [*(part for part in parts if part.path not in removed), *rewritten.added]

    def _restate_committed(self, changed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The changes for rows in the lake: urls whose instances go, and their new rows of `files`."""
        parts = self._files.parts.items()
        urls = changed.select("url")
        read_now = self._files.rows_with(urls, within=[part for path, part in parts if path in self._read_paths])
        read_before = self._files.rows_with(urls, within=[part for path, part in parts if path not in self._read_paths])
        rows = pl.concat([read_now, read_before])
        promoted = changed.filter(pl.col("new_status") == FileStatus.INDEXED.value).select("url")
        demoted = changed.filter((pl.col("status") == FileStatus.INDEXED.value) & (pl.col("new_status") == FileStatus.DUPLICATE.value))
        if promoted.height:
            more = rows.join(promoted, on="url", how="semi").select(_PROMOTED)
            self._promoted = pl.concat([self._promoted, more])
        twice = read_now.join(promoted, on="url", how="semi").height
        self.duplicates += read_now.join(demoted, on="url", how="semi").height - twice
        self.read_twice += twice
        owed = changed.with_columns(
            new_duplicate_of=pl.when(pl.col("new_status") == FileStatus.DUPLICATE.value).then("new_duplicate_of"),
            new_status=pl.lit(FileStatus.DUPLICATE.value),
        )
        # A row that is still to be read again must not look as if this run had done so.
        changed_now = pl.when(self._current).then(pl.lit(self._snapshot, dtype=pl.Int64)).otherwise("last_snapshot")
        restated = _restated(rows, owed).with_columns(last_snapshot=changed_now)
        return demoted.select("url"), restated

    def _write_conflicts(self, resolved: pl.DataFrame) -> list[PartFile]:
        rows = conflict_findings(resolved, self._snapshot)
        self.conflicts += rows.height
        return self._writer.tables["findings"].write(rows) if rows.height else []

    def _missing_rows(self, vanished: pl.DataFrame) -> pl.DataFrame:
        return self._files.rows_with(vanished.select("url")).with_columns(
            status=pl.lit(FileStatus.MISSING.value),
            duplicate_of=pl.lit(None, dtype=pl.String),
            last_snapshot=pl.lit(self._snapshot, dtype=pl.Int64),
        )


def begin_commits(writer: LakeWriter, snapshot: int, reading: str, current: pl.Expr) -> Committer:
    """Commit to a lake; copies that a run which died was to read in a kept one's place are owed."""
    files = writer.tables["files"]
    pinned = writer.pinned_parts("files")
    later = [part for path, part in files.parts.items() if path not in pinned]
    duplicates = pl.DataFrame(
        {"status": [FileStatus.DUPLICATE.value], "duplicate_of": [None]}, schema_overrides={"duplicate_of": pl.String}
    )
    owed = files.rows_with(duplicates, within=later).select(_PROMOTED)
    return Committer(writer, snapshot, reading, current, owed)


def _restated(rows: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    states = changed.select("url", "new_status", "new_duplicate_of")
    joined = rows.join(states, on="url", how="left", maintain_order="left")
    is_changed = pl.col("new_status").is_not_null()
    return joined.with_columns(
        status=pl.coalesce("new_status", "status"),
        duplicate_of=pl.when(is_changed).then("new_duplicate_of").otherwise("duplicate_of"),
    ).drop("new_status", "new_duplicate_of")


_NOTHING_VANISHED = pl.DataFrame(schema={"url": pl.String, "SOPInstanceUID": pl.String})
