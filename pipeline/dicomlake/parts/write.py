"""Writing part files: sorted rows, statistics on the keys, owner-only, under names that nothing else has."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dicomlake.errors import AccessDenied
from dicomlake.parts.location import Location
from dicomlake.parts.part import Bound, PartFile

ROW_GROUP_ROWS = 65_536
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
    try:
        return [_write_part(location, table, partition, value, partition_by) for value, partition in _partitions(rows, partition_by)]
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


def _write_part(location: Location, table: str, rows: pa.Table, partition: str | None, partition_by: str | None) -> PartFile:
    path = f"part-{uuid.uuid4().hex}.parquet"
    if partition_by is not None:
        # Readers decode what the log names, so the folder's own name is the quoted text, as Hive and Spark write it.
        value = NULL_PARTITION if partition is None else quote(partition, safe="")
        path = f"{partition_by}={value}/{path}"
    names = set(rows.schema.names)
    keys = [name for name in KEY_COLUMNS if name in names]
    with location.open_new(table, *path.split("/")) as file:
        # Wide rows are mostly columns of nulls, which cost more to compress than they hold.
        with pq.ParquetWriter(
            file,
            rows.schema,
            compression=_compression(rows),
            use_dictionary=_dictionary_columns(rows),
            write_statistics=keys,
        ) as writer:
            writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)
        size = file.tell()
    lowest: dict[str, Bound] = {}
    highest: dict[str, Bound] = {}
    null_count: dict[str, int] = {}
    for name in keys:
        bounds = pc.min_max(rows[name]).as_py()
        lowest[name], highest[name] = bounds["min"], bounds["max"]
        null_count[name] = rows[name].null_count
    return PartFile(table, path, size, rows.num_rows, partition, lowest, highest, null_count)


def _leaf_name(field: pa.Field) -> str:
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name


def _compression(rows: pa.Table) -> dict[str, Any]:
    return {_leaf_name(field): "none" if rows[field.name].null_count == rows.num_rows else "zstd" for field in rows.schema}


def _dictionary_columns(rows: pa.Table) -> list[str]:
    # Every row has its own url, digest and instance UID: a dictionary of them would be built and thrown away.
    unique = {"url", "header_digest", "header_json"} | ({"SOPInstanceUID"} if "header_digest" in rows.schema.names else set())
    return [_leaf_name(field) for field in rows.schema if field.name not in unique and rows[field.name].null_count < rows.num_rows]
