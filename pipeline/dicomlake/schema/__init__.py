"""Columns, types and tables: what a lake holds, declared before the first file is read."""

from dicomlake.schema.columns import Column, standard_columns, user_column
from dicomlake.schema.declaration import Entity, OwnColumn, TableDeclaration, WrittenBy
from dicomlake.schema.frame_attributes import FrameAttribute, standard_frame_attributes, user_frame_attribute
from dicomlake.schema.keys import entity_key
from dicomlake.schema.lake_schema import LakeSchema
from dicomlake.schema.path import AttributePath, Step
from dicomlake.schema.tables import ROWS_VERSION, declared_tables, table_names

__all__ = [
    "ROWS_VERSION",
    "AttributePath",
    "Column",
    "Entity",
    "FrameAttribute",
    "LakeSchema",
    "OwnColumn",
    "Step",
    "TableDeclaration",
    "WrittenBy",
    "declared_tables",
    "entity_key",
    "standard_columns",
    "standard_frame_attributes",
    "table_names",
    "user_column",
    "user_frame_attribute",
]
