"""The declaration of a table: its columns with their types, its key, the order of its rows, and who writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from dicomlake.schema import types
from dicomlake.schema.columns import Column, units_of_columns
from dicomlake.schema.frame_attributes import FrameAttribute

if TYPE_CHECKING:
    import pyarrow as pa


class WrittenBy(Enum):
    """The writer of the rows of a table: a unit of work, a roll-up of `instances`, or the run itself."""

    UNIT = "unit"
    ROLL_UP = "roll-up"
    RUN = "run"


@dataclass(frozen=True)
class OwnColumn:
    """A column that is not an attribute of the header; ``type`` is a name of ``dicomlake.schema.types``."""

    name: str
    type: str
    meaning: str = ""

    def field(self) -> pa.Field:
        """The Arrow field, with description and units in its metadata."""
        import pyarrow as pa  # noqa: PLC0415 - SQL asks for the names of tables without it

        metadata = {"description": self.meaning} if self.meaning else {}
        if units := units_of_columns().get(self.name):
            metadata["units"] = units
        return pa.field(self.name, types.arrow_type(self.type), metadata=metadata or None)


@dataclass(frozen=True)
class Entity:
    """The entity that a roll-up table has rows of: every instance belongs to one.

    Attributes:
        level: its name in the column `level` of `findings`.
        identifiers: the DICOM keys of its parents, which its table carries too, and its own.
        description: the columns by which a person knows it, beside these.
        instance_count: the column that counts its instances.
    """

    level: str
    identifiers: tuple[str, ...]
    description: tuple[str, ...]
    instance_count: str


@dataclass(frozen=True)
class TableDeclaration:
    """A table.

    Every table that units write has a column `url`: its rows are replaced and removed by the url of their file.

    Attributes:
        name: the name of the table.
        own: its columns that are not attributes of the header.
        key: the columns that tell its rows apart; empty where no columns do.
        order: the columns by which the rows of a part file are sorted.
        written_by: who writes its rows.
        is_partitioned: whether the lake's partition column partitions it.
        drops_copies: whether it holds rows of the kept copy of an instance only.
        has_header: whether it has all header columns.
        has_frame_attributes: whether it has the attributes of frames (``frames.csv``, and those of the user).
        groups: the groups of header columns that it carries.
        header_names: other header columns that it carries, by name.
        ranged_groups: the groups of which numbers also come as ``_min`` and ``_max``.
        entity: of a roll-up that every instance belongs to a row of, the entity that a row stands for.
    """

    name: str
    own: tuple[OwnColumn, ...]
    key: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    written_by: WrittenBy = WrittenBy.UNIT
    is_partitioned: bool = False
    drops_copies: bool = False
    has_header: bool = False
    has_frame_attributes: bool = False
    groups: frozenset[str] = frozenset()
    header_names: frozenset[str] = frozenset()
    ranged_groups: frozenset[str] = frozenset()
    entity: Entity | None = None

    def __post_init__(self) -> None:
        """Refuse a table whose rows could not be replaced, or not be told apart by one key where they stand for entities."""
        if self.written_by is WrittenBy.UNIT and "url" not in self.own_names():
            raise ValueError(f"table '{self.name}' is written by units and lacks a column 'url'")
        if self.entity is not None and (self.written_by is not WrittenBy.ROLL_UP or len(self.key) != 1):
            raise ValueError(f"table '{self.name}' has rows of an entity, and is not a roll-up with a key of one column")

    def own_names(self) -> frozenset[str]:
        """The names of its own columns."""
        return frozenset(column.name for column in self.own)

    def carried(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The header columns that it carries, those of its parents' keys aside."""
        return tuple(column for column in columns if self.has_header or column.group in self.groups or column.name in self.header_names)

    def parents(self, columns: Sequence[Column]) -> list[str]:
        """The DICOM keys of its entity's parents."""
        own = {column.name for column in self.carried(columns)}
        return [name for name in self.entity.identifiers if name not in own] if self.entity else []

    def ranged(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The header columns that also come as ``_min`` and ``_max``."""
        return tuple(column for column in columns if column.group in self.ranged_groups and column.type in ("int32", "int64", "float64"))

    def fields(self, columns: Sequence[Column], frame_attributes: Sequence[FrameAttribute]) -> list[pa.Field]:
        """The Arrow fields of the table in a lake that has these header columns, and these attributes of frames."""
        by_name = {column.name: column for column in columns}
        fields = [by_name[name].field() for name in self.parents(columns)]
        fields += [column.field() for column in self.carried(columns)]
        for column in self.ranged(columns):
            ranged = column.field()
            fields += [ranged.with_name(f"{column.name}_min"), ranged.with_name(f"{column.name}_max")]
        if self.has_frame_attributes:
            fields += [attribute.field() for attribute in frame_attributes]
        return [*fields, *(column.field() for column in self.own)]
