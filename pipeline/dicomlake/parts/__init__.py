"""Parquet part files: written once, read by column, never changed. Which of them make up a table is the lake's business."""

from dicomlake.parts.groups import OpenPart, RowGroup, compact, open_part
from dicomlake.parts.location import Location
from dicomlake.parts.part import PartFile
from dicomlake.parts.permission import refused_by_system
from dicomlake.parts.present import part_sizes
from dicomlake.parts.read import read_part, read_part_arrow, read_parts, uncompressed_size
from dicomlake.parts.write import KEY_COLUMNS, PartWriter, write_parts, write_sorted, writing

__all__ = [
    "KEY_COLUMNS",
    "Location",
    "OpenPart",
    "PartFile",
    "PartWriter",
    "RowGroup",
    "compact",
    "open_part",
    "part_sizes",
    "read_part",
    "read_part_arrow",
    "read_parts",
    "refused_by_system",
    "uncompressed_size",
    "write_parts",
    "write_sorted",
    "writing",
]
