"""``sample``: a small synthetic archive."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from dicomlake.cli.output.screen import note
from dicomlake.errors import UsageError


def sample(
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="A new or empty folder.")],
    *,
    studies: Annotated[
        int | None,
        typer.Option(
            "--studies", metavar="N", min=1, help="Number of studies; about eleven of them are always written.", show_default="12"
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="The same seed writes the same files.")] = 0,
    special: Annotated[
        bool, typer.Option("--special", help="Write the special studies instead: volumes with faults, dose reports, measurements, slides.")
    ] = False,
) -> None:
    """Write a small synthetic archive.

    It is for trying out dicomlake: every file is invented, and some are defective on purpose.
    `manifest.json` beside them lists the planted defects. The special studies show what stands inside headers.
    """
    from dicomlake.samples import MANIFEST_NAME, write_sample, write_special

    if special and studies is not None:
        raise UsageError("--special writes one study of each kind; leave out --studies")
    manifest = write_special(destination, seed=seed) if special else write_sample(destination, studies or 12, seed)
    counts = manifest.counts
    print(
        f"{counts.files + 1} files in {destination}, {MANIFEST_NAME} among them: "
        f"{counts.patients} patients, {counts.studies} studies, {counts.series} series, "
        f"{counts.instances} instances"
    )
    note(f"next: dicomlake index {shlex.quote(str(destination))} --lake lake")
