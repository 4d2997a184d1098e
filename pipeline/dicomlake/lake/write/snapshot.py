"""Finished runs as a writer knows them: how the lake was read, and which version of each table it pins."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from deltalake.exceptions import TableNotFoundError

from dicomlake.errors import NotALake
from dicomlake.lake.log.delta import active_parts, damaged, open_delta
from dicomlake.lake.read.snapshot_view import SnapshotView
from dicomlake.parts import Location, PartFile


@dataclass(frozen=True)
class Snapshot:
    """A finished run: its number, the version of every table, and with what it was made."""

    number: int
    table_versions: dict[str, int]
    config_digest: str | None = None
    engine: str | None = None

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Snapshot:
        """The run that a row of `snapshots` tells of."""
        return cls(row["snapshot"], json.loads(row["table_versions"]), row["config_digest"], row["engine"])

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
        row = SnapshotView(location.url, location.storage_options).row
        parts = active_parts(open_delta(location, "files"), "files")
    except NotALake:
        return [], NO_SNAPSHOT
    except TableNotFoundError:
        raise damaged(location, "files", "it is gone") from None
    return list(parts.values()), Snapshot.of_row(row)
