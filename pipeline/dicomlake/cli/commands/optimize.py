"""``optimize``: few large part files instead of many small ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dicomlake.cli.options import JsonOption, LakeArgument, StoreConfigOption, WaitOption
from dicomlake.cli.output.screen import print_table
from dicomlake.cli.output.table import Heading, number
from dicomlake.cli.output.values import json_text

if TYPE_CHECKING:
    from dicomlake.lake import OptimizeReport


def optimize(
    lake: LakeArgument,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the part files that would be merged; nothing is written.")] = False,
    wait: WaitOption = None,
    config: StoreConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Merge the small part files of many runs.

    Queries then open fewer files; no row changes. The old part files stay for earlier snapshots until a vacuum, so readers of the lake
    are not disturbed. A lake that another run writes is refused unless --wait is given. So is a lake whose last index was broken off: run
    that index again first.

    Ends with 0 when finished, 1 when refused or broken off (the lake stays as it was), 2 for wrong usage or a missing lake.
    """
    from dicomlake.cli.lakes import location_of, waiting_of
    from dicomlake.lake import optimize as optimize_lake

    report = optimize_lake(location_of(lake, config), dry_run=dry_run, waiting=waiting_of(wait))
    if json:
        print(json_text(report.as_dict()))
    else:
        _print(report)


def _print(report: OptimizeReport) -> None:
    from dicomlake.cli.output.values import size_text

    merged = [table for table in report.tables if table.parts_before]
    before, after = sum(table.parts_before for table in merged), sum(table.parts_after for table in merged)
    if not merged:
        print("nothing to merge")
        return
    print_table(
        [Heading("table"), number("part files"), number("become"), number("size"), number("becomes")],
        [
            [
                table.table,
                f"{table.parts_before:,}",
                f"{table.parts_after:,}",
                size_text(table.bytes_before),
                "" if table.bytes_after is None else size_text(table.bytes_after),
            ]
            for table in merged
        ],
    )
    print()
    if report.dry_run:
        print(f"dry run, nothing was written: {before:,} part files would become {after:,}")
    else:
        print(f"snapshot {report.snapshot}: {before:,} part files became {after:,}")
