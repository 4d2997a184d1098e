"""Removing what no kept snapshot needs: part files, and the right to go back to a snapshot.

Delta's own vacuum is not used. One time rules there what goes of removed files and of files that no commit named, so that it would take
what a run is writing or leave what a night removed; and it commits to each table twice, so that a table would move without a run. Here
the part files on disk are held against those that the kept versions name, and what is left goes; then the commits before those versions.

The rows of `snapshots` stay, without their table versions: the numbers in `first_snapshot`, `last_snapshot` and `snapshot` would mean
nothing any more, and a run tells by them with which settings a file was read. They are closed first and the files removed after that,
so that a vacuum which is killed in between only leaves files to the next.

A run vacuums too, after its own row of `snapshots`, when enough snapshots have expired (`close_expired`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from dicomlake.errors import AccessDenied
from dicomlake.lake.log.delta import active_parts, cut_log, damaged, open_delta
from dicomlake.lake.log.history import LogHistory, read_history
from dicomlake.lake.read.reader import Lake
from dicomlake.lake.write.lock import NO_WAITING, LakeLock, Waiting
from dicomlake.lake.write.table import Table
from dicomlake.lake.write.writer import LakeWriter
from dicomlake.parts import Location, part_sizes, read_parts
from dicomlake.schema import LakeSchema, table_names

READER_TIME = timedelta(hours=1)
"""How long a snapshot stays after a later one took its place, whatever is to be kept: who opened the lake before is still reading it. A
part file of `snapshots` stays as long after its removal: a reader that has just looked up the table's version opens it next."""

UNIT_TIME = timedelta(days=1)
"""How old a part file that no version names must be to go where there is no lock: until then a run may be about to commit it."""

ALWAYS_KEPT = 10
"""So many of the last snapshots no run closes, however old: a lake that is indexed once a month is to tell what changed, too."""

EXPIRED_AT_ONCE = 7
EXPIRED_SHARE = 1 / 10
"""A run looks for what can go when so many snapshots have expired, or so much of them: it lists every part file and reads every log."""


@dataclass(frozen=True)
class Removable:
    """A part file that no kept snapshot needs; ``known`` is whether any version of its table ever named it."""

    table: str
    path: str
    size: int
    known: bool


