"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

LakeArgument = Annotated[str, typer.Argument(metavar="LAKE", help="Folder or url of the lake.")]
LakeOption = Annotated[str | None, typer.Option("--lake", metavar="LAKE", help="Folder or url of the lake.")]
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="Path or url of a file.")]
ConfigOption = Annotated[str | None, typer.Option("--config", metavar="FILE", help="YAML; configs/default.yaml shows every key.")]
EngineOption = Annotated[
    str | None,
    typer.Option("--engine", metavar="NAME", help="What reads headers: native, or pydicom, the slow trusted one.", show_default="native"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
RowsOption = Annotated[
    int | None, typer.Option("--rows", min=0, help="Rows that a table shows, 0 for all.", show_default="50 on a terminal, else all")
]
FormOption = Annotated[
    Literal["table", "csv", "json", "parquet"] | None,
    typer.Option("--format", metavar="FORM", help="table, csv, json (one array) or parquet.", show_default="table"),
]
