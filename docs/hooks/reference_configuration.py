"""Every key of the configuration: types and bounds from the models, explanations from ``configs/default.yaml``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from dicomlake.config import ColumnSettings, Settings

DEFAULT = Path(__file__).resolve().parents[2] / "configs" / "default.yaml"
_KEY = re.compile(r"^( *)([a-z_]+):")
_NAMES = {"boolean": "true or false", "integer": "whole number", "number": "number", "string": "text", "array": "list", "null": "null"}
_BOUNDS = (("minimum", "at least"), ("exclusiveMinimum", "above"), ("maximum", "at most"))


def configuration_text() -> str:
    """A section for each key of the top level, with the keys below it."""
    schema = Settings.model_json_schema()
    explained = _explanations(DEFAULT.read_text("utf-8"))
    values = yaml.safe_load(DEFAULT.read_text("utf-8"))
    parts = []
    for name, declared in schema["properties"].items():
        parts.append(f"## `{name}`\n\n{_markdown(explained[name])}")
        section = _section(schema, declared)
        if section is None:
            parts.append(_facts(declared, values[name]))
            continue
        for key, of_key in section["properties"].items():
            parts.append(f"### `{name}.{key}`\n\n{_facts(of_key, values[name][key])}\n\n{_markdown(explained[f'{name}.{key}'])}")
    parts.insert(parts.index(next(part for part in parts if part.startswith("## `listing`"))), _columns_text())
    return "\n\n".join(parts)


def _section(schema: dict[str, Any], declared: dict[str, Any]) -> dict[str, Any] | None:
    """The model of a section; None for a plain key."""
    reference = declared.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else None


def _facts(declared: dict[str, Any], value: object) -> str:
    default = yaml.safe_dump(value, default_flow_style=True).removesuffix("\n").removesuffix("\n...")
    return f"Type: {_type(declared)}. Default: `{default}`."


def _type(declared: dict[str, Any]) -> str:
    if "anyOf" in declared:
        return " or ".join(_type(one) for one in declared["anyOf"])
    if "enum" in declared:
        return " or ".join(f"`{one}`" for one in declared["enum"])
    bounds = [f"{words} {declared[bound]:,}" for bound, words in _BOUNDS if bound in declared]
    return ", ".join([_NAMES.get(declared.get("type", ""), "keys and values"), *bounds])


def _columns_text() -> str:
    """The keys of one entry of ``columns``."""
    schema = ColumnSettings.model_json_schema()
    needed = set(schema["required"])
    keys = [f"`{key}` ({'needed' if key in needed else 'optional'})" for key in schema["properties"]]
    return f"Each entry has these keys: {', '.join(keys)}."


def _explanations(text: str) -> dict[str, list[str]]:
    """The lines of comment above each key, by the key with its section."""
    explained: dict[str, list[str]] = {}
    comment: list[str] = []
    section = ""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            comment.append(stripped.removeprefix("#").removeprefix(" "))
        elif found := _KEY.match(line):
            section = section if found[1] else found[2]
            explained[f"{section}.{found[2]}" if found[1] else found[2]] = comment
            comment = []
        else:
            comment = []
    return explained


def _markdown(lines: list[str]) -> str:
    """A comment as Markdown: its indented lines are YAML."""
    parts: list[str] = []
    for line in lines:
        is_code = line.startswith("  ")
        if is_code and parts and parts[-1].startswith("```"):
            parts[-1] = parts[-1].removesuffix("```") + line[2:] + "\n```"
        elif is_code:
            parts.append(f"```yaml\n{line[2:]}\n```")
        elif parts and not parts[-1].startswith("```"):
            parts[-1] += " " + line
        else:
            parts.append(line)
    return "\n\n".join(parts)
