"""Storage options as in a configuration: ``${NAME}`` is the environment variable of that name.

The process that opens a store resolves references. So the configuration, tables, logs and messages to workers hold the name and never the
secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from dicomlake.errors import ConfigurationError

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHORTEST_SECRET = 4
_HARMLESS_OPTIONS = frozenset(
    {"account_host", "account_name", "endpoint_url", "host", "profile", "project", "protocol", "region", "region_name"}
)


def resolved(storage_options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with every ``${NAME}`` in them, nested ones included, replaced by the environment variable.

    Raises:
        ConfigurationError: the variable is not set, or its name is invalid.
    """
    return {key: _resolved(value, key) for key, value in storage_options.items()}


def _resolved(value: object, key: str) -> object:
    if isinstance(value, Mapping):
        return {name: _resolved(nested, f"{key}.{name}") for name, nested in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_resolved(nested, key) for nested in value)
    if isinstance(value, str):
        return _REFERENCE.sub(lambda reference: _variable(reference[1], key), value)
    return value


def _variable(name: str, key: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"storage_options.{key}: write a reference to an environment variable as ${{NAME}}")
    value = os.environ.get(name)
    if value is None:
        raise ConfigurationError(f"storage_options.{key} refers to the environment variable {name}, which is not set here; set it")
    return value


def secrets_of(storage_options: Mapping[str, Any]) -> list[str]:
    """Every text among the values of storage options, also nested ones, except harmless options."""
    found: list[str] = []
    for key, value in storage_options.items():
        if isinstance(value, Mapping):
            found.extend(secrets_of(value))
        elif isinstance(value, str) and len(value) >= _SHORTEST_SECRET and key not in _HARMLESS_OPTIONS:
            found.append(value)
    return found
