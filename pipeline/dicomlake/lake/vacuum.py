"""Removing what no kept snapshot needs: part files, and the right to go back to a snapshot.

Delta's own vacuum is not used. One time rules there what goes of removed files and of files that no commit named, so that it would take
what a run is writing or leave what a night removed; and it commits to each table twice, so that a table would move without a run. Here
the part files on disk are held against those that the kept versions name, and what is left goes; then the commits before those versions.

The rows of `snapshots` stay, without their table versions: the numbers in `first_snapshot`, `last_snapshot` and `snapshot` would mean
nothing any more, and a run tells by them with which settings a file was read. They are closed first and the files removed after that,
so that a vacuum which is killed in between only leaves files to the next.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
from deltalake.exceptions import TableNotFoundError

from dicomlake.errors import AccessDenied
from dicomlake.lake.lock import NO_WAITING, LakeLock, Waiting
from dicomlake.lake.log import active_parts, cut_log, damaged, open_delta, paths_added_after, paths_ever_named, paths_removed_since
from dicomlake.lake.reader import Lake
from dicomlake.lake.table import Table
from dicomlake.parts import Location, part_sizes, read_parts
from dicomlake.schema import TABLE_NAMES, LakeSchema

READER_TIME = timedelta(hours=1)
"""How long a part file of `snapshots` stays after its removal: a reader that has just looked up the table's version opens it next."""

UNIT_TIME = timedelta(days=1)
"""How old a part file that no version names must be to go where there is no lock: until then a run may be about to commit it."""


@dataclass(frozen=True)
class Removable:
    """A part file that no kept snapshot needs; ``known`` is whether any version of its table ever named it."""

    table: str
    path: str
    size: int
    known: bool


@dataclass(frozen=True)
class VacuumReport:
    """What went, or would go in a dry run: snapshots, and part files."""

    kept: tuple[int, ...]
    closed: tuple[int, ...]
    removed: tuple[Removable, ...]
    dry_run: bool

    @property
    def bytes(self) -> int:
        """The bytes of the part files."""
        return sum(part.size for part in self.removed)


def vacuum(location: Location, keep: timedelta, *, dry_run: bool = False, waiting: Waiting = NO_WAITING) -> VacuumReport:
    """Remove the part files that no kept snapshot names, and close the snapshots that are not kept.

    Args:
        location: the lake.
        keep: a snapshot is kept when its run finished within this time; the last one always is.
        dry_run: only find out.
        waiting: how long to wait while a run writes to the lake.

    Raises:
        NotALake: there is no lake.
        LakeLocked: a run is writing to it.
        LakeDamaged: a kept snapshot can't be read; nothing was removed.
        AccessDenied: the lake can't be written.
    """
    Lake(location.url, location.storage_options)  # where there is none, no lock is left behind
    lock = LakeLock(location, waiting)
    lock.acquire()
    try:
        return _vacuum(location, keep, dry_run=dry_run, is_alone=lock.is_held)
    finally:
        lock.release()


def _vacuum(location: Location, keep: timedelta, *, dry_run: bool, is_alone: bool) -> VacuumReport:
    now = datetime.now(UTC)
    # Where there is no lock a run may commit meanwhile. So part files are listed first, and logs are read for what was ever named before
    # they are read for what is needed: what comes in between is needed, or counts as unknown and is too young to go.
    present = {name: part_sizes(location, name) for name in TABLE_NAMES}
    ever = {name: paths_ever_named(location, name) for name in TABLE_NAMES}
    finished = Lake(location.url, location.storage_options).snapshots.collect()
    is_kept = (pl.col("finished") >= _earliest(now, keep)) | (pl.col("snapshot") == pl.col("snapshot").max())
    kept, closed = finished.filter(is_kept), finished.filter(~is_kept)
    versions = [json.loads(text) for text in kept["table_versions"]]
    needed = _needed(location, versions, present)
    needed["snapshots"] |= paths_removed_since(location, "snapshots", _milliseconds(now - READER_TIME))
    removed: list[Removable] = []
    for name, files in present.items():
        for path, size in sorted(files.items()):
            known = path in ever[name]
            if path not in needed[name] and (known or is_alone or _is_old(location, name, path, now)):
                removed.append(Removable(name, path, size, known))
    report = VacuumReport(tuple(kept["snapshot"]), tuple(closed["snapshot"]), tuple(removed), dry_run)
    if not dry_run:
        if closed.height:
            _close(location, closed["snapshot"])
        for part in removed:
            _remove(location, part)
        _cut_logs(location, versions, now)
    return report


def _needed(location: Location, kept: list[dict[str, int]], present: Mapping[str, Mapping[str, int]]) -> dict[str, set[str]]:
    """The paths, by table, that a kept version names, or one since the last snapshot: runs that died left them to the next one.

    A kept version of which a part file is not among those present stops everything: the lake is damaged, or its paths are misunderstood.
    """
    needed: dict[str, set[str]] = {name: set() for name in TABLE_NAMES}
    for name, paths in needed.items():
        versions = {snapshot[name] for snapshot in kept if name in snapshot}
        try:
            for version in sorted(versions):
                paths.update(active_parts(open_delta(location, name, version), name))
            if lost := sorted(paths - present[name].keys()):
                raise damaged(location, name, f"part file {lost[0]} is gone")
            paths.update(active_parts(open_delta(location, name), name))
        except TableNotFoundError:
            raise damaged(location, name, "it is gone") from None
        if versions:
            paths.update(paths_added_after(location, name, max(versions)))
    return needed


def _close(location: Location, numbers: pl.Series) -> None:
    """Take their table versions from the rows of snapshots: no reader can open them any more."""
    table = Table(location, "snapshots", LakeSchema.build().table("snapshots"), None)
    table.open(add_columns=False)
    former = list(table.parts.values())
    rows = read_parts(location, former)
    if rows is None:
        return
    is_closed = pl.col("snapshot").is_in(numbers.implode())
    versions = pl.when(~is_closed).then("table_versions").alias("table_versions")
    table.commit(table.write(rows.with_columns(versions).sort("snapshot")), former, table.committed_number())


def _remove(location: Location, part: Removable) -> None:
    path = location.join(part.table, *part.path.split("/"))
    try:
        if location.is_local:
            os.unlink(path)
        else:
            location.filesystem.rm_file(path)
    except FileNotFoundError:
        return
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise AccessDenied(f"part file {part.path} of {location.url} can't be removed: {reason}; check permissions and run again") from None


def _cut_logs(location: Location, kept: list[dict[str, int]], now: datetime) -> None:
    """Each night adds a commit to each log, which every reader lists."""
    try:
        for name in TABLE_NAMES:
            if name == "snapshots":
                # No version of it is pinned; what was removed of late stands in the log until its time has come.
                recent = _milliseconds(now - READER_TIME)
                earlier = [entry["version"] for entry in open_delta(location, name).history() if entry["timestamp"] < recent]
                cut_log(location, name, max(earlier, default=0))
            elif all(name in snapshot for snapshot in kept):
                cut_log(location, name, min(snapshot[name] for snapshot in kept))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise AccessDenied(f"logs of {location.url} can't be cut: {reason}; check permissions and run again") from None


def _is_old(location: Location, table: str, path: str, now: datetime) -> bool:
    modified: datetime = location.filesystem.modified(location.join(table, *path.split("/")))
    return modified < now - UNIT_TIME


def _earliest(now: datetime, keep: timedelta) -> datetime:
    try:
        return now - keep
    except OverflowError:  # longer than there has been a calendar
        return datetime.min.replace(tzinfo=UTC)


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
