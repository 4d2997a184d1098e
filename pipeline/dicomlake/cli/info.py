"""``info``: what a lake holds."""
# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that --help answers at once

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dicomlake.cli.options import JsonOption, LakeArgument, StoreConfigOption
from dicomlake.cli.screen import print_table
from dicomlake.cli.table import Heading, number
from dicomlake.cli.visible import cell, json_text, visible

if TYPE_CHECKING:
    from dicomlake.lake import Lake

_SNAPSHOT_COLUMNS = ("snapshot", "kind", "started", "finished", "sources", "engine", "dicomlake_version")
_KIB = 1024


@dataclass(frozen=True)
class TableSize:
    """A table's rows, the part files that hold them, and their bytes."""

    table: str
    rows: int
    part_files: int
    bytes: int


def info(
    lake: LakeArgument,
    *,
    snapshots: Annotated[bool, typer.Option("--snapshots", help="List the snapshots instead: a line for each finished run.")] = False,
    config: StoreConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a lake holds.

    Its last run, its sources, its tables with rows and sizes, and what became of the files.
    """
    from dicomlake.cli.places import lake_at

    opened = lake_at(lake, config)
    if snapshots:
        from dicomlake.cli.snapshots import list_snapshots

        list_snapshots(opened, json=json)
        return
    described = describe(opened)
    if json:
        print(json_text(described))
    else:
        _print(described)


def describe(lake: Lake) -> dict[str, Any]:
    """All that ``info`` shows, as one object."""
    row = lake.row
    counts = _counts(lake)
    return {
        "lake": lake.location.url,
        **{name: row[name] for name in _SNAPSHOT_COLUMNS},
        "tables": {size.table: {key: value for key, value in asdict(size).items() if key != "table"} for size in _sizes(lake)},
        "statuses": _totals(counts, "status"),
        "codes": _totals(counts, "code"),
    }


def _sizes(lake: Lake) -> list[TableSize]:
    sizes = []
    for name in sorted(lake.table_versions):
        parts = lake.parts(name)
        sizes.append(TableSize(name, sum(part.rows for part in parts), len(parts), sum(part.size for part in parts)))
    return sizes


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
    print(f"{visible(described['lake'])}: snapshot {described['snapshot']} of {finished:%Y-%m-%d %H:%M:%S} UTC")
    print(f"{described['kind']} by dicomlake {cell(described['dicomlake_version'])}, engine {cell(described['engine'])}")
    for source in described["sources"] or []:
        print(f"source {visible(source)}")
    print()
    print_table(
        [Heading("table"), number("rows"), number("part files"), number("size")],
        [[name, f"{size['rows']:,}", f"{size['part_files']:,}", size_text(size["bytes"])] for name, size in described["tables"].items()],
    )
    for title in ("status", "code"):
        totals = described["statuses" if title == "status" else "codes"]
        if totals:
            print()
            print_table([Heading(title), number("files")], [[visible(name), f"{count:,}"] for name, count in totals.items()])


def size_text(size: int) -> str:
    """Bytes for a person's eyes."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < _KIB:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _KIB
    return f"{amount:.1f} TiB"
