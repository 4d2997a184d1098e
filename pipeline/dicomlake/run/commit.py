"""Committing what units wrote: a group of units in one transaction a table, `instances` and `findings` before `files`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from dicomlake.duplicates import conflict_findings
from dicomlake.errors import FileStatus, FindingCode
from dicomlake.extract.unit import UnitResult
from dicomlake.lake import LakeWriter, Rewritten, Table
from dicomlake.parts import PartFile, read_part
from dicomlake.run.copies import CopyFinder

_URL = pl.Series("url", [], dtype=pl.String)


@dataclass(frozen=True)
class FinishedUnit:
    """A unit whose part files wait for their commit, and the urls among its files of which the lake has rows already."""

    result: UnitResult
    replaced_urls: pl.Series
    former_uids: pl.Series


class Committer:
    """Commits groups of units to a lake.

    ``promoted`` gathers files that are to be read because the copy that was kept is gone. ``duplicates`` counts the files that this run
    read and that are copies of another.
    """

    def __init__(self, writer: LakeWriter, snapshot: int) -> None:
        self._writer = writer
        self._snapshot = snapshot
        self._copies = CopyFinder(writer.tables["files"])
        self.promoted: list[pl.DataFrame] = []
        self.duplicates = 0

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
        own = {name: [part for unit in units for part in unit.result.of_table(name)] for name in ("files", "instances", "findings")}

        resolved, affected = self._copies.resolve(own["files"], former, gone)
        changed = resolved.filter(pl.col("new_status").ne(pl.col("status")) | pl.col("new_duplicate_of").ne_missing(pl.col("duplicate_of")))
        own_changed = changed.filter(~pl.col("committed"))
        plain_files = list(own["files"])
        if own_changed.height:
            own["files"] = self._restate_own(own["files"], own_changed)
            losing = own_changed.filter(pl.col("new_status") == FileStatus.DUPLICATE.value).select("url")
            self.duplicates += losing.height
            own["instances"] = self._rewrite_own(self._writer.tables["instances"], own["instances"], losing)
        there_changed = changed.filter("committed")
        demoted, updated = self._restate_committed(there_changed)

        instances = self._writer.tables["instances"].without(pl.concat([gone, demoted]))
        findings = self._findings_to_go(gone, affected)
        findings_added = [*own["findings"], *self._write_conflicts(resolved)]
        missing = self._missing_rows(vanished)
        files = self._writer.tables["files"].without(pl.concat([gone, updated.select("url")]))

        number = self._writer.next_number()
        _commit(self._writer.tables["instances"], own["instances"], instances, number)
        _commit(self._writer.tables["findings"], findings_added, findings, number)
        rows = pl.concat([updated, missing], how="diagonal")
        restated = self._writer.tables["files"].write(rows) if rows.height else []
        _commit(self._writer.tables["files"], [*own["files"], *restated], files, number, always=True)
        unchanged = {part.path for part in own["files"]}
        self._copies.remember([part for part in plain_files if part.path in unchanged])

    def _restate_own(self, parts: Sequence[PartFile], changed: pl.DataFrame) -> list[PartFile]:
        """Write part files of the group anew in which copies turned out to be duplicates."""
        table = self._writer.tables["files"]
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
        rewritten = table.without(losing, within=parts)
        removed = {part.path for part in rewritten.removed}
        _delete(table, rewritten.removed)
        return [*(part for part in parts if part.path not in removed), *rewritten.added]

    def _restate_committed(self, changed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What changes for rows that are in the lake: urls whose instances go, and their new rows of `files`."""
        table = self._writer.tables["files"]
        if changed.height == 0:
            return _URL.to_frame(), pl.DataFrame(schema={"url": pl.String})
        rows = pl.concat(
            [
                read_part(table.location, part).join(changed, on="url", how="semi")
                for part in table.parts.values()
                if _holds_any(part, changed["url"])
            ]
        )
        promoted_urls = changed.filter(pl.col("new_status") == FileStatus.INDEXED.value).select("url")
        promoted = rows.join(promoted_urls, on="url", how="semi")
        if promoted.height:
            self.promoted.append(promoted.select("url", "file_size", "modified", "etag", "source", "first_snapshot", "SOPInstanceUID"))
        demoted = changed.filter((pl.col("status") == FileStatus.INDEXED.value) & (pl.col("new_status") == FileStatus.DUPLICATE.value))
        read_now = rows.filter(pl.col("last_snapshot") == self._snapshot)
        self.duplicates += read_now.join(demoted, on="url", how="semi").height
        others = rows.join(promoted_urls, on="url", how="anti")
        restated = _restated(others, changed).with_columns(last_snapshot=pl.lit(self._snapshot, dtype=pl.Int64))
        return demoted.select("url"), restated

    def _findings_to_go(self, gone: pl.DataFrame, affected: pl.Series) -> Rewritten:
        table = self._writer.tables["findings"]
        if not table.parts:
            return Rewritten()
        by_url = table.without(gone)
        if affected.len() == 0:
            return by_url
        # What was written anew a moment ago is looked at again: a row can go for either reason.
        removed = {part.path for part in by_url.removed}
        left = [*(part for path, part in table.parts.items() if path not in removed), *by_url.added]
        conflicts = pl.col("code") == FindingCode.CONFLICTING_DUPLICATE.value
        by_uid = table.without(affected.to_frame("SOPInstanceUID"), within=left, only=conflicts)
        twice = {part.path for part in by_uid.removed} & {part.path for part in by_url.added}
        _delete(table, [part for part in by_url.added if part.path in twice])
        return Rewritten(
            (*by_url.removed, *(part for part in by_uid.removed if part.path not in twice)),
            (*(part for part in by_url.added if part.path not in twice), *by_uid.added),
        )

    def _write_conflicts(self, resolved: pl.DataFrame) -> list[PartFile]:
        rows = conflict_findings(resolved, self._snapshot)
        return self._writer.tables["findings"].write(rows) if rows.height else []

    def _missing_rows(self, vanished: pl.DataFrame) -> pl.DataFrame:
        table = self._writer.tables["files"]
        frames = [
            read_part(table.location, part).join(vanished, on="url", how="semi")
            for part in table.parts.values()
            if vanished.height and _holds_any(part, vanished["url"])
        ]
        if not frames:
            return pl.DataFrame(schema={"url": pl.String})
        return pl.concat(frames).with_columns(
            status=pl.lit(FileStatus.MISSING.value),
            duplicate_of=pl.lit(None, dtype=pl.String),
            last_snapshot=pl.lit(self._snapshot, dtype=pl.Int64),
        )


