"""Writing part files: sorted rows, statistics on the keys, owner-only, under names that nothing else has."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dicomlake.errors import AccessDenied
from dicomlake.parts.location import Location
from dicomlake.parts.part import Bound, PartFile
from dicomlake.stores import NewObject

ROW_GROUP_ROWS = 65_536
SMALL_ROWS = 1024
"""Part files of fewer rows are compressed by Snappy: zstd takes longer to begin with a column than to compress it."""

_REPEATING = pa.dictionary(pa.int32(), pa.string())
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"

KEY_COLUMNS = (
    "url",
    "source",
    "PatientID",
    "IssuerOfPatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "InstanceNumber",
    "patient_key",
    "study_key",
    "series_key",
    "snapshot",
)
"""The columns that have statistics, in every table where they stand."""


def write_sorted(
    location: Location, table: str, rows: pa.Table, order: Sequence[str], *, partition_by: str | None = None
) -> list[PartFile]:
    """Sort rows and write them as part files, one for each value of ``partition_by``."""
    # Sorted by partition first, every partition is a slice, and nothing is copied a second time.
    keys = [*([partition_by] if partition_by else []), *order]
    return write_parts(location, table, _sorted(rows, keys), partition_by=partition_by)


def write_parts(location: Location, table: str, rows: pa.Table, *, partition_by: str | None = None) -> list[PartFile]:
    """Write rows in their order as part files, one for each value of ``partition_by``.

    Raises:
        AccessDenied: the lake can't be written.
    """
    layout: Layout | None = None
    written: list[PartFile] = []
    with writing(location):
        for value, partition in _partitions(rows, partition_by):
            layout = layout or Layout.of(partition.schema)
            written.append(_write_part(location, table, layout, partition, value, partition_by))
    return written


def delete_parts(location: Location, parts: Iterable[PartFile]) -> None:
    """Remove part files that were never committed; one that can't be removed is a note of `verify`."""
    for part in parts:
        path = location.join(part.table, *part.path.split("/"))
        with suppress(OSError, AccessDenied):
            if location.is_local:
                os.unlink(path)
            else:
                location.filesystem.rm_file(path)


