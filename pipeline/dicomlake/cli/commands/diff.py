"""``diff``: changes between two snapshots."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dicomlake.cli.options import JsonOption, LakeArgument, RowsOption, StoreConfigOption
from dicomlake.cli.output.screen import is_terminal, note, print_table, print_title
from dicomlake.cli.output.table import Heading, number
from dicomlake.cli.output.values import cell, json_text
from dicomlake.printable import printable

if TYPE_CHECKING:
    import polars as pl

    from dicomlake.lake import Lake, LakeDiff

_CHANGES = ("came", "went", "changed")


def diff(
    lake: LakeArgument,
    before: Annotated[
        int | None, typer.Argument(metavar="A", help="The earlier snapshot.", show_default="the one before the last index")
    ] = None,
    after: Annotated[int | None, typer.Argument(metavar="B", help="The later snapshot.", show_default="the last")] = None,
    *,
    rows: RowsOption = None,
    config: StoreConfigOption = None,
    json: JsonOption = False,
) -> None:
    r"""Show the changes between two snapshots.

    Each patient, study and series that differs has a line, with its instances before and after, and its changed columns. Instances are
    counted, and files by status. Without A and B the changes are those of the last `index`.

    \b
    dicomlake diff ./lake                    the changes of the last run
    dicomlake diff ./lake 3 7                the changes of the runs 4 to 7; `info --snapshots` lists them
    dicomlake diff ./lake --rows 20 | mail -s "the archive tonight" curators
    """
    from dicomlake.cli.lakes import lake_at

    opened = lake_at(lake, config, after)
    found = opened.diff(before)
    earlier, later = opened.at(found.before), opened.at(found.after)
    if json:
        print(json_text(_as_object(found, earlier, later)))
    else:
        _print(found, earlier, later, rows)


def _as_object(found: LakeDiff, earlier: Lake, later: Lake) -> dict[str, Any]:
    return {
        "lake": later.location.url,
        "before": {"snapshot": found.before, "finished": earlier.row["finished"]},
        "after": {"snapshot": found.after, "finished": later.row["finished"]},
        "counts": _by_name(found.counts, "table"),
        "statuses": _by_name(found.files, "status"),
        **{level: rows.to_dicts() for level, rows in found.levels.items()},
    }


def _by_name(frame: pl.DataFrame, name: str) -> dict[str, dict[str, int]]:
    return {row.pop(name): row for row in frame.to_dicts()}


def _print(found: LakeDiff, earlier: Lake, later: Lake, rows: int | None) -> None:
    then, now = (f"snapshot {lake.snapshot} of {lake.row['finished']:%Y-%m-%d %H:%M:%S} UTC" for lake in (earlier, later))
    print(f"{printable(later.location.url)}: {then} to {now}")
    _print_counts("table", ("before", "after", *_CHANGES), found.counts)
    if found.files.height:
        _print_counts("status of files", _CHANGES, found.files)
    for level, frame in found.levels.items():
        if frame.height:
            print()
            print_title(f"{level}, with their instances")
            _print_level(frame, rows)


def _print_counts(name: str, counts: tuple[str, ...], frame: pl.DataFrame) -> None:
    print()
    lines = [[printable(first), *(f"{count:,}" for count in others)] for first, *others in frame.iter_rows()]
    print_table([Heading(name), *map(number, counts)], lines)


def _print_level(frame: pl.DataFrame, rows: int | None) -> None:
    """Print the lines of one level. UIDs come last, since a narrow screen loses columns on the right. Empty columns are left out."""
    from dicomlake.cli.output.formats import TERMINAL_ROWS, headings_of

    frame = frame.rename({"instances_before": "before", "instances_after": "after"})
    last = [name for name in frame.columns if name.endswith("UID") or name in ("IssuerOfPatientID", "changed_attributes")]
    frame = frame.select(*(name for name in frame.columns if name not in last), *last)
    frame = frame.select(column.name for column in frame if column.null_count() < frame.height)
    limit = rows if rows is not None else TERMINAL_ROWS if is_terminal(sys.stdout) else 0
    shown = frame.head(limit) if limit else frame
    laid = print_table(headings_of(frame.schema), [[_cell(value) for value in row] for row in shown.iter_rows()])
    sys.stdout.flush()
    if shown.height < frame.height:
        note(f"{shown.height:,} of {frame.height:,} rows; --rows 0 shows them all")
    if laid.columns_left_out:
        note(f"{frame.width - laid.columns_left_out} of {frame.width} columns; a pipe and --json have them all")


def _cell(value: object) -> str:
    """A value; a list of column names without the brackets of JSON."""
    return printable(", ".join(value)) if isinstance(value, list) else cell(value)
