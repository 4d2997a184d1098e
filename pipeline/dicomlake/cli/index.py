"""``index``: the nightly job."""
# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that --help answers at once

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from dicomlake.cli.options import ConfigOption, EngineOption, JsonOption
from dicomlake.cli.screen import note
from dicomlake.errors import UsageError

FAILED_FILES = 3


def index(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE", help="Folder, file, glob, url, or @list.csv, @list.parquet, @-.")],
    *,
    lake: Annotated[str, typer.Option("--lake", metavar="LAKE", help="Folder or url of the lake; made where there is none.")],
    config: ConfigOption = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", min=0, help="Workers on this machine; 0 does without.", show_default="one a core"),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Read on the workers of this Dask scheduler.")
    ] = None,
    engine: EngineOption = None,
    headers: Annotated[bool, typer.Option("--headers", help="Keep each whole header as JSON too.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read every file again.")] = False,
    complete: Annotated[bool, typer.Option("--complete", help="An @list names all files of its source: what it lacks is missing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List and compare only; the lake stays as it is.")] = False,
    missing_limit: Annotated[
        float | None,
        typer.Option("--missing-limit", metavar="FRACTION", help="Refuse if more of a source vanished at once.", show_default="0.1"),
    ] = None,
    fail_on: Annotated[
        Literal["failed"] | None, typer.Option("--fail-on", metavar="failed", help="End with 3 if a file could not be read.")
    ] = None,
    json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Index DICOM files into a lake.

    Files are listed, headers read (never pixels), tables written. The next run reads only what is new or changed.

    Ends with 0 when finished (a file that can't be read is a row of `files`, no failure), 1 when refused or broken off, 2 for wrong usage
    or configuration, 130 when interrupted. An interrupted run loses no unit that it committed; run it again to go on.
    """
    if workers is not None and scheduler is not None:
        raise UsageError("--workers and --scheduler exclude each other; give one of them")
    import dicomlake.api
    from dicomlake.cli.closing import print_closing, result_line
    from dicomlake.cli.interrupts import INTERRUPTED, wake_from_waiting
    from dicomlake.cli.talk import talking
    from dicomlake.cli.visible import json_text
    from dicomlake.run import Progress

    wake_from_waiting()
    progress = Progress()
    try:
        with talking(progress, sys.stderr, quiet=quiet):
            summary = dicomlake.api.index(
                sources,
                lake=lake,
                config=config,
                workers=workers,
                scheduler=scheduler,
                engine=engine,
                headers=headers,
                full=full,
                complete=complete,
                dry_run=dry_run,
                missing_limit=missing_limit,
                progress=progress,
            )
    except KeyboardInterrupt:
        note("dicomlake: interrupted; what was committed stays, and the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None
    if not quiet:
        print_closing(summary, progress, lake, sys.stderr)
    if json:
        print(json_text(summary.as_dict()))
    elif not quiet:
        print(result_line(summary, dry_run=dry_run))
    if fail_on == "failed" and summary.files_failed:
        raise typer.Exit(FAILED_FILES)
