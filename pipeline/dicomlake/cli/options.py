"""Arguments and options that several commands share."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import typer

from dicomlake.errors import UsageError

LakeArgument = Annotated[str, typer.Argument(metavar="LAKE", help="Folder or url of the lake.")]
LakeOption = Annotated[str | None, typer.Option("--lake", metavar="LAKE", help="Folder or url of the lake.")]
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="Path or url of a file.")]
ConfigOption = Annotated[
    str | None, typer.Option("--config", metavar="FILE", help="YAML; 'dicomlake index --print-config' shows every key.")
]
StoreConfigOption = Annotated[str | None, typer.Option("--config", metavar="FILE", help="YAML; its storage_options open urls.")]
EngineOption = Annotated[
    str | None,
    typer.Option("--engine", metavar="NAME", help="The reader of headers: native, or pydicom for a second opinion.", show_default="native"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
WaitOption = Annotated[
    str | None,
    typer.Option(
        "--wait", metavar="SPAN", help="Wait so long (30min, 2h) while another run writes to the lake.", show_default="not at all"
    ),
]
TimeLimitOption = Annotated[
    str | None,
    typer.Option("--time-limit", metavar="SPAN", help="Begin no unit of files after this time (30min, 6h); the next run reads the rest."),
]
FailOnOption = Annotated[
    list[str] | None,
    typer.Option("--fail-on", metavar="CODE", help="End with 3 if a file 'failed', or if this code was found; may be repeated."),
]
MetricsOption = Annotated[
    str | None,
    typer.Option("--metrics", metavar="FILE", help="Write figures of the run for Prometheus' textfile collector, also after an error."),
]
LogFormatOption = Annotated[
    Literal["text", "json"],
    typer.Option("--log-format", metavar="FORM", help="The format of messages on stderr: text, or json, an object a line."),
]
RowsOption = Annotated[
    int | None,
    typer.Option("--rows", metavar="N", min=0, help="Rows that a table shows, 0 for all.", show_default="50 on a terminal, else all"),
]
FormOption = Annotated[
    Literal["table", "csv", "json", "parquet"] | None,
    typer.Option("--format", metavar="FORM", help="table, csv, json (one array) or parquet.", show_default="table"),
]


def span_of(text: str, option: str) -> timedelta:
    """The span of time in the value of an option.

    Raises:
        UsageError: the value is not a span of time.
    """
    from dicomlake import config

    try:
        return config.span_of(text)
    except ValueError as error:
        raise UsageError(f"{option} {error}") from None


def optional_span_of(text: str | None, option: str) -> timedelta | None:
    """Likewise; None where the option was not given."""
    return None if text is None else span_of(text, option)
