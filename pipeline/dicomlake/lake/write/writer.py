"""A lake as its writer sees it: every table, the last finished run, and how a run that died is undone.

The order of commits is what makes a run safe to kill: the tables that units write come first, and `files` last, all with one number. A
table that is ahead of `files` belongs to a group of units that never finished, and goes back. Roll-up tables that are ahead of the last
snapshot go back to it, and are rolled up again.
"""

from __future__ import annotations

from typing import Any

import polars as pl
from deltalake.exceptions import TableNotFoundError

from dicomlake.lake.log.delta import damaged, open_delta
from dicomlake.lake.write.folder import make_lake_folder
from dicomlake.lake.write.lock import NO_WAITING, LakeLock, Waiting
from dicomlake.lake.write.snapshot import NO_SNAPSHOT, Reading, Snapshot
from dicomlake.lake.write.table import Table, json_object
from dicomlake.parts import Location, PartFile, read_parts
from dicomlake.schema import LakeSchema

SNAPSHOT_PARTS = 4
"""At how many part files those of `snapshots` become one: every reader of the lake opens them all."""


class LakeWriter:
    """The tables of a lake, open for one run; `open` makes one.

    Attributes:
        location: the lake.
        schema: its tables.
        tables: these tables by name, open.
        last_snapshot: the last finished run.
    """

    def __init__(self, location: Location, schema: LakeSchema, lock: LakeLock, tables: dict[str, Table], last_snapshot: Snapshot) -> None:
        self.location = location
        self.schema = schema
        self.tables = tables
        self.last_snapshot = last_snapshot
        self._lock = lock
        self._number = max(table.committed_number() for table in tables.values())
        self._found = {name: frozenset(table.parts) for name, table in tables.items()}

    @classmethod
    def open(
        cls,
        location: Location,
        schema: LakeSchema,
        *,
        log_retention_days: int = 3650,
        add_columns: bool = True,
        waiting: Waiting = NO_WAITING,
    ) -> LakeWriter:
        """Take the lock of a lake and open its tables; those that it lacks are made.

        Args:
            location: the lake.
            schema: its tables.
            log_retention_days: how long the logs of new tables are kept.
            add_columns: whether tables get the columns that they lack.
            waiting: how long to wait while another run writes to the lake.

        Raises:
            LakeLocked: another run did so all the time.
            ConfigurationError, NotALake, LakeDamaged, AccessDenied: the lake can't be made, read or written.
        """
        make_lake_folder(location)
        lock = LakeLock(location, waiting)
        lock.acquire()
        try:
            tables = {
                table.name: Table(
                    location, table.name, schema.table(table.name), schema.partition_of(table.name), is_contested=lock.is_contested
                )
                for table in schema.tables
            }
            last = _open_tables(location, tables, log_retention_days, add_columns=add_columns)
            return cls(location, schema, lock, tables, last)
        except BaseException:
            # Tables that were not reached were not fenced where they had to be: the next writer fences them.
            lock.release(clean=not lock.is_contested)
            raise

    @property
    def is_alone(self) -> bool:
        """Whether no other run can be writing."""
        return self._lock.is_held

    def recover(self) -> bool:
        """Undo what a run that died left half done; answers whether there was anything."""
        pinned = self.last_snapshot.table_versions
        files = self.tables["files"]
        files_number = files.committed_number()
        # Without a unit in `files` since the last snapshot, whatever else came since belongs to no finished group, or to an optimize.
        pinned_files = pinned.get("files", 0)
        nothing_finished = files.parts.keys() == files.parts_at(pinned_files).keys() or not files.readings_since(pinned_files)
        units = [table.name for table in self.schema.unit_tables if table.name != "files"]
        targets = {name: pinned.get(name, 0) for name in (*units, *(table.name for table in self.schema.roll_ups))}
        if not nothing_finished:
            for name in units:
                targets[name] = max(targets[name], self.tables[name].version_of_number(files_number))
        else:
            targets["files"] = pinned_files
        ahead = [
            (table, version)
            for table, version in ((self.tables[name], version) for name, version in targets.items())
            if table.parts.keys() != table.parts_at(version).keys()
        ]
        if ahead:
            # Should the run that left this be alive after all, its next commit to `files` finds this one, and is refused.
            files.commit([], [], files_number)
        for table, version in ahead:
            table.roll_back(version, files_number)
        return bool(ahead)

    def close(self) -> None:
        """Let others write. Where the fate of a commit is not known, the next writer fences the tables."""
        self._lock.release(clean=not any(table.is_uncertain for table in self.tables.values()))

    def is_current(self, reading: Reading) -> pl.Expr:
        """Whether a row of `files` was read so, by its ``last_snapshot``."""
        columns = ["snapshot", "config_digest", "engine", "rows_version"]
        finished = read_parts(self.location, self.tables["snapshots"].parts.values(), columns)
        numbers: list[int] = [] if finished is None else finished.filter(reading.made())["snapshot"].to_list()
        current = pl.col("last_snapshot").is_in(numbers)
        # Rows of runs that did not finish: the log says with what they were read.
        since = self.tables["files"].readings_since(self.last_snapshot.table_versions.get("files", 0))
        if since == {str(reading)}:
            current |= pl.col("last_snapshot") > self.last_snapshot.number
        return current

    def next_number(self) -> int:
        """The application transaction of the next commit."""
        self._number += 1
        return self._number

    def pinned_parts(self, name: str) -> dict[str, PartFile]:
        """The part files of a table as the last snapshot pins them."""
        version = self.last_snapshot.table_versions.get(name)
        return {} if version is None else self.tables[name].parts_at(version)

    def has_changed(self, name: str) -> bool:
        """Whether a table has other part files than when it was opened."""
        return self.tables[name].parts.keys() != self._found[name]

    def added_parts(self, name: str) -> list[PartFile]:
        """The part files of a table that it did not have when it was opened."""
        return [part for path, part in self.tables[name].parts.items() if path not in self._found[name]]

    def write_snapshot(self, row: dict[str, Any], summary: dict[str, Any]) -> None:
        """Write the row of `snapshots` that makes the run visible."""
        # Tables that this version of dicomlake does not know stay as they are.
        versions = {name: table.version for name, table in self.tables.items() if name != "snapshots"}
        versions = {**self.last_snapshot.table_versions, **versions}
        table = self.tables["snapshots"]
        values = {**row, "table_versions": json_object(versions), "summary": json_object(summary)}
        frame = pl.DataFrame({name: [value] for name, value in values.items()}, schema_overrides={"sources": pl.List(pl.String)})
        former = list(table.parts.values())
        earlier = read_parts(self.location, former) if len(former) >= SNAPSHOT_PARTS else None
        if earlier is None:
            table.commit(table.write(frame), [], self.next_number())
        else:
            rows = pl.concat([earlier, frame], how="diagonal_relaxed").sort("snapshot")
            table.commit(table.write(rows), former, self.next_number())


