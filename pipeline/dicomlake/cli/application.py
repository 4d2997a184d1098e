"""The commands and their names. Only this folder imports Typer and rich."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer
from typer.main import get_command

from dicomlake.cli.arguments import PlainCommand, PlainGroup
from dicomlake.cli.commands import COMMANDS

if TYPE_CHECKING:
    from typer.core import TyperGroup

application = typer.Typer(
    name="dicomlake",
    cls=PlainGroup,
    help="""DICOM headers into Delta tables that people query.

    \b
    dicomlake sample ./archive                   something to try it on
    dicomlake index ./archive --lake ./lake      list, read headers, write tables; again: only what changed
    dicomlake query ./lake "select Modality, count(*) from series group by 1"
    """,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        from dicomlake.version import VERSION

        typer.echo(f"dicomlake {VERSION}")
        raise typer.Exit


@application.callback()
def _common(
    *,
    _version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")] = False,
) -> None:
    pass


def command_line(arguments: Sequence[str] = ()) -> TyperGroup:
    """The command line, ready to be given arguments.

    Args:
        arguments: those that it will be given. Where the first one names a command, only this one is made: the others take time.
    """
    wanted = [name for name in COMMANDS if name in arguments[:1]] or COMMANDS
    application.registered_commands = []
    for name in wanted:
        command = getattr(import_module(f"dicomlake.cli.commands.{name}"), name)
        # A raw docstring writes out the character that keeps lines from being wrapped.
        application.command(cls=PlainCommand, help=(command.__doc__ or "").replace("\\b", "\b"))(command)
    group: TyperGroup = get_command(application)  # type: ignore[assignment]  # an application with a callback is a group
    return group
