"""``info``: the content of a lake."""

from __future__ import annotations

import shlex
from json import loads
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dicomlake.cli.options import JsonOption, LakeArgument, StoreConfigOption
from dicomlake.cli.output.screen import print_table
from dicomlake.cli.output.table import Heading, number
from dicomlake.cli.output.values import cell, json_text, size_text
from dicomlake.errors import NotALake
from dicomlake.printable import printable

if TYPE_CHECKING:
    from dicomlake.lake import Lake, Unfinished
    from dicomlake.parts import PartFile

_SNAPSHOT_COLUMNS = ("snapshot", "kind", "started", "finished", "sources", "engine", "dicomlake_version")
_SNAPSHOT_COUNTS = {
    "listed": "files_listed",
    "new": "files_new",
    "changed": "files_changed",
    "missing": "files_missing",
    "failed": "files_failed",
}


def info(
    lake: LakeArgument,
    *,
    snapshots: Annotated[bool, typer.Option("--snapshots", help="List the snapshots instead, a line for each finished run.")] = False,
    settings: Annotated[bool, typer.Option("--settings", help="Print the settings that change rows instead, as a configuration.")] = False,
    config: StoreConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show the content of a lake.

    Its last run, its sources, its tables with rows and sizes, and the files by status and code. Where the first run has not finished: what
    is committed, and how to go on.
    """
    from dicomlake.cli.lakes import lake_at, location_of
    from dicomlake.lake import unfinished_at

    try:
        opened = lake_at(lake, config)
    except NotALake:
        left = None if snapshots or settings else unfinished_at(location_of(lake, config))
        if left is None:
            raise
        _print_unfinished(location_of(lake, config).url, left, json=json)
        return
    if snapshots:
        _print_snapshots(opened, json=json)
        return
    if settings:
        _print_settings(opened, json=json)
        return
    described = describe(opened)
    if json:
        print(json_text(described))
    else:
        _print(described)


def _print_unfinished(url: str, left: Unfinished, *, json: bool) -> None:
    """Print what a first run has committed, and the command that goes on."""
    if json:
        print(json_text({"lake": url, "snapshot": None, "sources": left.sources, "statuses": left.statuses}))
        return
    counts = ", ".join(f"{count:,} {status}" for status, count in left.statuses.items())
    print(f"{printable(url)}: no run has finished; the first one broke off, or is still under way")
    print(f"{left.files:,} files are committed{f': {counts}' if counts else ''}")
    for source in left.sources:
        print(f"source {printable(source)}")
    sources = " ".join(shlex.quote(printable(source)) for source in left.sources) or "SOURCE"
    print(f"to go on, run the same command again: dicomlake index {sources} --lake {shlex.quote(printable(url))}")


def _print_settings(lake: Lake, *, json: bool) -> None:
    import yaml

    from dicomlake.lake import settings_of

    kept = settings_of(lake.row) or {}
    print(json_text(kept) if json else yaml.safe_dump(kept, sort_keys=False, allow_unicode=False), end="\n" if json else "")


def describe(lake: Lake) -> dict[str, Any]:
    """The output of ``info``, as one object."""
    row = lake.row
    counts = _counts(lake)
    return {
        "lake": lake.location.url,
        **{name: row[name] for name in _SNAPSHOT_COLUMNS},
        "tables": {name: _size(lake.parts(name)) for name in sorted(lake.table_versions)},
        "statuses": _totals(counts, "status"),
        "codes": _totals(counts, "code"),
    }


def _size(parts: list[PartFile]) -> dict[str, int]:
    return {"rows": sum(part.rows for part in parts), "part_files": len(parts), "bytes": sum(part.size for part in parts)}


def _counts(lake: Lake) -> list[dict[str, Any]]:
    import polars as pl

    return lake.files.group_by("status", "code").agg(pl.len().alias("files")).collect().to_dicts()


def _totals(counts: list[dict[str, Any]], key: str) -> dict[str, int]:
    """Files by status or code, the most frequent first."""
    totals: dict[str, int] = {}
    for row in counts:
        if row[key] is not None:
            totals[row[key]] = totals.get(row[key], 0) + row["files"]
    return dict(sorted(totals.items(), key=lambda entry: (-entry[1], entry[0])))


def _print(described: dict[str, Any]) -> None:
    finished = described["finished"]
    print(f"{printable(described['lake'])}: snapshot {described['snapshot']} of {finished:%Y-%m-%d %H:%M:%S} UTC")
    print(f"{described['kind']} by dicomlake {cell(described['dicomlake_version'])}, engine {cell(described['engine'])}")
    for source in described["sources"] or []:
        print(f"source {printable(source)}")
    print()
    print_table(
        [Heading("table"), number("rows"), number("part files"), number("size")],
        [[name, f"{size['rows']:,}", f"{size['part_files']:,}", size_text(size["bytes"])] for name, size in described["tables"].items()],
    )
    for title in ("status", "code"):
        totals = described["statuses" if title == "status" else "codes"]
        if totals:
            print()
            print_table([Heading(title), number("files")], [[printable(name), f"{count:,}"] for name, count in totals.items()])


def _print_snapshots(lake: Lake, *, json: bool) -> None:
    """Print the snapshots, the oldest first."""
    rows = _snapshots_of(lake)
    if json:
        print(json_text({"lake": lake.location.url, "snapshots": rows}))
        return
    headings = [
        number("snapshot"),
        Heading("kind"),
        Heading("finished (UTC)", is_text=False),
        *map(number, _SNAPSHOT_COUNTS),
        Heading("engine"),
    ]
    print_table(headings, [_snapshot_line(row) for row in rows])


def _snapshots_of(lake: Lake) -> list[dict[str, Any]]:
    """The rows of `snapshots`, with the versions of the tables and the summary as objects."""
    rows = lake.snapshots.collect().iter_rows(named=True)
    return [{**row, "table_versions": loads(row["table_versions"]), "summary": loads(row["summary"])} for row in rows]


def _snapshot_line(row: dict[str, Any]) -> list[str]:
    counts = (row["summary"].get(name) for name in _SNAPSHOT_COUNTS.values())  # optimize and vacuum count other things
    return [
        str(row["snapshot"]),
        cell(row["kind"]),
        f"{row['finished']:%Y-%m-%d %H:%M:%S}",
        *("" if count is None else f"{count:,}" for count in counts),
        cell(row["engine"]),
    ]
