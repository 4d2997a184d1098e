"""What a Delta log says of part files."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from dicomlake.parts import Location, PartFile


def open_delta(location: Location, name: str, version: int | None = None) -> DeltaTable:
    """Open a table of a lake.

    Raises:
        TableNotFoundError, DeltaError, OSError: deltalake's own; the callers say what they mean for the lake.
    """
    return DeltaTable(f"{location.url}/{name}", version=version, storage_options=delta_options(location))


def delta_options(location: Location) -> dict[str, str] | None:
    """A lake's storage options as deltalake wants them."""
    return {key: str(value) for key, value in location.storage_options.items()} or None


def active_parts(delta: DeltaTable, name: str) -> dict[str, PartFile]:
    """The part files of the version that is open, by path."""
    actions = pl.DataFrame(pa.table(delta.get_add_actions(flatten=False)))
    return {part.path: part for part in (_part_of(name, row) for row in actions.iter_rows(named=True))}


def paths_ever_named(location: Location, name: str) -> set[str]:
    """Every part file that a commit of the log added, of whatever version."""
    filesystem = location.filesystem
    paths: set[str] = set()
    # The lake's own path may have characters of a pattern in it, so nothing is globbed.
    for path in filesystem.ls(location.join(name, "_delta_log"), detail=False):
        if not path.endswith(".json"):
            continue
        for line in filesystem.cat_file(path).splitlines():
            if b'"add"' in line:
                paths.add(unquote(json.loads(line)["add"]["path"]))
    return paths


def _part_of(name: str, row: dict[str, Any]) -> PartFile:
    partition = next(iter((row.get("partition") or {}).values()), None)
    return PartFile(
        table=name,
        path=unquote(row["path"]),  # the log quotes paths as urls do
        size=row["size_bytes"],
        rows=row["num_records"],
        partition=partition,
        lowest=dict(row.get("min") or {}),
        highest=dict(row.get("max") or {}),
        null_count={key: count for key, count in (row.get("null_count") or {}).items() if isinstance(count, int)},
        modification_time=row["modification_time"],
    )
