"""The tables of a lake: every column with its type, before the first file is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from dicomlake.errors import ConfigurationError
from dicomlake.schema import types
from dicomlake.schema.columns import Column, data_rows, standard_columns, units_of_columns

TABLE_NAMES = ("files", "instances", "series", "studies", "patients", "findings", "snapshots")
"""The tables that this version writes; `frames` and `references` are promised, not written yet."""

SERIES_KEY = ("StudyInstanceUID", "SeriesInstanceUID")
STUDY_KEY = ("StudyInstanceUID",)
PATIENT_KEY = ("PatientID", "IssuerOfPatientID")

ROW_ORDER = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "InstanceNumber", "SOPInstanceUID")
"""How the rows of a part file of `instances` are sorted."""

_SERIES_GROUPS = frozenset({"series", "equipment", "pixel", "x-ray", "mr", "nuclear", "slide", "derived"})
_RANGE_GROUPS = frozenset({"x-ray", "mr", "nuclear"})
_SERIES_IMAGE_COLUMNS = frozenset(
    {
        "ImageType",
        "ImageOrientationPatient",
        "SliceThickness",
        "SpacingBetweenSlices",
        "PixelSpacing",
        "ImagerPixelSpacing",
        "ImageLaterality",
        "ViewPosition",
        "BurnedInAnnotation",
        "LossyImageCompression",
        "SpecificCharacterSet",
        "SOPClassUID",
    }
)


def row_order(table: str) -> tuple[str, ...]:
    """The columns by which the rows of a part file of a table are sorted: the hierarchy, or the key of a table that stands apart."""
    return {
        "files": ("url",),
        "series": (*PATIENT_KEY, *SERIES_KEY),
        "studies": (*PATIENT_KEY, *STUDY_KEY),
        "patients": PATIENT_KEY,
        "findings": ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "url"),
        "snapshots": ("snapshot",),
    }.get(table, ROW_ORDER)


@dataclass(frozen=True)
class LakeSchema:
    """The schema of every table of one lake: the standard columns, ours, and the user's.

    ``partition_by`` is the column (of text) that partitions `instances`.
    """

    columns: tuple[Column, ...]
    partition_by: str = "Modality"

    @classmethod
    def build(cls, user_columns: Sequence[Column] = (), partition_by: str = "Modality") -> LakeSchema:
        """Make the schema of a lake.

        Raises:
            ConfigurationError: a user's column has a name that exists, or ``partition_by`` is no scalar text column.
        """
        columns = standard_columns()
        taken = {column.name.casefold() for column in columns} | {row["name"].casefold() for row in _own_rows("instances")}
        for column in user_columns:
            if column.name.casefold() in taken:
                raise ConfigurationError(f"column '{column.name}' exists already; give yours another 'name'")
            taken.add(column.name.casefold())
        columns = (*columns, *user_columns)
        if not any(column.name == partition_by and column.type == "string" for column in columns):
            raise ConfigurationError(f"partition_by '{partition_by}' is no header column of type string; use Modality")
        return cls(columns, partition_by)

    def table(self, name: str) -> pa.Schema:
        """The Arrow schema of a table.

        Raises:
            ConfigurationError: there is no such table.
        """
        if name not in TABLE_NAMES:
            raise ConfigurationError(f"there is no table '{name}'; the tables are {', '.join(TABLE_NAMES)}")
        return _table_schema(self, name)

    def rolled_up(self, table: str) -> tuple[Column, ...]:
        """The header columns that a roll-up table carries for its own level (parents' keys aside)."""
        return _rolled_up(self.columns, table)

    def ranged(self) -> tuple[Column, ...]:
        """The columns of `series` that also come as ``_min`` and ``_max``."""
        return tuple(column for column in self.columns if column.group in _RANGE_GROUPS and column.type in ("int32", "int64", "float64"))


def parent_keys(table: str) -> tuple[str, ...]:
    """The keys of a roll-up table's parents, which it carries too."""
    return {"series": (*PATIENT_KEY, "StudyInstanceUID"), "studies": PATIENT_KEY}.get(table, ())


def _rolled_up(columns: Sequence[Column], table: str) -> tuple[Column, ...]:
    if table == "series":
        return tuple(c for c in columns if c.group in _SERIES_GROUPS or c.name in _SERIES_IMAGE_COLUMNS)
    group = {"studies": "study", "patients": "patient"}[table]
    return tuple(column for column in columns if column.group == group)


@cache
def _table_schema(schema: LakeSchema, name: str) -> pa.Schema:
    own = [_own_field(row) for row in _own_rows(name)]
    if name == "instances":
        return pa.schema([*(column.field() for column in schema.columns), *own])
    if name in ("files", "findings", "snapshots"):
        return pa.schema(own)
    by_name = {column.name: column for column in schema.columns}
    fields = [by_name[key].field() for key in parent_keys(name)]
    fields += [column.field() for column in schema.rolled_up(name)]
    if name == "series":
        for column in schema.ranged():
            field = column.field()
            fields += [field.with_name(f"{column.name}_min"), field.with_name(f"{column.name}_max")]
    return pa.schema([*fields, *own])


@cache
def _own_rows(table: str) -> tuple[dict[str, str], ...]:
    return tuple(row for row in data_rows("tables.csv") if row["table"] == table)


def _own_field(row: dict[str, str]) -> pa.Field:
    metadata = {"description": row["meaning"]} if row["meaning"] else {}
    if units := units_of_columns().get(row["name"]):
        metadata["units"] = units
    return pa.field(row["name"], types.arrow_type(row["type"]), metadata=metadata or None)
