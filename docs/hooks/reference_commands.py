"""The commands, from their help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dicomlake.cli.application import command_line

if TYPE_CHECKING:
    from typer.core import TyperCommand


def commands_text() -> str:
    """A section for each command: its usage, its help, its arguments and options."""
    group = command_line()
    return "\n\n".join(_command_text(name, command) for name, command in group.commands.items())


def _command_text(name: str, command: TyperCommand | Any) -> str:  # noqa: ANN401 - the group's commands are of a wider type
    positional = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    usage = " ".join([f"dicomlake {name}", *(_argument(one) for one in positional), "[OPTIONS]"])
    parts = [f"## {name}", f"```text\n{usage}\n```", _help_text(command.help or "")]
    if positional:
        lines = [f"| `{_argument(one)}` | {_meaning(one)} |" for one in positional]
        parts.append("\n".join(["| argument | meaning |", "|---|---|", *lines]))
    lines = [f"| `{_option(one)}` | {_meaning(one)} |" for one in options]
    if lines:
        parts.append("\n".join(["| option | meaning |", "|---|---|", *lines]))
    return "\n\n".join(parts)


def _argument(parameter: Any) -> str:  # noqa: ANN401 - typer's classes have no common public type
    name = str(parameter.metavar or parameter.name).upper().removesuffix("...")
    name += "..." if parameter.nargs == -1 else ""
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> str:  # noqa: ANN401 - likewise
    """Its names, and what follows them: only numbers have no word of their own."""
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {parameter.metavar or 'N'}"


def _meaning(parameter: Any) -> str:  # noqa: ANN401 - likewise
    text = str(parameter.help or "").replace("|", "\\|")
    default = parameter.show_default if isinstance(parameter.show_default, str) else _default(parameter)
    return f"{text} Default: {default}." if default else text


def _default(parameter: Any) -> str | None:  # noqa: ANN401 - likewise
    value = parameter.default
    is_flag = parameter.param_type_name == "option" and parameter.is_flag
    return None if parameter.required or is_flag or value is None or callable(value) else f"`{value}`"


def _help_text(text: str) -> str:
    """Help as Markdown: a block that is not to be wrapped is code."""
    paragraphs = []
    for paragraph in text.split("\n\n"):
        lines = [line.strip() for line in paragraph.replace("\\b", "\b").strip().splitlines()]
        if lines and lines[0] == "\b":
            paragraphs.append("```text\n" + "\n".join(lines[1:]) + "\n```")
        else:
            paragraphs.append(re.sub(r"(?<![`\w])(--[a-z-]+)", r"`\1`", " ".join(lines)))
    return "\n\n".join(paragraphs)
