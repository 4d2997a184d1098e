"""An open part file: read whole, or row group by row group, so that memory is bounded by a row group, however large the file is.

A row group has statistics of the key columns in the file's footer, as a part file has them in the log: whoever looks for keys reads few.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dicomlake.errors import LakeDamaged
from dicomlake.parts.encoded import are_among, decoded, taken
from dicomlake.parts.location import Location
from dicomlake.parts.part import Bound, PartFile
from dicomlake.parts.permission import refused_by_system
from dicomlake.parts.write import KEY_COLUMNS

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group of a part file: its place, how many rows it has, and what its footer says of the key columns."""

    number: int
    rows: int
    lowest: dict[str, Bound]
    highest: dict[str, Bound]
    null_count: dict[str, int]


class OpenPart:
    """A part file that is open for reading; ``groups`` are its row groups, in their order."""

    def __init__(self, location: Location, part: PartFile, source: pa.NativeFile | IO[bytes], partition_by: str | None) -> None:
        self._location = location
        self._source = source
        self._file = self._opened()
        self._partition_by = partition_by
        self._null_columns: dict[int, frozenset[str]] = {}
        self.names = list(self._file.schema_arrow.names)
        self.part = part
        metadata = self._file.metadata
        keys = [index for index, column in enumerate(metadata.schema.names) if column in _KEYS]
        self.groups = [_row_group(metadata, number, keys) for number in range(metadata.num_row_groups)]

    @cached_property
    def repeating(self) -> frozenset[str]:
        """The columns of text whose values stand in a dictionary, each once for a row group."""
        metadata = self._file.metadata
        texts = [field.name for field in self._file.schema_arrow if pa.types.is_string(field.type)]
        indices = {name: index for index, name in enumerate(metadata.schema.names)}
        numbers = range(metadata.num_row_groups)
        return frozenset(
            name for name in texts if all(metadata.row_group(number).column(indices[name]).has_dictionary_page for number in numbers)
        )

    def frame(self, group: RowGroup | None, columns: Sequence[str] | None) -> pl.DataFrame:
        """Some columns of a row group, or all; where ``group`` is None, of the whole file. Columns of text that it lacks are null.

        Raises:
            LakeDamaged: they can't be read.
        """
        import polars as pl  # noqa: PLC0415 - a worker that only writes part files starts sooner without it

        if columns is None:
            columns = [*self.names, *([self._partition_by] if self._partition_by else [])]
        inside = [name for name in columns if name in self.names]
        frame = pl.DataFrame(self._read(group, inside)) if inside else pl.DataFrame(height=self.part.rows if group is None else group.rows)
        return self._with_others(frame, columns)

    def table(self, group: RowGroup | None, schema: pa.Schema) -> pa.Table:
        """A row group, or the whole file, with every column of a schema; those that the file lacks are null.

        Raises:
            LakeDamaged: it can't be read.
        """
        rows = self._read(group, [name for name in schema.names if name in self.names])
        return with_schema(rows, schema, self.part.partition, self._partition_by)

    def encoded(self, group: RowGroup, schema: pa.Schema) -> pa.Table:
        """Likewise a row group, but text that repeats (see `repeating`) stays a dictionary and numbers: that is a fraction of the work.

        Raises:
            LakeDamaged: it can't be read.
        """
        rows = self._read_encoded(group, [name for name in schema.names if name in self.names])
        encoded = {name: rows.schema.field(name).type for name in rows.schema.names if pa.types.is_dictionary(rows.schema.field(name).type)}
        fields = [field.with_type(encoded.get(field.name, field.type)) for field in schema]
        return with_schema(rows, pa.schema(fields), self.part.partition, self._partition_by)

    def some_rows(self, group: RowGroup, schema: pa.Schema, indices: np.ndarray) -> pa.Table:
        """Some rows of a row group, as `table` answers all of them.

        Raises:
            LakeDamaged: they can't be read.
        """
        return decoded(taken(self.encoded(group, schema), indices))

    def some_columns(self, group: RowGroup, columns: Sequence[str], indices: np.ndarray) -> pl.DataFrame:
        """Some columns of some rows of a row group, in memory of their own, as `frame` answers those of all.

        Raises:
            LakeDamaged: they can't be read.
        """
        import polars as pl  # noqa: PLC0415 - likewise

        inside = [name for name in columns if name in self.names]
        rows = taken(self._read_encoded(group, inside), indices)
        frame = pl.DataFrame(decoded(rows)) if inside else pl.DataFrame(height=len(indices))
        return self._with_others(frame, columns)

    def rows_with_any(self, group: RowGroup, wanted: Mapping[str, pl.Series]) -> np.ndarray:
        """The indices of the rows of a row group that have one of the values wanted, in one of the columns or another; in order.

        Args:
            group: the row group.
            wanted: texts, sorted and without null, by the name of their column; the partition column is none of them.

        Raises:
            LakeDamaged: it can't be read.
        """
        return self.rows_where(group, {name: partial(are_among, ordered=values) for name, values in wanted.items()})

    def rows_where(self, group: RowGroup, tests: Mapping[str, Callable[[pa.Array], np.ndarray]]) -> np.ndarray:
        """Likewise the indices of the rows of which one column or another passes its test.

        Args:
            group: the row group.
            tests: by the name of the column, a function that says of each text whether it passes.

        Raises:
            LakeDamaged: it can't be read.
        """
        rows = self._read_encoded(group, [name for name in tests if name in self.names])
        chosen = np.zeros(group.rows, dtype=bool)
        for name, column in zip(rows.schema.names, rows.columns, strict=True):
            values = column.combine_chunks()
            if pa.types.is_dictionary(values.type):
                # A dictionary tells of most row groups that they hold none of them.
                passes = tests[name](values.dictionary)
                if passes.any():
                    chosen |= np.append(passes, [False])[values.indices.fill_null(len(passes)).to_numpy()]
            else:
                chosen |= tests[name](values)
        return np.flatnonzero(chosen)

    def _opened(self, repeating: Iterable[str] = (), metadata: pq.FileMetaData | None = None) -> pq.ParquetFile:
        # Elsewhere a request costs more than the bytes between two columns.
        return pq.ParquetFile(self._source, metadata=metadata, read_dictionary=[*repeating], pre_buffer=not self._location.is_local)

    @cached_property
    def _encoded_file(self) -> pq.ParquetFile:
        return self._opened(self.repeating, self._file.metadata) if self.repeating else self._file

    def _read(self, group: RowGroup | None, columns: Sequence[str]) -> pa.Table:
        if group is not None:
            return self._read_group(self._file, group, columns)
        with reading(self._location, self.part):
            return self._file.read(columns)

    def _read_encoded(self, group: RowGroup, columns: Sequence[str]) -> pa.Table:
        return self._read_group(self._encoded_file, group, columns)

    def _read_group(self, file: pq.ParquetFile, group: RowGroup, columns: Sequence[str]) -> pa.Table:
        nulls = self._nulls(group)
        with reading(self._location, self.part):
            rows = file.read_row_group(group.number, [name for name in columns if name not in nulls])
        if nulls.isdisjoint(columns):
            return rows
        types = self._file.schema_arrow
        arrays = [pa.nulls(group.rows, types.field(name).type) if name in nulls else rows[name] for name in columns]
        return pa.Table.from_arrays(arrays, names=[*columns])

    def _nulls(self, group: RowGroup) -> frozenset[str]:
        """The columns, lists aside, that hold nothing but nulls in a row group, as its footer says."""
        if group.number not in self._null_columns:
            of_group = self._file.metadata.row_group(group.number)
            columns = [of_group.column(index) for index in range(of_group.num_columns)]
            found = (column for column in columns if column.is_stats_set and column.statistics.null_count == group.rows)
            self._null_columns[group.number] = frozenset(column.path_in_schema for column in found).intersection(self.names)
        return self._null_columns[group.number]

    def _with_others(self, frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of a row group, and those beside them that stand elsewhere or nowhere, in the order asked for."""
        import polars as pl  # noqa: PLC0415 - likewise

        outside = {name: self.part.partition if name == self._partition_by else None for name in columns if name not in frame.columns}
        return frame.with_columns(pl.lit(value, dtype=pl.String).alias(name) for name, value in outside.items()).select(columns)

    def uncompressed_size(self) -> int:
        """The bytes of its rows before they were compressed."""
        return sum(self._file.metadata.row_group(group.number).total_byte_size for group in self.groups)

    def uncompressed_columns(self) -> list[str]:
        """The columns that were written without compression, in every row group: those that hold nulls only."""
        metadata = self._file.metadata
        compressed = {
            chunk.path_in_schema.partition(".")[0]
            for group in self.groups
            for chunk in map(metadata.row_group(group.number).column, range(metadata.num_columns))
            if chunk.compression != "UNCOMPRESSED"
        }
        return [name for name in self._file.schema_arrow.names if name not in compressed]


def compact(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows in memory of their own.

    Rows that polars chose from others can keep all of those in memory: their text, and where they stood side by side their numbers too.
    """
    import polars as pl  # noqa: PLC0415 - likewise

    rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    return pl.DataFrame(rows.take(pa.array(np.arange(rows.num_rows))))


@contextmanager
def open_part(location: Location, part: PartFile, *, partition_by: str | None = None) -> Iterator[OpenPart]:
    """Open a part file to read its row groups.

    Raises:
        LakeDamaged: the file is not there or can't be read.
    """
    path = location.join(part.table, *part.path.split("/"))
    with reading(location, part):
        if location.is_local:
            if os.stat(path).st_size != part.size:
                raise OSError(errno.EIO, "its size is not the one that was recorded")
            source = pa.OSFile(path)
        else:
            source = location.open_part(path, part.size)
    with source:
        with reading(location, part):
            opened = OpenPart(location, part, source, partition_by)
        yield opened


@contextmanager
def reading(location: Location, part: PartFile) -> Iterator[None]:
    """Say in one line that a part file can't be read.

    Raises:
        AccessDenied: this user may not read it.
        LakeDamaged: it is not there or can't be read.
    """
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        lake = location.url
        message = f"part file {part.path} of table '{part.table}' of {lake} can't be read; run 'dicomlake verify {lake}'"
        raise (refused_by_system(location, part.table) or LakeDamaged(message)) from error


def with_schema(rows: pa.Table, schema: pa.Schema, partition: str | None, partition_by: str | None) -> pa.Table:
    """Rows of a part file with every column of a schema, the partition column put back, and columns that are absent null."""
    names = set(rows.schema.names)
    columns = [
        pa.repeat(pa.scalar(partition, field.type), rows.num_rows)
        if field.name == partition_by
        else rows[field.name].cast(field.type)
        if field.name in names
        else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _row_group(metadata: pq.FileMetaData, number: int, keys: Sequence[int]) -> RowGroup:
    group = metadata.row_group(number)
    lowest: dict[str, Bound] = {}
    highest: dict[str, Bound] = {}
    null_count: dict[str, int] = {}
    for index in keys:
        column = group.column(index)
        name = column.path_in_schema
        if not column.is_stats_set:
            continue
        statistics = column.statistics
        if statistics.has_null_count and (statistics.has_min_max or statistics.null_count == group.num_rows):
            lowest[name] = statistics.min if statistics.has_min_max else None
            highest[name] = statistics.max if statistics.has_min_max else None
            null_count[name] = statistics.null_count
    return RowGroup(number, group.num_rows, lowest, highest, null_count)


_KEYS = frozenset(KEY_COLUMNS)
