"""How help names arguments: as the usage line does, without the types of Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperArgument

if TYPE_CHECKING:
    from typer.core import TyperGroup


class PlainArgument(TyperArgument):
    """An argument that help calls ``SOURCE...`` where Typer would say ``SOURCE <list[str]>``."""

    @property
    def _shown(self) -> str:
        return (self.metavar or (self.name or "").upper()) + ("..." if self.nargs != 1 else "")

    def get_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - Typer gives its context
        """The argument in the usage line: in brackets where it may be left out."""
        is_required = self.required or "[required]" in (self.help or "")  # `index` checks for itself
        return [self._shown if is_required else f"[{self._shown}]"]

    def get_help_record(self, ctx: Any) -> tuple[str, str] | None:  # noqa: ANN401 - likewise
        """Its name and its help."""
        record = super().get_help_record(ctx)
        return None if record is None else (self._shown, record[1])


def make_arguments_plain(group: TyperGroup) -> None:
    """Make the help of each command show its arguments plainly."""
    for command in group.commands.values():
        for parameter in command.params:
            if isinstance(parameter, TyperArgument):
                parameter.__class__ = PlainArgument
