"""The engines by name. An engine is imported when it is asked for."""

from __future__ import annotations

from dicomlake.errors import ConfigurationError
from dicomlake.extract.engine import Engine


def make_engine(name: str) -> Engine:
    """Make an engine.

    Raises:
        ConfigurationError: there is no such engine.
    """
    if name == "pydicom":
        from dicomlake.extract.pydicom_engine import PydicomEngine  # noqa: PLC0415 - pydicom costs start-up time

        return PydicomEngine()
    raise ConfigurationError(f"there is no engine '{name}'; use pydicom")
