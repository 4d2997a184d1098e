"""``verify``: whether a lake keeps its own rules."""
# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that --help answers at once

from __future__ import annotations

import typer

from dicomlake.cli.options import JsonOption, LakeArgument, StoreConfigOption
from dicomlake.cli.screen import print_table
from dicomlake.cli.table import Heading, number
from dicomlake.cli.visible import json_text, visible


def verify(lake: LakeArgument, *, config: StoreConfigOption = None, json: JsonOption = False) -> None:
    """Check that a lake keeps its own rules.

    Keys, counts, parents and children, and that every part file is there in its recorded size. Ends with 0 where the lake is sound,
    1 where it is defective, 2 where there is none. Part files that no table names are notes and no defects.
    """
    from dicomlake.cli.places import location_of
    from dicomlake.lake import verify as verify_lake

    location = location_of(lake, config)
    report = verify_lake(location)
    if json:
        print(json_text({"sound": report.is_sound, "defects": report.defects, "notes": report.notes, "checked": report.checked}))
    else:
        print_table([Heading("checked"), number("count")], [[name, f"{count:,}"] for name, count in report.checked.items()])
        print()
        for text in report.defects:
            print(f"defect: {visible(text)}")
        for text in report.notes:
            print(f"note: {visible(text)}")
        if report.is_sound:
            print(f"{visible(location.url)} is sound")
        else:
            print(f"{visible(location.url)} is defective; 'dicomlake index SOURCE --lake NEW' makes a new one from the files")
    if not report.is_sound:
        raise typer.Exit(1)
