"""A lake as its writer sees it: every table, the last finished run, and how a run that died is undone.

The order of commits is what makes a run safe to kill: `instances` and `findings` first, `files` last, all with one number. A table that
is ahead of `files` belongs to a group of units that never finished, and goes back. Roll-up tables that are ahead of the last snapshot
go back to it, and are rolled up again.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any

import polars as pl
from deltalake.exceptions import TableNotFoundError

from dicomlake.errors import AccessDenied, ConfigurationError, NotALake
from dicomlake.lake.lock import LOCK_NAME, NO_WAITING, LakeLock, Waiting
from dicomlake.lake.log import active_parts, damaged, open_delta
from dicomlake.lake.reader import Lake
from dicomlake.lake.table import Table, json_object
from dicomlake.parts import Location, PartFile, read_parts
from dicomlake.schema import TABLE_NAMES, LakeSchema
from dicomlake.stores import is_object_store

ROLLED_UP_TABLES = ("series", "studies", "patients")

_NO_KEY = re.compile(r"[^!$&-;@-\[\]_a-z~]")
"""Characters of a url that those who open it quote, unquote, or take for its end or for a partition."""

SNAPSHOT_PARTS = 4
"""At how many part files those of `snapshots` become one: every reader of the lake opens them all."""


@dataclass(frozen=True)
class Snapshot:
    """A finished run: its number, the version of every table, and with what it was made."""

    number: int
    table_versions: dict[str, int]
    config_digest: str | None = None
    engine: str | None = None

    def was_read_otherwise(self, config_digest: str, engine: str) -> bool:
        """Whether that run read with another engine or other settings than these."""
        return self.number > 0 and (self.config_digest, self.engine) != (config_digest, engine)


NO_SNAPSHOT = Snapshot(0, {})


def reading_of(config_digest: str, engine: str) -> str:
    """What a commit says of how its rows were read."""
    return f"{config_digest} {engine}"


def known_files(location: Location) -> tuple[list[PartFile], Snapshot]:
    """The part files of `files`, and the last snapshot, of a lake that is only looked at; nothing where there is no lake.

    Raises:
        LakeDamaged: the lake can't be read.
    """
    try:
        row = Lake(location.url, location.storage_options).row
        parts = active_parts(open_delta(location, "files"), "files")
    except NotALake:
        return [], NO_SNAPSHOT
    except TableNotFoundError:
        raise damaged(location, "files", "it is gone") from None
    return list(parts.values()), _snapshot_of(row)


class LakeWriter:
    """The tables of a lake, open for one run."""

    def __init__(
        self,
        location: Location,
        schema: LakeSchema,
        *,
        log_retention_days: int = 3650,
        add_columns: bool = True,
        waiting: Waiting = NO_WAITING,
    ) -> None:
        self.location = location
        self.schema = schema
        self._make_folder()
        self._lock = LakeLock(location, waiting)
        self._lock.acquire()
        self.tables = {
            name: Table(
                location,
                name,
                schema.table(name),
                schema.partition_by if name == "instances" else None,
                is_contested=self._lock.is_contested,
            )
            for name in TABLE_NAMES
        }
        self._is_open = False
        try:
            self.last_snapshot = self._open_tables(log_retention_days, add_columns=add_columns)
            self._is_open = True
        except BaseException:
            self.close()
            raise
        self._number = max(table.committed_number() for table in self.tables.values())
        self._found = {name: frozenset(table.parts) for name, table in self.tables.items()}

    def _open_tables(self, log_retention_days: int, *, add_columns: bool) -> Snapshot:
        snapshots = self.tables["snapshots"]
        others = [table for table in self.tables.values() if table is not snapshots]
        if _exists(self.location, "snapshots"):
            snapshots.open(log_retention_days=log_retention_days, add_columns=add_columns)
            last = self._read_last_snapshot()
            for table in others:
                pinned = last.table_versions.get(table.name)
                table.open(log_retention_days=log_retention_days, pinned=pinned, add_columns=add_columns)
            return last
        # The table of snapshots is made last, so without it no other can hold anything.
        for table in others:
            table.open(log_retention_days=log_retention_days)
            if table.parts:
                raise damaged(self.location, "snapshots", "it is gone")
        snapshots.open(log_retention_days=log_retention_days)
        return NO_SNAPSHOT

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
        targets = {name: pinned.get(name, 0) for name in ("instances", "findings", *ROLLED_UP_TABLES)}
        if not nothing_finished:
            for name in ("instances", "findings"):
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
        """Let others write. Where not all tables were fenced that had to be, the next one fences them."""
        is_fenced = self._is_open or not self._lock.is_contested
        self._lock.release(clean=is_fenced and not any(table.is_uncertain for table in self.tables.values()))

    def is_current(self, config_digest: str, engine: str) -> pl.Expr:
        """Whether a row of `files` was read with this configuration and engine, by its ``last_snapshot``."""
        finished = read_parts(self.location, self.tables["snapshots"].parts.values(), ["snapshot", "config_digest", "engine"])
        numbers: list[int] = []
        if finished is not None:
            same = (pl.col("config_digest") == config_digest) & (pl.col("engine") == engine)
            numbers = finished.filter(same)["snapshot"].to_list()
        current = pl.col("last_snapshot").is_in(numbers)
        # Rows of runs that did not finish: the log says with what they were read.
        since = self.tables["files"].readings_since(self.last_snapshot.table_versions.get("files", 0))
        if since == {reading_of(config_digest, engine)}:
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
        versions = {name: table.version for name, table in self.tables.items() if name != "snapshots"}
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

    def _make_folder(self) -> None:
        if not self.location.is_local:
            # In some of these a reader sees a quoted key, in others the beginning of something else.
            if is_object_store(self.location.url) and (found := _NO_KEY.search(self.location.url)):
                raise ConfigurationError(
                    f"lake {self.location.url!r} can't be made: readers of Delta tables find no url with {found[0]!r}; name another"
                )
            return
        path = self.location.url
        try:
            if unreadable := sorted({character for character in path if character in "%\\" or not character.isprintable()}):
                raise ConfigurationError(
                    f"lake {path!r} can't be made: readers of Delta tables find no path with {unreadable[0]!r}; name another"
                )
            if os.path.isdir(path):
                names = set(os.listdir(path)) - {LOCK_NAME}
                if not names:
                    os.chmod(path, 0o700)  # it will hold patients' data
                if names and not names & set(TABLE_NAMES):
                    raise NotALake(f"{path} is a folder with other things in it, and no lake; name a new or empty folder")
            else:
                os.makedirs(path, mode=0o700)
        except OSError as error:
            raise AccessDenied(f"lake {path} can't be made: {error.strerror}; name a folder that can be written") from None

    def _read_last_snapshot(self) -> Snapshot:
        table = self.tables["snapshots"]
        newest = sorted(table.parts.values(), key=_highest_snapshot)[-1:]
        rows = read_parts(self.location, newest, ["snapshot", "table_versions", "config_digest", "engine"])
        if rows is None:
            return NO_SNAPSHOT
        return _snapshot_of(rows.sort("snapshot").row(-1, named=True))


def _exists(location: Location, name: str) -> bool:
    try:
        open_delta(location, name)
    except TableNotFoundError:
        return False
    return True


def _snapshot_of(row: dict[str, Any]) -> Snapshot:
    return Snapshot(row["snapshot"], json.loads(row["table_versions"]), row["config_digest"], row["engine"])


def _highest_snapshot(part: PartFile) -> int:
    highest = part.highest.get("snapshot")
    return highest if isinstance(highest, int) else 0