@contextmanager
def writing(location: Location) -> Iterator[None]:
    """Say in one line that a lake can't be written."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise AccessDenied(f"lake {location.url} can't be written: {reason}; check its permissions and free space") from error


def _sorted(rows: pa.Table, keys: Sequence[str]) -> pa.Table:
    order = pc.sort_indices(rows, [(name, "ascending") for name in keys])
    if np.array_equal(order.to_numpy(), np.arange(rows.num_rows)):
        return rows
    # Most columns of a wide row hold nothing but nulls, and are in order as they are.
    columns = [column if column.null_count == rows.num_rows else column.take(order) for column in rows.columns]
    return pa.Table.from_arrays(columns, schema=rows.schema)


def _partitions(rows: pa.Table, partition_by: str | None) -> Iterator[tuple[str | None, pa.Table]]:
    if rows.num_rows == 0:
        return
    if partition_by is None:
        yield None, rows
        return
    column = rows[partition_by].combine_chunks()
    rest = rows.drop_columns([partition_by])
    runs = pc.run_end_encode(column)
    values, ends = runs.values.to_pylist(), runs.run_ends.to_pylist()
    if len(set(values)) == len(values):
        for value, start, end in zip(values, [0, *ends], ends, strict=False):
            yield value, rest.slice(start, end - start)
        return
    for value in dict.fromkeys(values):
        yield value, rest.filter(pc.is_null(column) if value is None else pc.equal(column, value))


@dataclass(frozen=True)
class Layout:
    """The columns of part files, as their writers need them; made once for the many part files of a unit.

    Attributes:
        schema: the columns without their metadata: the log of the table has that, and it would be most of a small part file.
        leaves: by the name of each column, the name of its values in Parquet.
        unique: the columns that have another value in each row.
    """

    schema: pa.Schema
    leaves: Mapping[str, str]
    unique: frozenset[str]

    @classmethod
    def of(cls, schema: pa.Schema) -> Layout:
        """The layout for the columns of a schema."""
        leaves = {field.name: f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name for field in schema}
        # Every row has its own url, digest and instance UID: a dictionary of them would be built and thrown away.
        unique = {"url", "modified", "header_digest", "header_json", "MediaStorageSOPInstanceUID"}
        unique |= {"SOPInstanceUID"} if "header_digest" in leaves else set()
        return cls(pa.schema([pa.field(field.name, field.type) for field in schema]), leaves, frozenset(unique))


def _write_part(
    location: Location, table: str, layout: Layout, rows: pa.Table, partition: str | None, partition_by: str | None
) -> PartFile:
    # Wide rows are mostly columns of nulls, which cost more to compress than they hold.
    empty = [name for name, column in zip(rows.schema.names, rows.columns, strict=True) if column.null_count == rows.num_rows]
    is_small = rows.num_rows < SMALL_ROWS
    with PartWriter(location, table, layout, partition, partition_by, empty=empty, is_small=is_small) as writer:
        writer.write(rows)
    return writer.part()


class PartWriter:
    """Writes one part file, some rows at a time, and keeps the statistics of its keys.

    Args:
        location: the lake.
        table: the table.
        layout: the columns of the file, the partition column left out.
        partition: the value of the partition column.
        partition_by: the partition column.
        empty: columns that will hold nulls only, as far as is known.
        is_small: whether it has fewer than ``SMALL_ROWS`` rows.
        repeating: columns whose text comes as a dictionary and numbers, and is written so.
    """

    def __init__(
        self,
        location: Location,
        table: str,
        layout: Layout,
        partition: str | None,
        partition_by: str | None,
        *,
        empty: Sequence[str],
        is_small: bool = False,
        repeating: Collection[str] = (),
    ) -> None:
        path = f"part-{uuid.uuid4().hex}.parquet"
        if partition_by is not None:
            # Readers decode what the log names, so the folder's own name is the quoted text, as Hive and Spark write it.
            value = NULL_PARTITION if partition is None else quote(partition, safe="")
            path = f"{partition_by}={value}/{path}"
        self._table, self._path, self._partition = table, path, partition
        self._keys = [name for name in KEY_COLUMNS if name in layout.leaves]
        self._lowest: dict[str, Bound] = dict.fromkeys(self._keys)
        self._highest: dict[str, Bound] = dict.fromkeys(self._keys)
        self._null_count = dict.fromkeys(self._keys, 0)
        self._rows = self._size = 0
        nulls = set(empty)
        compression = "snappy" if is_small else "zstd"
        fields = [field.with_type(_REPEATING) if field.name in repeating else field for field in layout.schema]
        self._schema = pa.schema(fields)
        self._file = location.open_new(table, *path.split("/"))
        self._writer = pq.ParquetWriter(
            self._file,
            self._schema,
            compression={leaf: "none" if name in nulls else compression for name, leaf in layout.leaves.items()},
            use_dictionary=[leaf for name, leaf in layout.leaves.items() if name not in layout.unique and name not in nulls],
            # A reader learns from them that a column holds nulls only, and need not read it; of a list they can't tell it.
            write_statistics=[*self._keys, *(name for name in nulls.difference(self._keys) if layout.leaves[name] == name)],
            write_batch_size=ROW_GROUP_ROWS,
            # A reader is not to know how the rows came.
            store_schema=not repeating,
        )

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write the end of the file, and close it; in a bucket there is none after an error."""
        if kind is not None and isinstance(self._file, NewObject):
            self._file.discard()
            return
        with self._file:
            # After an error there may be no room for the end of the file either, and the first error is the one to be told.
            with nullcontext() if kind is None else suppress(OSError):
                self._writer.close()
            self._size = self._file.tell()

    def write(self, rows: pa.Table) -> None:
        """Write rows behind those that were written, in row groups of their own."""
        self._writer.write_table(pa.Table.from_arrays(rows.columns, schema=self._schema), row_group_size=ROW_GROUP_ROWS)
        self._rows += rows.num_rows
        for name in self._keys:
            bounds = _bounds(rows[name])
            self._lowest[name] = _one_of(min, self._lowest[name], bounds["min"])
            self._highest[name] = _one_of(max, self._highest[name], bounds["max"])
            self._null_count[name] += rows[name].null_count

    def part(self) -> PartFile:
        """The part file, once it is closed."""
        return PartFile(self._table, self._path, self._size, self._rows, self._partition, self._lowest, self._highest, self._null_count)


def _bounds(column: pa.ChunkedArray) -> dict[str, Bound]:
    if pa.types.is_dictionary(column.type):
        column = column.unique().cast(column.type.value_type)
    return cast("dict[str, Bound]", pc.min_max(column).as_py())


def _one_of(choose: Callable[[Any, Any], Bound], former: Bound, bound: Bound) -> Bound:
    return former if bound is None else bound if former is None else choose(former, bound)
