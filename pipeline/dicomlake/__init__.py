"""dicomlake: DICOM files into a lake of metadata for SQL queries.

    import dicomlake

    summary = dicomlake.index("/archive", lake="lake")
    lake = dicomlake.Lake("lake")
    lake.sql("select Modality, count(*) from series group by 1").collect()

Modules that read or write a lake are imported at their first use, so ``import dicomlake`` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dicomlake import errors

if TYPE_CHECKING:
    from dicomlake.answers.lake import Lake
    from dicomlake.api import header_tree, index, open_url, scan
    from dicomlake.config import Settings, load_settings
    from dicomlake.extract.engine import Scanned
    from dicomlake.lake import LakeDiff
    from dicomlake.run import Progress, Summary
    from dicomlake.version import VERSION as __version__  # noqa: N811 - the name that every package has

__all__ = [
    "Lake",
    "LakeDiff",
    "Progress",
    "Scanned",
    "Settings",
    "Summary",
    "__version__",
    "errors",
    "header_tree",
    "index",
    "load_settings",
    "open_url",
    "scan",
]

_HOMES = {
    "Lake": ("dicomlake.answers.lake", "Lake"),
    "LakeDiff": ("dicomlake.lake", "LakeDiff"),
    "Progress": ("dicomlake.run", "Progress"),
    "Scanned": ("dicomlake.extract.engine", "Scanned"),
    "Settings": ("dicomlake.config", "Settings"),
    "Summary": ("dicomlake.run", "Summary"),
    "__version__": ("dicomlake.version", "VERSION"),
    "header_tree": ("dicomlake.api", "header_tree"),
    "index": ("dicomlake.api", "index"),
    "load_settings": ("dicomlake.config", "load_settings"),
    "open_url": ("dicomlake.api", "open_url"),
    "scan": ("dicomlake.api", "scan"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class, functions and a text
    if name not in _HOMES:
        raise AttributeError(f"module 'dicomlake' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
