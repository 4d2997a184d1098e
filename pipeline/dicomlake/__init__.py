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
    from dicomlake.api import index, scan
    from dicomlake.version import VERSION as __version__  # noqa: N811 - the name that every package has

__all__ = ["Lake", "__version__", "errors", "index", "scan"]

_HOMES = {
    "Lake": ("dicomlake.answers.lake", "Lake"),
    "__version__": ("dicomlake.version", "VERSION"),
    "index": ("dicomlake.api", "index"),
    "scan": ("dicomlake.api", "scan"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class, functions and a text
    if name not in _HOMES:
        raise AttributeError(f"module 'dicomlake' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
