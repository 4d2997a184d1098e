"""Parquet part files: written once, read by column, never changed. Which of them make up a table is the lake's business."""

from dicomlake.parts.location import Location
from dicomlake.parts.part import PartFile
from dicomlake.parts.read import read_part, read_parts
from dicomlake.parts.write import KEY_COLUMNS, write_parts, write_sorted

__all__ = ["KEY_COLUMNS", "Location", "PartFile", "read_part", "read_parts", "write_parts", "write_sorted"]
