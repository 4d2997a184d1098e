"""The public functions and classes, from their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import dicomlake
from dicomlake.extract.engine import Scanned
from dicomlake.lake import LakeDiff
from dicomlake.run import Summary

RESULTS = (Summary, Scanned, LakeDiff)
"""Classes of what the public functions answer."""

LINE_LENGTH = 88
_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields|Example|Examples)::?$")
_ENTRY = re.compile(r"^(\*{0,2}[\w.]+): (.*)$")


def python_text() -> str:
    """A section for each public name, and for each class of answers."""
    public = {name: getattr(dicomlake, name) for name in dicomlake.__all__ if not name.startswith("__")}
    answers = {one.__name__: one for one in RESULTS if one not in public.values()}
    return "\n\n".join(_described(name, value) for name, value in {**public, **answers}.items())


def _described(name: str, value: object) -> str:
    if inspect.isclass(value):
        return _class_text(name, value)
    if inspect.ismodule(value):
        return _module_text(name, value)
    return f"## {name}\n\n{_signature(f'dicomlake.{name}', value)}\n\n{docstring_text(inspect.getdoc(value) or '')}"


def _class_text(name: str, described: type) -> str:
    constructor = _signature(name, described) if name in dicomlake.__all__ else ""
    parts = [f"## {name}", constructor, docstring_text(inspect.getdoc(described) or "")]
    for member, value in _members(described):
        if isinstance(value, property):
            parts += [f"### {name}.{member}", docstring_text(inspect.getdoc(value) or "")]
        else:
            parts += [f"### {name}.{member}", _signature(member, value), docstring_text(inspect.getdoc(value) or "")]
    return "\n\n".join(part for part in parts if part)


def _members(described: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties, those of our own base classes too, in the order of their names."""
    for name in sorted(dir(described)):
        value = inspect.getattr_static(described, name)
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            yield name, value


def _module_text(name: str, module: Any) -> str:  # noqa: ANN401 - a module
    """A module of exceptions and codes: its docstring, whose tree stays as it is."""
    text, _, tree = (inspect.getdoc(module) or "").partition("::\n\n")
    tree, _, rest = tree.partition("\n\n")
    return f"## {name}\n\n{_inline(text)}:\n\n```text\n{inspect.cleandoc(tree)}\n```\n\n{_inline(rest)}"


def _signature(name: str, value: Any) -> str:  # noqa: ANN401 - whatever can be called
    """The call as code, an argument a line where it is long."""
    signature = inspect.signature(value)
    arguments: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in arguments:
            arguments.append("*")
        arguments.append(_argument(parameter))
    answers = not inspect.isclass(value) and signature.return_annotation not in (signature.empty, None, "None")
    answer = f" -> {signature.return_annotation}" if answers else ""
    line = f"{name}({', '.join(arguments)}){answer}"
    if len(line) > LINE_LENGTH:
        line = f"{name}(\n" + "".join(f"    {argument},\n" for argument in arguments) + f"){answer}"
    return f"```py\n{line}\n```"


def _argument(parameter: inspect.Parameter) -> str:
    stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**" if parameter.kind is parameter.VAR_KEYWORD else ""
    kind = "" if parameter.annotation is parameter.empty else f": {parameter.annotation}"
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{stars}{parameter.name}{kind}{default}"


def docstring_text(docstring: str) -> str:
    """A docstring in Google's form as Markdown: its sections become lists and code."""
    parts: list[str] = []
    lines = docstring.splitlines()
    while lines:
        found = _SECTION.match(lines[0])
        if found is None:
            parts.append(lines.pop(0))
            continue
        del lines[0]
        body: list[str] = []
        while lines and (not lines[0] or lines[0].startswith(" ")):
            body.append(lines.pop(0))
        parts += ["", _section(found[1], inspect.cleandoc("\n".join(["", *body]))), ""]
    return _inline("\n".join(parts)).strip()


def _section(title: str, body: str) -> str:
    if title.startswith("Example"):
        return body if body.startswith("```") else f"```py\n{body}\n```"
    heading = {"Args": "Arguments"}.get(title, title)
    if title == "Returns":
        return f"**{heading}**: {body}"
    entries: list[str] = []
    for line in body.splitlines():
        if found := _ENTRY.match(line):
            entries.append(f"- `{found[1]}`: {found[2]}")
        elif entries:
            entries[-1] += " " + line.strip()
    return f"**{heading}**\n\n" + "\n".join(entries)


def _inline(text: str) -> str:
    """Code in one backtick; tags of HTML as text."""
    return re.sub(r"``(.+?)``", r"`\1`", text).replace("::\n", ":\n")
