"""``index``: list files, read headers, write tables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from dicomlake.cli.fail_on import FOUND, check_names, found
from dicomlake.cli.options import (
    ConfigOption,
    EngineOption,
    FailOnOption,
    JsonOption,
    LogFormatOption,
    MetricsOption,
    TimeLimitOption,
    WaitOption,
    optional_span_of,
)
from dicomlake.errors import UsageError

Given = TypeVar("Given")
"""A value that a command needs."""


def index(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE", help="Folder, file, glob, url, or @list.csv, @list.parquet, @-.  [required]", show_default=False),
    ] = None,
    *,
    lake: Annotated[
        str | None, typer.Option("--lake", metavar="LAKE", help="Folder or url of the lake; made if it does not exist.  [required]")
    ] = None,
    config: ConfigOption = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", metavar="N", min=0, help="Workers on this machine; 0 reads in the command itself.", show_default="one a core"
        ),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Read on the workers of this Dask scheduler.")
    ] = None,
    performance_report: Annotated[
        Path | None,
        typer.Option("--performance-report", metavar="FILE.html", help="Write Dask's page about the run."),
    ] = None,
    engine: EngineOption = None,
    headers: Annotated[bool, typer.Option("--headers", help="Keep each whole header as JSON too.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read every file again.")] = False,
    complete: Annotated[bool, typer.Option("--complete", help="An @list names all files of its source: all others are missing.")] = False,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Only print the configuration of such a run, as YAML with comments.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List and compare only; the lake stays as it is.")] = False,
    missing_limit: Annotated[
        float | None,
        typer.Option(
            "--missing-limit", metavar="FRACTION", help="Refuse if a greater fraction of a source vanished at once.", show_default="0.1"
        ),
    ] = None,
    wait: WaitOption = None,
    time_limit: TimeLimitOption = None,
    fail_on: FailOnOption = None,
    metrics: MetricsOption = None,
    log_format: LogFormatOption = "text",
    json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and warnings.")] = False,
) -> None:
    """Index DICOM files into a lake.

    Files are listed, headers read (never pixels), tables written. The next run reads only what is new or changed.

    Ends with 0 when finished (a file that can't be read is a row of `files`, not a failure; with --fail-on it ends with 3), 1 when
    refused or broken off, 2 for wrong usage or configuration, 130 when interrupted. An interrupted run keeps the units that it committed;
    run it again to continue.
    """
    check_names(fail_on or ())
    if workers is not None and scheduler is not None:
        raise UsageError("--workers and --scheduler exclude each other; give one of them")
    wait_span, time_span = optional_span_of(wait, "--wait"), optional_span_of(time_limit, "--time-limit")
    import dicomlake.api

    if print_config:
        from dicomlake.cli.printed_config import printed_config

        settings = dicomlake.api.settings_in_force(
            lake=lake,
            config=config,
            workers=workers,
            scheduler=scheduler,
            engine=engine,
            headers=headers,
            missing_limit=missing_limit,
            time_limit=time_span,
        )
        print(printed_config(settings), end="")
        return
    sources, lake = _required(sources, "argument 'SOURCE'"), _required(lake, "option '--lake'")
    from dicomlake.cli.interrupts import wake_from_waiting
    from dicomlake.cli.output.metrics import measured
    from dicomlake.cli.output.run_progress import talking
    from dicomlake.cli.output.run_summary import result_line, tell_end
    from dicomlake.cli.output.values import json_text
    from dicomlake.run import Progress

    wake_from_waiting()
    progress = Progress()
    with measured(metrics, lake, progress) as measurement:
        try:
            with talking(progress, sys.stderr, lake, quiet=quiet, log_format=log_format):
                summary = dicomlake.api.index(
                    sources,
                    lake=lake,
                    config=config,
                    workers=workers,
                    scheduler=scheduler,
                    performance_report=performance_report,
                    engine=engine,
                    headers=headers,
                    full=full,
                    complete=complete,
                    dry_run=dry_run,
                    missing_limit=missing_limit,
                    wait=wait_span,
                    time_limit=time_span,
                    progress=progress,
                )
        except KeyboardInterrupt:
            raise KeyboardInterrupt("interrupted; what was committed stays, and the same command continues from there") from None
        measurement.summary = summary
        status = FOUND if found(fail_on or (), summary, progress) else 0
        result = result_line(summary, dry_run=dry_run)
        if not quiet:
            tell_end(summary, progress, lake, sys.stderr, config=config, message=result, exit_status=status, log_format=log_format)
        if json:
            print(json_text(summary.as_dict()))
        elif not quiet:
            print(result)
        if status:
            raise typer.Exit(status)


def _required(value: Given | None, name: str) -> Given:
    """What only a run needs.

    Raises:
        UsageError: it was not given.
    """
    if not value:
        raise UsageError(f"Missing {name}; see 'dicomlake index --help'")
    return value