def _open_tables(location: Location, tables: dict[str, Table], log_retention_days: int, *, add_columns: bool) -> Snapshot:
    snapshots = tables["snapshots"]
    others = [table for table in tables.values() if table is not snapshots]
    if _exists(location, "snapshots"):
        snapshots.open(log_retention_days=log_retention_days, add_columns=add_columns)
        last = _last_snapshot(snapshots)
        for table in others:
            pinned = last.table_versions.get(table.name)
            table.open(log_retention_days=log_retention_days, pinned=pinned, add_columns=add_columns)
        return last
    # The table of snapshots is made last, so without it no other can hold anything.
    for table in others:
        table.open(log_retention_days=log_retention_days)
        if table.parts:
            raise damaged(location, "snapshots", "it is gone")
    snapshots.open(log_retention_days=log_retention_days)
    return NO_SNAPSHOT


def _exists(location: Location, name: str) -> bool:
    try:
        open_delta(location, name)
    except TableNotFoundError:
        return False
    return True


def _last_snapshot(snapshots: Table) -> Snapshot:
    newest = sorted(snapshots.parts.values(), key=_highest_snapshot)[-1:]
    rows = read_parts(snapshots.location, newest, ["snapshot", "table_versions", "config_digest", "settings", "engine", "rows_version"])
    return NO_SNAPSHOT if rows is None else Snapshot.of_row(rows.sort("snapshot").row(-1, named=True))


def _highest_snapshot(part: PartFile) -> int:
    highest = part.highest.get("snapshot")
    return highest if isinstance(highest, int) else 0
