"""Parquet part files: written once, read by column, never changed. Which of them make up a table is the lake's business.

A module is imported when one of its names is used, so that a query imports neither pyarrow nor polars.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dicomlake.parts.encoded import without
    from dicomlake.parts.groups import OpenPart, RowGroup, compact, open_part
    from dicomlake.parts.location import Location
    from dicomlake.parts.part import PartFile
    from dicomlake.parts.permission import refused_by_system
    from dicomlake.parts.present import part_sizes
    from dicomlake.parts.read import read_part, read_part_arrow, read_parts, uncompressed_size
    from dicomlake.parts.threads import side_by_side
    from dicomlake.parts.write import KEY_COLUMNS, SMALL_ROWS, Layout, PartWriter, delete_parts, write_parts, write_sorted, writing

__all__ = [
    "KEY_COLUMNS",
    "SMALL_ROWS",
    "Layout",
    "Location",
    "OpenPart",
    "PartFile",
    "PartWriter",
    "RowGroup",
    "compact",
    "delete_parts",
    "open_part",
    "part_sizes",
    "read_part",
    "read_part_arrow",
    "read_parts",
    "refused_by_system",
    "side_by_side",
    "uncompressed_size",
    "without",
    "write_parts",
    "write_sorted",
    "writing",
]

_HOMES = {
    "without": "dicomlake.parts.encoded",
    "OpenPart": "dicomlake.parts.groups",
    "RowGroup": "dicomlake.parts.groups",
    "compact": "dicomlake.parts.groups",
    "open_part": "dicomlake.parts.groups",
    "Location": "dicomlake.parts.location",
    "PartFile": "dicomlake.parts.part",
    "refused_by_system": "dicomlake.parts.permission",
    "part_sizes": "dicomlake.parts.present",
    "read_part": "dicomlake.parts.read",
    "read_part_arrow": "dicomlake.parts.read",
    "read_parts": "dicomlake.parts.read",
    "uncompressed_size": "dicomlake.parts.read",
    "side_by_side": "dicomlake.parts.threads",
    "KEY_COLUMNS": "dicomlake.parts.write",
    "SMALL_ROWS": "dicomlake.parts.write",
    "Layout": "dicomlake.parts.write",
    "PartWriter": "dicomlake.parts.write",
    "delete_parts": "dicomlake.parts.write",
    "write_parts": "dicomlake.parts.write",
    "write_sorted": "dicomlake.parts.write",
    "writing": "dicomlake.parts.write",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - classes and functions
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