def _commit(table: Table, added: Iterable[PartFile], rewritten: Rewritten, number: int, *, always: bool = False) -> None:
    parts = [*added, *rewritten.added]
    if parts or rewritten.removed or always:
        table.commit(parts, rewritten.removed, number)


def _restated(rows: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    states = changed.select("url", "new_status", "new_duplicate_of")
    joined = rows.join(states, on="url", how="left", maintain_order="left")
    is_changed = pl.col("new_status").is_not_null()
    return joined.with_columns(
        status=pl.coalesce("new_status", "status"),
        duplicate_of=pl.when(is_changed).then("new_duplicate_of").otherwise("duplicate_of"),
    ).drop("new_status", "new_duplicate_of")


def _holds_any(part: PartFile, urls: pl.Series) -> bool:
    lowest, highest = urls.min(), urls.max()
    return isinstance(lowest, str) and isinstance(highest, str) and part.may_hold("url", lowest, highest)


def _delete(table: Table, parts: Iterable[PartFile]) -> None:
    """Remove part files that were never committed; one that can't be removed is a note of `verify`."""
    for part in parts:
        path = table.location.join(table.name, *part.path.split("/"))
        with contextlib.suppress(OSError):
            if table.location.is_local:
                os.unlink(path)
            else:
                table.location.filesystem.rm_file(path)


_NOTHING_VANISHED = pl.DataFrame(schema={"url": pl.String, "SOPInstanceUID": pl.String})
