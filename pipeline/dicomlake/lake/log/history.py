"""The past of a Delta table: the part files that each version named, from one reading of its commits."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from dicomlake.lake.log.delta import CHECKPOINT, COMMIT, active_parts, damaged, log_versions, open_delta
from dicomlake.parts import Location

_COMMITS_AT_ONCE = 64


@dataclass
class Stay:
    """For how long a table named a part file: from the version ``added`` on, and before the version ``removed`` (None: it still does)."""

    path: str
    added: int
    removed: int | None = None
    removed_milliseconds: int = 0


@dataclass
class LogHistory:
    """The versions ``first`` to ``last`` of a table, as its log has them.

    ``stays`` has a part file more than once that a roll-back brought back. ``before`` are part files that are known of versions before the
    first, which can't be opened any more. ``times`` is when each version was committed, in milliseconds since 1970.
    """

    first: int
    last: int
    stays: list[Stay] = field(default_factory=list)
    before: set[str] = field(default_factory=set)
    times: dict[int, int] = field(default_factory=dict)

    def paths_ever(self) -> set[str]:
        """Every part file that the log knows of."""
        return self.before | {stay.path for stay in self.stays}

    def paths_of(self, versions: Collection[int]) -> set[str]:
        """The part files that at least one of some versions names."""
        ordered = sorted(versions)
        named: set[str] = set()
        for stay in self.stays:
            at = bisect_left(ordered, stay.added)
            if at < len(ordered) and (stay.removed is None or ordered[at] < stay.removed):
                named.add(stay.path)
        return named

    def paths_since(self, version: int) -> set[str]:
        """The part files that the last version names, or that any commit after a version added."""
        return {stay.path for stay in self.stays if stay.removed is None or stay.added > version}

    def paths_removed_since(self, milliseconds: int) -> set[str]:
        """The part files that were removed at or after a time (milliseconds since 1970)."""
        return {stay.path for stay in self.stays if stay.removed is not None and stay.removed_milliseconds >= milliseconds}


def read_history(location: Location, name: str) -> LogHistory:
    """Read the log of a table.

    Raises:
        LakeDamaged: there is none, or a commit is missing or can't be read.
    """
    try:
        commits, checkpoints = (log_versions(location, name, pattern) for pattern in (COMMIT, CHECKPOINT))
    except FileNotFoundError:
        raise damaged(location, name, "it is gone") from None
    earliest = min(commits, default=0)
    history = LogHistory(0, -1)
    stays: dict[str, Stay] = {}
    if 0 not in commits:
        # The log was cut: it begins with its first checkpoint, and earlier commits are what a cut that was broken off left.
        history.first = history.last = min((version for version in checkpoints if version >= earliest), default=-1)
        if history.first < 0:
            raise damaged(location, name, "its log has no beginning")
        stays = {path: Stay(path, history.first) for path in active_parts(_open(location, name, history.first), name)}
        history.stays += stays.values()
    for version, actions in _commits(location, name, commits):
        if version <= history.first and 0 not in commits:
            history.before.update(unquote(action["add"]["path"]) for action in actions if "add" in action)
            continue
        if version != history.last + 1:
            raise damaged(location, name, f"commit {history.last + 1} of its log is gone")
        history.last = version
        _apply(history, stays, actions)
    return history


def _apply(history: LogHistory, stays: dict[str, Stay], actions: list[dict[str, Any]]) -> None:
    """Carry the history on by the actions of a commit; ``stays`` are those that still last."""
    for action in actions:
        if removal := action.get("remove"):
            stay = stays.pop(unquote(removal["path"]), None)
            if stay is not None:
                stay.removed, stay.removed_milliseconds = history.last, removal.get("deletionTimestamp") or 0
        elif addition := action.get("add"):
            stay = Stay(unquote(addition["path"]), history.last)
            stays[stay.path] = stay
            history.stays.append(stay)
        elif information := action.get("commitInfo"):
            history.times[history.last] = information.get("timestamp") or 0


def _commits(location: Location, name: str, commits: dict[int, str]) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    ordered = sorted(commits.items())
    for start in range(0, len(ordered), _COMMITS_AT_ONCE):
        some = ordered[start : start + _COMMITS_AT_ONCE]
        # Together, since a store answers many requests in the time of one.
        contents = location.filesystem.cat_ranges([path for _, path in some], None, None, on_error="raise")
        for (version, _), content in zip(some, contents, strict=True):
            try:
                actions = [json.loads(line) for line in content.splitlines() if line.strip()]
            except ValueError:
                raise damaged(location, name, f"commit {version} of its log is no JSON") from None
            if not actions:
                raise damaged(location, name, f"commit {version} of its log is empty")
            yield version, actions


def _open(location: Location, name: str, version: int) -> DeltaTable:
    try:
        return open_delta(location, name, version)
    except TableNotFoundError:
        raise damaged(location, name, "it is gone") from None
