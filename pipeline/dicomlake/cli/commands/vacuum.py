"""``vacuum``: removing the part files that no kept snapshot needs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dicomlake.cli.options import JsonOption, LakeArgument, StoreConfigOption, WaitOption
from dicomlake.cli.output.screen import print_table
from dicomlake.cli.output.table import Heading, number
from dicomlake.cli.output.values import json_text

if TYPE_CHECKING:
    from dicomlake.lake import VacuumReport


def vacuum(
    lake: LakeArgument,
    *,
    keep: Annotated[str, typer.Option("--keep", metavar="SPAN", help="Keep snapshots that finished within 12h, 30d, 4w.")] = "30d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the part files that would be removed; nothing is removed.")] = False,
    wait: WaitOption = None,
    config: StoreConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Remove part files that no kept snapshot needs.

    Also removes the part files that killed runs left. Snapshots that are not kept can't be opened any more. The last snapshot always stays,
    and so do snapshots that were replaced within the past hour, for their readers. A lake that another run writes is refused unless --wait
    is given.

    Ends with 0 when finished, 1 when refused or broken off (run it again to continue), 2 for wrong usage or a missing lake.
    """
    from dicomlake.cli.lakes import location_of, waiting_of
    from dicomlake.cli.options import span_of
    from dicomlake.lake import vacuum as vacuum_lake

    report = vacuum_lake(location_of(lake, config), span_of(keep, "--keep"), dry_run=dry_run, waiting=waiting_of(wait))
    if json:
        print(json_text(_described(report)))
    else:
        _print(report)


def _described(report: VacuumReport) -> dict[str, Any]:
    return {
        "dry_run": report.dry_run,
        "snapshots_kept": list(report.kept),
        "snapshots_removed": list(report.closed),
        "part_files": len(report.removed),
        "part_files_unknown": sum(not part.known for part in report.removed),
        "bytes": report.bytes,
    }


def _print(report: VacuumReport) -> None:
    from dicomlake.cli.output.values import size_text

    files, sizes = Counter(part.table for part in report.removed), Counter[str]()
    for part in report.removed:
        sizes[part.table] += part.size
    if files:
        print_table(
            [Heading("table"), number("part files"), number("size")],
            [[table, f"{count:,}", size_text(sizes[table])] for table, count in sorted(files.items())],
        )
        print()
    were = "dry run, nothing was removed: would remove" if report.dry_run else "removed"
    unknown = sum(not part.known for part in report.removed)
    print(
        f"{were} {len(report.closed):,} of {len(report.closed) + len(report.kept):,} snapshots, "
        f"{len(report.removed):,} part files ({unknown:,} of them known to no table), {size_text(report.bytes)}"
    )
