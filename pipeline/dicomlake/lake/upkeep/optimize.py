"""Merging small part files: each night adds a few, and every query opens them all.

One commit a table, `files` last, none of which changes a row; then a row of `snapshots`, which pins what has become of them. Earlier
snapshots name the part files that were merged, so these stay until a vacuum. An optimize that dies before its row of `snapshots` is undone
by the next writer, since `files` names no run that read anything (`LakeWriter.recover`).

A run merges too when it ends, before its own row of `snapshots`, in tables that it changed and only what is due (`merging.due_mergers`).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from dicomlake.errors import RefusedError
from dicomlake.lake.log.delta import open_delta
from dicomlake.lake.read.reader import Lake
from dicomlake.lake.upkeep.merge_groups import RUN_SHARE, due_mergers, mergers, share_of
from dicomlake.lake.write.lock import NO_WAITING, Waiting
from dicomlake.lake.write.table import Table
from dicomlake.lake.write.writer import LakeWriter
from dicomlake.ledger import in_order_of_places
from dicomlake.parts import Location, PartFile, read_part_arrow, write_parts, write_sorted
from dicomlake.schema import LakeSchema, TableDeclaration, WrittenBy, standard_columns
from dicomlake.version import VERSION


@dataclass(frozen=True)
class Merged:
    """Part files of a table that became fewer. ``bytes_after`` is None in a dry run."""

    table: str
    parts_before: int
    parts_after: int
    bytes_before: int
    bytes_after: int | None


@dataclass(frozen=True)
class OptimizeReport:
    """The part files that were merged, or would be in a dry run; ``snapshot`` is the new one, None where none was made."""

    tables: tuple[Merged, ...]
    snapshot: int | None
    dry_run: bool

    def as_dict(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        tables = {merged.table: {name: value for name, value in asdict(merged).items() if name != "table"} for merged in self.tables}
        return {"snapshot": self.snapshot, "dry_run": self.dry_run, "tables": tables}


def optimize(location: Location, *, dry_run: bool = False, waiting: Waiting = NO_WAITING) -> OptimizeReport:
    """Merge the small part files of every table, sorting their rows; no row changes.

    Args:
        location: the lake.
        dry_run: only find out what there is to merge.
        waiting: how long to wait while another run writes to the lake.

    Raises:
        NotALake: there is no lake.
        RefusedError: another run writes to it, or one died and is to be run again first; or it can't be read or written.
    """
    lake = Lake(location.url, location.storage_options)
    started = datetime.now(UTC)
    partition_columns = open_delta(location, "instances").metadata().partition_columns
    schema = LakeSchema(standard_columns(), partition_columns[0])
    tables = _in_order_of_commits(schema)
    if dry_run:
        return OptimizeReport(tuple(_planned(lake, table) for table in tables if table.name in lake.table_versions), None, dry_run=True)
    with closing(LakeWriter.open(location, schema, add_columns=False, waiting=waiting)) as writer:
        writer.recover()
        if any(writer.tables[table.name].parts.keys() != writer.pinned_parts(table.name).keys() for table in tables):
            raise RefusedError(f"an index of {location.url} ended before its time; run 'dicomlake index' on it again, then optimize")
        row = Lake(location.url, location.storage_options).row
        number = writer.next_number()
        merged = tuple(_merge(writer.tables[table.name], _small_parts(writer, table), table.order, number) for table in tables)
        if not any(table.parts_before for table in merged):
            return OptimizeReport(merged, None, dry_run=False)
        report = OptimizeReport(merged, writer.last_snapshot.number + 1, dry_run=False)
        # Settings and engine stay those of the rows: the next index compares with them.
        own = {"snapshot": report.snapshot, "kind": "optimize", "started": started, "finished": datetime.now(UTC)}
        writer.write_snapshot({**row, **own, "dicomlake_version": VERSION}, report.as_dict())
    return report


def merge_due(writer: LakeWriter, at_least: int) -> tuple[Merged, ...]:
    """Merge, at the end of a run, the part files of which enough have gathered; no row changes.

    A first run leaves its part files as they are: it is long, and what its units wrote spans narrow ranges of keys. So does one that
    changed nothing. Any other merges a bounded share of each table, or as much as it wrote itself.

    Should the run die before its row of `snapshots`, the next one finds the data tables ahead of `files` and undoes what was merged there:
    `files` keeps the number of the last group of units.

    Args:
        writer: the lake, with everything of the run but its row of `snapshots`.
        at_least: how many part files of about one size must have gathered; 0 merges nothing.

    Raises:
        LakeDamaged: a part file can't be read.
        LakeChanged: another run committed meanwhile.
        AccessDenied: the lake can't be written.
    """
    if at_least == 0 or writer.last_snapshot.number == 0:
        return ()
    number, files_number = writer.next_number(), writer.tables["files"].committed_number()
    merged: list[Merged] = []
    for declaration in _in_order_of_commits(writer.schema):
        table = writer.tables[declaration.name]
        if not writer.has_changed(table.name):
            continue
        columns = len(table.schema)
        share = max(RUN_SHARE, share_of(writer.added_parts(table.name), columns))
        groups = due_mergers(table.location, table.parts.values(), declaration.order, columns, at_least=at_least, share=share)
        merged.append(_merge(table, groups, declaration.order, files_number if table.name == "files" else number))
    return tuple(merged)


def _in_order_of_commits(schema: LakeSchema) -> list[TableDeclaration]:
    """The tables that are merged, `files` last."""
    merged = [table for table in schema.tables if table.written_by is not WrittenBy.RUN]
    return sorted(merged, key=lambda table: table.name == "files")


def _planned(lake: Lake, table: TableDeclaration) -> Merged:
    groups = mergers(lake.location, lake.parts(table.name), table.order, len(lake.schema(table.name)))
    return Merged(table.name, sum(map(len, groups)), len(groups), sum(part.size for group in groups for part in group), None)


def _small_parts(writer: LakeWriter, declaration: TableDeclaration) -> list[list[PartFile]]:
    table = writer.tables[declaration.name]
    return mergers(table.location, table.parts.values(), declaration.order, len(table.schema))


def _merge(table: Table, groups: list[list[PartFile]], order: tuple[str, ...], number: int) -> Merged:
    removed: list[PartFile] = []
    added: list[PartFile] = []
    for group in groups:
        rows = pa.concat_tables([read_part_arrow(table.location, part, table.schema, partition_by=table.partition_by) for part in group])
        if table.name == "files":
            rows = in_order_of_places(rows)
            added += write_parts(table.location, table.name, rows, partition_by=table.partition_by)
        else:
            added += write_sorted(table.location, table.name, rows, order, partition_by=table.partition_by)
        removed += group
    if removed:
        table.commit(added, removed, number, changes_data=False)
    return Merged(table.name, len(removed), len(added), sum(part.size for part in removed), sum(part.size for part in added))
