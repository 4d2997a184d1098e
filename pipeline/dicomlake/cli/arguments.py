"""Arguments and options: their names in help, and quick values.

Help names an argument as the usage line does, without the types of Python. Typer turns every value by an adapter of pydantic, whose import
takes longer than the rest of a short command: plain text, whole numbers and paths need none.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

_MAKERS: dict[Any, Callable[[Any], Any]] = {str: str, list[str]: lambda values: [str(value) for value in values], Path: Path, int: int}
"""Types of plain values, and their makers."""


class _Value:
    """The part of Typer's own class that a parameter calls."""

    def __init__(self, descriptor: Any, of_typer: Callable[[], Any]) -> None:  # noqa: ANN401 - Typer has no public type for it
        self._descriptor = descriptor
        self._of_typer = of_typer

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401 - Typer calls it so
        """The value of a text, or of several texts."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        descriptor, info = self._descriptor, self._descriptor.parameter_info
        if descriptor.is_choice:
            if isinstance(value, str) and value in descriptor.choices:
                return value
        elif descriptor.annotation in _MAKERS and not (info.parser or info.exists or info.resolve_path):
            with suppress(ValueError):  # Typer says the same of it, in its own words
                made = _MAKERS[descriptor.annotation](value)
                if not descriptor.is_ranged or (info.max is None and made >= info.min):
                    return made
        return self._of_typer().coerce(value, param=param, ctx=ctx)


class PlainOption(TyperOption):
    """An option that turns plain values by itself."""

    def get_runtime_param(self) -> Any:  # noqa: ANN401 - Typer has no public type for it
        """Answer the object that turns the text of the command line into a value."""
        return _Value(self.type_descriptor, super().get_runtime_param)


class PlainArgument(TyperArgument):
    """An argument that help calls ``SOURCE...`` where Typer would say ``SOURCE <list[str]>``."""

    def get_runtime_param(self) -> Any:  # noqa: ANN401 - likewise
        """As that of an option."""
        return _Value(self.type_descriptor, super().get_runtime_param)

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


def _made_plain(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if isinstance(parameter, TyperArgument):
            parameter.__class__ = PlainArgument
        elif isinstance(parameter, TyperOption):
            parameter.__class__ = PlainOption
    return parameters


class PlainCommand(TyperCommand):
    """A command with plain arguments and options."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - Typer gives its context
        """Its arguments and options, and that for help."""
        return _made_plain(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group of commands with plain options."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - likewise
        """Its options, and that for help."""
        return _made_plain(super().get_params(ctx))