@dataclass(frozen=True)
class VacuumReport:
    """The snapshots and part files that were removed, or would be in a dry run."""

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
        keep: a snapshot is kept when its run finished within this time; the last one always is, and what was the last one within
            ``READER_TIME``.
        dry_run: only find out.
        waiting: how long to wait while a run writes to the lake.

    Raises:
        NotALake: there is no lake.
        LakeLocked: a run is writing to it.
        LakeDamaged: a kept snapshot can't be read; nothing was removed.
        AccessDenied: the lake can't be written.
    """
    lake = Lake(location.url, location.storage_options)  # where there is none, no lock is left behind
    tables = [name for name in table_names() if name in lake.table_versions or name == "snapshots"]
    lock = LakeLock(location, waiting)
    lock.acquire()
    try:
        return _vacuum(location, tables, _earliest(datetime.now(UTC), keep), dry_run=dry_run, is_alone=lock.is_held)
    finally:
        lock.release(clean=not lock.is_contested)  # whoever had it before may still live: nothing was fenced


def close_expired(writer: LakeWriter, keep: timedelta, now: datetime) -> VacuumReport | None:
    """Vacuum at the end of a run, when it has written its row of `snapshots`, if enough snapshots have expired by then.

    Args:
        writer: the lake, which nobody else is writing to where there are locks.
        keep: a snapshot expires so long after its run finished; the last ``ALWAYS_KEPT`` never do.
        now: by which clock.

    Returns:
        What went; None where it was too little to look for.

    Raises:
        LakeDamaged: a snapshot that has not expired can't be read; nothing was removed.
        AccessDenied: the lake can't be written.
    """
    snapshots = read_parts(writer.location, writer.tables["snapshots"].parts.values(), ["snapshot", "finished", "table_versions"])
    if snapshots is None:
        return None
    finished = snapshots.filter(pl.col("table_versions").is_not_null()).sort("snapshot")
    last = finished.tail(ALWAYS_KEPT)["finished"].to_list()
    earliest = min([_earliest(now, keep), *last])
    expired = finished.filter(~_is_kept(earliest, now)).height
    if expired == 0 or (expired < EXPIRED_AT_ONCE and expired < finished.height * EXPIRED_SHARE):
        return None
    return _vacuum(writer.location, list(writer.tables), earliest, dry_run=False, is_alone=writer.is_alone)


def _vacuum(location: Location, tables: Sequence[str], earliest: datetime, *, dry_run: bool, is_alone: bool) -> VacuumReport:
    now = datetime.now(UTC)
    # Where there is no lock a run may commit meanwhile. So part files are listed first, then snapshots, and logs last: what comes in
    # between is needed, or counts as unknown and is too young to go.
    present = {name: part_sizes(location, name) for name in tables}
    finished = Lake(location.url, location.storage_options).snapshots.collect()
    is_kept = _is_kept(earliest, now)
    kept, closed = finished.filter(is_kept), finished.filter(~is_kept)
    versions = [json.loads(text) for text in kept["table_versions"]]
    histories = {name: read_history(location, name) for name in tables}
    removed: list[Removable] = []
    for name, files in present.items():
        history = histories[name]
        needed = _needed(location, name, history, {snapshot[name] for snapshot in versions if name in snapshot}, files)
        if name == "snapshots":
            needed |= history.paths_removed_since(_milliseconds(now - READER_TIME))
        ever = history.paths_ever()
        for path, size in sorted(files.items()):
            if path not in needed and (path in ever or is_alone or _is_old(location, name, path, now)):
                removed.append(Removable(name, path, size, path in ever))
    report = VacuumReport(tuple(kept["snapshot"]), tuple(closed["snapshot"]), tuple(removed), dry_run)
    if not dry_run:
        if closed.height:
            _close(location, closed["snapshot"])
        for part in removed:
            _remove(location, part)
        _cut_logs(location, tables, versions, histories["snapshots"], now)
    return report


def _is_kept(earliest: datetime, now: datetime) -> pl.Expr:
    """Which snapshots are kept, of rows in the order of their numbers."""
    replaced = pl.col("finished").shift(-1)
    return (pl.col("finished") >= earliest) | replaced.is_null() | (replaced > now - READER_TIME)


def _needed(location: Location, name: str, history: LogHistory, kept: set[int], present: Mapping[str, int]) -> set[str]:
    """The paths that a kept version of a table names, or one since the last snapshot: runs that died left them to the next one.

    A kept version of which a part file is not among those present stops everything: the lake is damaged, or its paths are misunderstood.
    """
    paths = history.paths_of(kept)
    if kept:
        if min(kept) < history.first or max(kept) > history.last:
            raise damaged(location, name, f"its log lacks a version from {min(kept)} to {max(kept)}, which snapshots pin")
        if history.paths_of([max(kept)]) != active_parts(open_delta(location, name, max(kept)), name).keys():
            raise damaged(location, name, f"its commits and its checkpoints differ at version {max(kept)}")
    if lost := sorted(paths - present.keys()):
        raise damaged(location, name, f"part file {lost[0]} is gone")
    return paths | history.paths_since(max(kept, default=history.last))


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


def _cut_logs(location: Location, tables: Sequence[str], kept: list[dict[str, int]], snapshots: LogHistory, now: datetime) -> None:
    """Each night adds a commit to each log, which every reader lists."""
    try:
        for name in tables:
            if name == "snapshots":
                # No version of it is pinned; what was removed recently stands in the log until its time has come.
                recent = _milliseconds(now - READER_TIME)
                earlier = [version for version, milliseconds in snapshots.times.items() if milliseconds < recent]
                cut_log(location, name, max(earlier, default=0))
            elif all(name in snapshot for snapshot in kept):
                cut_log(location, name, min(snapshot[name] for snapshot in kept))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise AccessDenied(f"logs of {location.url} can't be cut: {reason}; check permissions and run again") from None


def _is_old(location: Location, table: str, path: str, now: datetime) -> bool:
    try:
        modified: datetime = location.filesystem.modified(location.join(table, *path.split("/")))
    except FileNotFoundError:
        return False
    return modified < now - UNIT_TIME


def _earliest(now: datetime, keep: timedelta) -> datetime:
    try:
        return now - keep
    except OverflowError:  # longer than there has been a calendar
        return datetime.min.replace(tzinfo=UTC)


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
