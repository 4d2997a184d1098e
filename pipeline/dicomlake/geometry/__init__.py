"""Geometry: which slices of a series make a volume, and whether they do so regularly. It reads no file and knows no lake."""

from dicomlake.geometry.dividing import DIVIDING_ATTRIBUTES, DividingAttribute
from dicomlake.geometry.irregular import IRREGULAR_SCHEMA
from dicomlake.geometry.of_series import SERIES_GEOMETRY_SCHEMA, geometry_of_series
from dicomlake.geometry.slices import SLICES_SCHEMA, frame_columns, instance_columns, slices_of
from dicomlake.geometry.stacks import STACKS_SCHEMA, Stacks, stacks_of

__all__ = [
    "DIVIDING_ATTRIBUTES",
    "IRREGULAR_SCHEMA",
    "SERIES_GEOMETRY_SCHEMA",
    "SLICES_SCHEMA",
    "STACKS_SCHEMA",
    "DividingAttribute",
    "Stacks",
    "frame_columns",
    "geometry_of_series",
    "instance_columns",
    "slices_of",
    "stacks_of",
]
