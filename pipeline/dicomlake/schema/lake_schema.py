"""The schema of one lake: the standard columns, those of its user, and every table that is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from dicomlake.errors import ConfigurationError
from dicomlake.schema.columns import Column, standard_columns
from dicomlake.schema.declaration import TableDeclaration, WrittenBy
from dicomlake.schema.frame_attributes import FrameAttribute, standard_frame_attributes
from dicomlake.schema.tables import declared_tables

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class LakeSchema:
    """The schema of every table of one lake: the standard columns, ours, and the user's.

    ``partition_by`` is the column (of text) that partitions `instances`.
    """

    columns: tuple[Column, ...]
    partition_by: str = "Modality"
    tables: tuple[TableDeclaration, ...] = field(default_factory=declared_tables)
    frame_attributes: tuple[FrameAttribute, ...] = field(default_factory=standard_frame_attributes)

    @classmethod
    def build(
        cls, user_columns: Sequence[Column] = (), partition_by: str = "Modality", user_frame_attributes: Sequence[FrameAttribute] = ()
    ) -> LakeSchema:
        """Make the schema of a lake.

        Raises:
            ConfigurationError: a user's column has a name that exists, or ``partition_by`` is not a scalar text column.
        """
        columns = standard_columns()
        own = {name for table in declared_tables() if table.has_header for name in table.own_names()}
        taken = {name.casefold() for name in own | {column.name for column in columns}}
        for column in user_columns:
            if column.name.casefold() in taken:
                raise ConfigurationError(f"column '{column.name}' exists already; give yours another 'name'")
            taken.add(column.name.casefold())
        columns = (*columns, *user_columns)
        if not any(column.name == partition_by and column.type == "string" for column in columns):
            raise ConfigurationError(f"partition_by '{partition_by}' is not a header column of type string; use Modality")
        own_of_frames = {name for table in declared_tables() if table.has_frame_attributes for name in table.own_names()}
        taken = {name.casefold() for name in own_of_frames | {attribute.name for attribute in standard_frame_attributes()}}
        for attribute in user_frame_attributes:
            if attribute.name.casefold() in taken:
                raise ConfigurationError(f"frame column '{attribute.name}' exists already; give yours another 'name'")
            taken.add(attribute.name.casefold())
        return cls(columns, partition_by, frame_attributes=(*standard_frame_attributes(), *user_frame_attributes))

    @property
    def unit_tables(self) -> tuple[TableDeclaration, ...]:
        """The tables that units write, in the order of their commits: `files`, the ledger, comes last."""
        return tuple(sorted(self._written_by(WrittenBy.UNIT), key=lambda table: table.name == "files"))

    @property
    def roll_ups(self) -> tuple[TableDeclaration, ...]:
        """The tables that are rolled up from `instances`."""
        return self._written_by(WrittenBy.ROLL_UP)

    @property
    def levels(self) -> tuple[TableDeclaration, ...]:
        """The roll-ups that every instance belongs to a row of, children before parents: `series`, `studies`, `patients`."""
        return tuple(table for table in self.roll_ups if table.entity is not None)

    def declaration(self, name: str) -> TableDeclaration:
        """The declaration of a table.

        Raises:
            ConfigurationError: there is no such table.
        """
        for table in self.tables:
            if table.name == name:
                return table
        raise ConfigurationError(f"there is no table '{name}'; the tables are {', '.join(table.name for table in self.tables)}")

    def table(self, name: str) -> pa.Schema:
        """The Arrow schema of a table.

        Raises:
            ConfigurationError: there is no such table.
        """
        return _arrow_schema(self.columns, self.frame_attributes, self.declaration(name))

    def partition_of(self, name: str) -> str | None:
        """The column that partitions a table; None where none does."""
        return self.partition_by if self.declaration(name).is_partitioned else None

    def _written_by(self, writer: WrittenBy) -> tuple[TableDeclaration, ...]:
        return tuple(table for table in self.tables if table.written_by is writer)


@cache
def _arrow_schema(columns: tuple[Column, ...], frame_attributes: tuple[FrameAttribute, ...], table: TableDeclaration) -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415 - SQL asks for the names of tables without it

    return pa.schema(table.fields(columns, frame_attributes))
