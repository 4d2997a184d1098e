"""Columns and types: what every table of a lake holds, declared before the first file is read."""

from dicomlake.schema.columns import Column, standard_columns, user_column
from dicomlake.schema.path import AttributePath, Step
from dicomlake.schema.tables import (
    PATIENT_KEY,
    ROW_ORDER,
    SERIES_KEY,
    STUDY_KEY,
    TABLE_NAMES,
    LakeSchema,
    parent_keys,
    row_order,
)

__all__ = [
    "PATIENT_KEY",
    "ROW_ORDER",
    "SERIES_KEY",
    "STUDY_KEY",
    "TABLE_NAMES",
    "AttributePath",
    "Column",
    "LakeSchema",
    "Step",
    "parent_keys",
    "row_order",
    "standard_columns",
    "user_column",
]
