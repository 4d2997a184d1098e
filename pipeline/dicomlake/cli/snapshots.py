"""The snapshots of a lake, a line each: what ``info --snapshots`` shows."""

from __future__ import annotations

from json import loads
from typing import TYPE_CHECKING, Any

from dicomlake.cli.screen import print_table
from dicomlake.cli.table import Heading, number
from dicomlake.cli.visible import cell, json_text

if TYPE_CHECKING:
    from dicomlake.lake import Lake

_COUNTS = {
    "listed": "files_listed",
    "new": "files_new",
    "changed": "files_changed",
    "missing": "files_missing",
    "failed": "files_failed",
}


def list_snapshots(lake: Lake, *, json: bool) -> None:
    """Print the snapshots, the oldest first; ``json`` for a program."""
    rows = snapshots_of(lake)
    if json:
        print(json_text({"lake": lake.location.url, "snapshots": rows}))
        return
    headings = [
        number("snapshot"),
        Heading("kind"),
        Heading("finished (UTC)", is_text=False),
        *map(number, _COUNTS),
        Heading("engine"),
    ]
    print_table(headings, [_line(row) for row in rows])


def snapshots_of(lake: Lake) -> list[dict[str, Any]]:
    """The rows of `snapshots`, with the versions of the tables and the summary as objects."""
    rows = lake.snapshots.collect().iter_rows(named=True)
    return [{**row, "table_versions": loads(row["table_versions"]), "summary": loads(row["summary"])} for row in rows]


def _line(row: dict[str, Any]) -> list[str]:
    counts = (row["summary"].get(name) for name in _COUNTS.values())  # an upkeep of the lake counts other things
    return [
        str(row["snapshot"]),
        cell(row["kind"]),
        f"{row['finished']:%Y-%m-%d %H:%M:%S}",
        *("" if count is None else f"{count:,}" for count in counts),
        cell(row["engine"]),
    ]
