"""``verify``: check the rules of a lake."""

from __future__ import annotations

import typer

from dicomlake.cli.options import JsonOption, LakeArgument, StoreConfigOption
from dicomlake.cli.output.screen import print_table
from dicomlake.cli.output.table import Heading, number
from dicomlake.cli.output.values import json_text
from dicomlake.printable import printable


def verify(lake: LakeArgument, *, config: StoreConfigOption = None, json: JsonOption = False) -> None:
    """Check that a lake keeps its own rules.

    Checks keys, counts, parents and children, and that every part file has its recorded size. Ends with 0 if the lake is sound, 1 if it
    is defective, 2 if there is none. Part files that no table names are notes, not defects.
    """
    from dicomlake.cli.lakes import location_of
    from dicomlake.lake import verify as verify_lake

    location = location_of(lake, config)
    report = verify_lake(location)
    if json:
        print(json_text({"sound": report.is_sound, "defects": report.defects, "notes": report.notes, "checked": report.checked}))
    else:
        print_table([Heading("checked"), number("count")], [[name, f"{count:,}"] for name, count in report.checked.items()])
        print()
        for text in report.defects:
            print(f"defect: {printable(text)}")
        for text in report.notes:
            print(f"note: {printable(text)}")
        if report.is_sound:
            print(f"{printable(location.url)} is sound")
        else:
            print(f"{printable(location.url)} is defective; 'dicomlake index SOURCE --lake NEW' makes a new one from the files")
    if not report.is_sound:
        raise typer.Exit(1)
