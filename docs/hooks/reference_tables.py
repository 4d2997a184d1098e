"""The columns of every table, from their declarations."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from dicomlake.cli.commands.schema import type_name
from dicomlake.schema import LakeSchema, TableDeclaration, WrittenBy

_OWN = "own"
_OF_FRAMES = "functional groups"
_WRITERS = {WrittenBy.UNIT: "units of work", WrittenBy.ROLL_UP: "roll-ups of `instances`", WrittenBy.RUN: "the end of a run"}


def tables_text() -> str:
    """A table of all tables: key, order and number of columns."""
    schema = LakeSchema.build()
    lines = ["| table | key | rows are sorted by | columns | written by |", "|---|---|---|---|---|"]
    for table in schema.tables:
        names = (_code(table.key), _code(table.order))
        link = f"[`{table.name}`]({table.name}.md)"
        lines.append(f"| {link} | {names[0] or 'none'} | {names[1]} | {len(schema.table(table.name))} | {_WRITERS[table.written_by]} |")
    return "\n".join(lines)


def table_text(name: str) -> str:
    """The columns of one table, under a heading for each group of them.

    Raises:
        ConfigurationError: there is no such table.
    """
    schema = LakeSchema.build()
    table = schema.declaration(name)
    groups: dict[str, list[pa.Field]] = {}
    for field in schema.table(name):
        groups.setdefault(_group(table, field), []).append(field)
    own = groups.pop(_OWN, [])
    parts = [f"## Columns of our own\n\n{_own_columns(own)}"]
    parts += [f"## Attributes: {group}\n\n{_attributes(fields)}" for group, fields in groups.items()]
    return "\n\n".join(parts)


def _group(table: TableDeclaration, field: pa.Field) -> str:
    return _OWN if field.name in table.own_names() else _said(field).get("group", _OF_FRAMES)


def _said(field: pa.Field) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}


def _own_columns(fields: Iterable[pa.Field]) -> str:
    lines = ["| column | type | units | meaning |", "|---|---|---|---|"]
    for field in fields:
        said = _said(field)
        meaning = _cell(said.get("description", ""))
        lines.append(f"| `{field.name}` | {_cell(type_name(field.type))} | {said.get('units', '')} | {meaning} |")
    return "\n".join(lines)


def _attributes(fields: Iterable[pa.Field]) -> str:
    lines = ["| column | type | tag | VR | units | attribute |", "|---|---|---|---|---|---|"]
    for field in fields:
        said = _said(field)
        cells = (f"`{field.name}`", _cell(type_name(field.type)), said["tag"], said["vr"], said.get("units", ""), _attribute(field, said))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _attribute(field: pa.Field, said: dict[str, str]) -> str:
    """The name in PS3.6; of a nested attribute its path, or its paths in their order; of a bound, which one it is."""
    paths = ", else ".join(f"`{path}`" for path in said["path"].split("|"))
    name = said["description"] if said["path"].isidentifier() else paths
    for bound, word in (("_min", "least"), ("_max", "greatest")):
        if field.name.endswith(bound):
            return f"{name}: the {word} in the series"
    return name


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    """Text of a cell, without what Markdown would take for its own."""
    return text.replace("<", "&lt;").replace("|", "\\|").replace("\\x", "\\\\x")
