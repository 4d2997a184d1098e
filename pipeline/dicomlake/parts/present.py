"""Which part files are there, whatever any log says of them."""

from __future__ import annotations

from dicomlake.parts.location import Location


def part_sizes(location: Location, table: str) -> dict[str, int]:
    """The part files below a table's folder with their bytes, by path as `PartFile` has it."""
    root = location.join(table)
    found = location.filesystem.find(root, detail=True)
    sizes = {}
    for path, details in found.items():
        relative = path[len(root) :].lstrip("/")
        if relative.endswith(".parquet") and not relative.startswith("_delta_log/"):
            sizes[relative] = int(details["size"])
    return sizes
