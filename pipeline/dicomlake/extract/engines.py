"""The engines by name. An engine is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from dicomlake.errors import ConfigurationError
from dicomlake.extract.engine import Engine
from dicomlake.version import VERSION

_VERSIONS: dict[str, Callable[[], str]] = {"native": lambda: VERSION, "pydicom": lambda: version("pydicom")}
"""The version that an engine's answers depend on."""

ENGINES_IN_THREADS = frozenset({"native"})
"""Engines that read a whole unit without the interpreter, and that no file can kill: their units run in threads of one process."""


def engine_version(name: str) -> str:
    """An engine's name and version, as ``pydicom 3.0.2``, without loading it; a change of it reads everything anew.

    Raises:
        ConfigurationError: there is no such engine.
    """
    if name not in _VERSIONS:
        raise _unknown(name)
    return f"{name} {_VERSIONS[name]()}"


def core_version() -> str:
    """The version of the compiled core, as it says itself."""
    from dicomlake import _core  # noqa: PLC0415 - likewise

    return _core.__version__


def make_engine(name: str) -> Engine:
    """Make an engine.

    Raises:
        ConfigurationError: there is no such engine.
    """
    if name == "native":
        from dicomlake.extract.native_engine import NativeEngine  # noqa: PLC0415 - what is not asked for is not loaded

        return NativeEngine()
    if name == "pydicom":
        from dicomlake.extract.pydicom_engine import PydicomEngine  # noqa: PLC0415 - pydicom costs start-up time

        return PydicomEngine()
    raise _unknown(name)


def _unknown(name: str) -> ConfigurationError:
    return ConfigurationError(f"there is no engine '{name}'; use {' or '.join(_VERSIONS)}")
