"""``inspect``: one file for a person's eyes."""

from __future__ import annotations

from dicomlake.cli.options import EngineOption, FileArgument, JsonOption


def inspect(file: FileArgument, *, engine: EngineOption = None, json: JsonOption = False) -> None:
    """Show one file: row, findings, whole header."""
    raise NotImplementedError
