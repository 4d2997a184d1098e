"""Finished runs as a writer knows them: how the lake was read, and which version of each table it pins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from deltalake.exceptions import TableNotFoundError

from dicomlake.errors import NotALake
from dicomlake.lake.log.delta import active_parts, damaged, open_delta
from dicomlake.lake.read.snapshot_view import SnapshotView
from dicomlake.parts import Location, PartFile


@dataclass(frozen=True)
class Reading:
    """How the rows of a run were read: rows that were read otherwise are read again. A new release alone changes nothing here.

    Attributes:
        config_digest: that of the settings that change rows.
        engine: the name of the engine.
        rows_version: the meaning of the rows.
    """

    config_digest: str
    engine: str
    rows_version: int

    def __str__(self) -> str:
        """The mark that a commit carries for its rows."""
        return f"{self.config_digest} {self.engine} {self.rows_version}"

    def made(self) -> pl.Expr:
        """Whether a row of `snapshots` tells of a run that read so."""
        return (
            pl.col("config_digest").eq_missing(self.config_digest)
            & pl.col("engine").str.split(" ").list.first().eq_missing(self.engine)
            & pl.col("rows_version").cast(pl.Int64).eq_missing(self.rows_version)
        )


@dataclass(frozen=True)
class Snapshot:
    """A finished run: its number, the version of every table, how it read, and the settings that change rows."""

    number: int
    table_versions: dict[str, int]
    reading: Reading | None = None
    settings: dict[str, Any] | None = None

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Snapshot:
        """The run that a row of `snapshots` tells of."""
        reading = Reading(row["config_digest"], str(row["engine"]).partition(" ")[0], row.get("rows_version") or 0)
        return cls(row["snapshot"], json.loads(row["table_versions"]), reading, settings_of(row))

    def difference(self, reading: Reading, settings: Mapping[str, Any]) -> str | None:
        """One line that names the reason to read its rows again; None where there is none."""
        if self.reading is None or self.reading == reading:
            return None
        if self.reading.rows_version != reading.rows_version:
            return f"this version of dicomlake gives rows another meaning than snapshot {self.number} has: every file is read again"
        former, now = _flat(self.settings or {}), _flat(settings)
        names = ", ".join(sorted(name for name in former.keys() | now.keys() if former.get(name) != now.get(name)))
        return f"settings differ from those of snapshot {self.number}{f' ({names})' if names else ''}: every file is read again"


NO_SNAPSHOT = Snapshot(0, {})


def settings_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The settings that change rows, as a row of `snapshots` keeps them; None where an earlier version wrote it."""
    kept = row.get("settings")
    return None if kept is None else dict(json.loads(kept))


def _flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return flat


def known_files(location: Location) -> tuple[list[PartFile], Snapshot]:
    """The part files of `files`, and the last snapshot, of a lake that is only looked at; nothing where there is no lake.

    Raises:
        LakeDamaged: the lake can't be read.
    """
    try:
        row = SnapshotView(location.url, location.storage_options).row
        parts = active_parts(open_delta(location, "files"), "files")
    except NotALake:
        return [], NO_SNAPSHOT
    except TableNotFoundError:
        raise damaged(location, "files", "it is gone") from None
    return list(parts.values()), Snapshot.of_row(row)
