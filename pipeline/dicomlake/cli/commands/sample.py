"""``sample``: a small synthetic archive."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from dicomlake.cli.output.screen import note


def sample(
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="A new or empty folder.")],
    *,
    studies: Annotated[
        int, typer.Option("--studies", metavar="N", min=1, help="Number of studies; about eleven of them are always written.")
    ] = 12,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="The same seed writes the same files.")] = 0,
) -> None:
    """Write a small synthetic archive.

    It is for trying out dicomlake: every file is invented, and some are defective on purpose.
    `manifest.json` beside them lists the planted defects.
    """
    from dicomlake.samples import MANIFEST_NAME, write_sample

    counts = write_sample(destination, studies, seed).counts
    print(
        f"{counts.files + 1} files in {destination}, {MANIFEST_NAME} among them: "
        f"{counts.patients} patients, {counts.studies} studies, {counts.series} series, "
        f"{counts.instances} instances"
    )
    note(f"next: dicomlake index {shlex.quote(str(destination))} --lake lake")
