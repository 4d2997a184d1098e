"""Committing what units wrote: a group of units in one transaction a table, `instances` and `findings` before `files`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from dicomlake.duplicates import conflict_findings
from dicomlake.errors import AccessDenied, FileStatus, FindingCode
from dicomlake.extract.unit import UnitResult
from dicomlake.lake import Gone, LakeWriter, Rewritten, Table
from dicomlake.ledger import PLACE
from dicomlake.parts import PartFile, read_part
from dicomlake.run.copies import CopyFinder

_URL = pl.Series("url", [], dtype=pl.String)
_PROMOTED = ("url", "file_size", "modified", "etag", "source", "first_snapshot", "SOPInstanceUID")


@dataclass(frozen=True)
class FinishedUnit:
    """A unit whose part files wait for their commit, and the urls among its files of which the lake has rows already."""

    result: UnitResult
    replaced_urls: pl.Series
    former_uids: pl.Series


class Committer:
    """Commits groups of units to a lake.

    ``promoted`` gathers files that are to be read because the copy that was kept is gone. That they are owed stands in `files` too (a
    `duplicate` of nothing), so that a run that dies before it reads them leaves them to the next. ``duplicates`` counts the files that this
    run read and that are copies of another, ``read_twice`` those that it read a second time, ``conflicts`` findings of copies that differ.
    ``current`` says of a row of `files` whether it was read as files are read today.
    """

    def __init__(self, writer: LakeWriter, snapshot: int, reading: str, current: pl.Expr) -> None:
        self._writer = writer
        self._snapshot = snapshot
        self._reading = reading
        self._current = current
        self._files = writer.tables["files"]
        self._copies = CopyFinder(self._files)
        self._read_paths: set[str] = set()
        self.promoted = self._owed()
        self.duplicates = 0
        self.read_twice = 0
        self.conflicts = 0

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
        self.promoted = [rows.join(gone, on="url", how="anti") for rows in self.promoted]
        own = {name: [part for unit in units for part in unit.result.of_table(name)] for name in ("files", "instances", "findings")}

        resolved, affected = self._copies.resolve(own["files"], former, gone)
        changed = resolved.filter(pl.col("new_status").ne(pl.col("status")) | pl.col("new_duplicate_of").ne_missing(pl.col("duplicate_of")))
        own_changed = changed.filter(~pl.col("committed"))
        if own_changed.height:
            own["files"] = self._restate_own(own["files"], own_changed)
            losing = own_changed.filter(pl.col("new_status") == FileStatus.DUPLICATE.value).select("url")
            self.duplicates += losing.height
            own["instances"] = self._rewrite_own(self._writer.tables["instances"], own["instances"], losing)
        demoted, updated = self._restate_committed(changed.filter("committed"))
        missing = self._missing_rows(vanished)
        rows = pl.concat([updated, missing], how="diagonal_relaxed").sort(PLACE)

        instances = self._writer.tables["instances"].without(Gone(pl.concat([gone, demoted])))
        conflicts = pl.col("code") == FindingCode.CONFLICTING_DUPLICATE.value
        findings = self._writer.tables["findings"].without(Gone(gone), Gone(affected.to_frame("SOPInstanceUID"), conflicts))
        files = self._files.without(Gone(pl.concat([gone, updated.select("url")])))
        findings_added = [*own["findings"], *self._write_conflicts(resolved)]
        restated = self._files.write(rows) if rows.height else []

        number = self._writer.next_number()
        _commit(self._writer.tables["instances"], own["instances"], instances, number)
        _commit(self._writer.tables["findings"], findings_added, findings, number)
        # What another run undid meanwhile must not be promised by `files`.
        self._writer.tables["instances"].check_unmoved()
        self._writer.tables["findings"].check_unmoved()
        self._files.commit([*own["files"], *restated, *files.added], files.removed, number, reading=self._reading)
        if {part.path for part in files.removed} <= self._read_paths:
            self._read_paths.update(part.path for part in files.added)
        self._read_paths.update(part.path for part in own["files"])
        self._copies.remember([*own["files"], *restated], files.moved())

    def _owed(self) -> list[pl.DataFrame]:
        """Copies that a run which died was to read in a kept one's place."""
        pinned = self._writer.pinned_parts("files")
        later = [part for path, part in self._files.parts.items() if path not in pinned]
        duplicates = pl.DataFrame(
            {"status": [FileStatus.DUPLICATE.value], "duplicate_of": [None]}, schema_overrides={"duplicate_of": pl.String}
        )
        owed = self._files.rows_with(duplicates, within=later)
        return [owed.select(_PROMOTED)] if owed.height else []

    def _restate_own(self, parts: Sequence[PartFile], changed: pl.DataFrame) -> list[PartFile]:
        """Write part files of the group anew in which copies turned out to be duplicates."""
        table = self._files
        fresh: list[PartFile] = []
        for part in parts:
            rows = read_part(table.location, part)
            if rows.join(changed, on="url", how="semi").height == 0:
                fresh.append(part)
                continue
            fresh += table.write(_restated(rows, changed))
            _delete(table, [part])
        return fresh

    def _rewrite_own(self, table: Table, parts: Sequence[PartFile], losing: pl.DataFrame) -> list[PartFile]:
        rewritten = table.without(Gone(losing), within=parts)
        removed = {part.path for part in rewritten.removed}
        _delete(table, rewritten.removed)
        return [*(part for part in parts if part.path not in removed), *rewritten.added]

    def _restate_committed(self, changed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What changes for rows that are in the lake: urls whose instances go, and their new rows of `files`."""
        parts = self._files.parts.items()
        urls = changed.select("url")
        read_now = self._files.rows_with(urls, within=[part for path, part in parts if path in self._read_paths])
        read_before = self._files.rows_with(urls, within=[part for path, part in parts if path not in self._read_paths])
        rows = pl.concat([read_now, read_before])
        promoted = changed.filter(pl.col("new_status") == FileStatus.INDEXED.value).select("url")
        demoted = changed.filter((pl.col("status") == FileStatus.INDEXED.value) & (pl.col("new_status") == FileStatus.DUPLICATE.value))
        if promoted.height:
            self.promoted.append(rows.join(promoted, on="url", how="semi").select(_PROMOTED))
        twice = read_now.join(promoted, on="url", how="semi").height
        self.duplicates += read_now.join(demoted, on="url", how="semi").height - twice
        self.read_twice += twice
        owed = changed.with_columns(
            new_duplicate_of=pl.when(pl.col("new_status") == FileStatus.DUPLICATE.value).then("new_duplicate_of"),
            new_status=pl.lit(FileStatus.DUPLICATE.value),
        )
        # A row that is still to be read anew must not look as if this run had done so.
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


def _commit(table: Table, added: Iterable[PartFile], rewritten: Rewritten, number: int) -> None:
    parts = [*added, *rewritten.added]
    if parts or rewritten.removed:
        table.commit(parts, rewritten.removed, number)


def _restated(rows: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    states = changed.select("url", "new_status", "new_duplicate_of")
    joined = rows.join(states, on="url", how="left", maintain_order="left")
    is_changed = pl.col("new_status").is_not_null()
    return joined.with_columns(
        status=pl.coalesce("new_status", "status"),
        duplicate_of=pl.when(is_changed).then("new_duplicate_of").otherwise("duplicate_of"),
    ).drop("new_status", "new_duplicate_of")


def _delete(table: Table, parts: Iterable[PartFile]) -> None:
    """Remove part files that were never committed; one that can't be removed is a note of `verify`."""
    for part in parts:
        path = table.location.join(table.name, *part.path.split("/"))
        with contextlib.suppress(OSError, AccessDenied):
            if table.location.is_local:
                os.unlink(path)
            else:
                table.location.filesystem.rm_file(path)


_NOTHING_VANISHED = pl.DataFrame(schema={"url": pl.String, "SOPInstanceUID": pl.String})
