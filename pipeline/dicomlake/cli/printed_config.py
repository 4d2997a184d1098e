"""A configuration as YAML with comments: every key, what it does, and its value in force."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import yaml

from dicomlake.config import Settings

_KEY = re.compile(r"( *)([a-z_]+):(?: (.*))?")
_UNSHOWN = "storage_options"


def printed_config(settings: Settings) -> str:
    """The configuration that says the same as some settings, with a comment above each key.

    Storage options may hold credentials, so their values are not shown.
    """
    text = resources.files("dicomlake").joinpath("default.yaml").read_text("utf-8")
    if settings != Settings():
        text = text.replace("with its default.", "as it is in force here.", 1)
    return "".join(f"{line}\n" for line in _lines(text, settings.model_dump(mode="json")))


def _lines(text: str, values: Mapping[str, Any]) -> Iterator[str]:
    section: Mapping[str, Any] = values
    for line in text.splitlines():
        found = _KEY.fullmatch(line)
        if found is None:
            yield line
            continue
        indent, key, default = found.groups()
        if not indent:
            section = values
        if default is None:
            section = values[key]
            yield line
        elif key == _UNSHOWN and section[key]:
            yield f"{indent}{key}: {{}}  # what is set here is not shown: it may hold credentials"
        elif section[key] == yaml.safe_load(default):
            yield line
        else:
            yield from _changed(indent, key, section[key])


def _changed(indent: str, key: str, value: object) -> Iterator[str]:
    for line in yaml.safe_dump({key: _without_nulls(value)}, sort_keys=False, allow_unicode=True, width=120).splitlines():
        yield indent + line


def _without_nulls(value: object) -> object:
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if item is not None}
    return value
