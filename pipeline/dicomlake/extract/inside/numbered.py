"""Rows that no number tells apart, and rows beyond the limit of a file: left out, with a finding about the file."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.errors import FindingCode

ROWS_LIMIT = 1 << 20
"""The most rows of one table that one file makes."""

REPEATED_NUMBER_MESSAGE = "an item has no number, or the number of an item before: it has no row in segments"


def without_repeated_numbers(segments: pa.Table, findings: pa.Schema) -> tuple[pa.Table, pa.Table]:
    """Keep of each file the first row of each number.

    Args:
        segments: the table `segments` of a unit; the rows of a file stand in the order of its header.
        findings: the schema of `findings`.

    Returns:
        The rows that are kept, and a finding for each file that lost a row.
    """
    if not segments.num_rows:
        return segments, findings.empty_table()
    rows = segments.select(["url", "segment_number"]).append_column("row", pa.array(np.arange(segments.num_rows)))
    numbered = rows.filter(pc.is_valid(rows["segment_number"]))
    first = numbered.group_by(["url", "segment_number"], use_threads=False).aggregate([("row", "min")])["row_min"].to_numpy()
    is_kept = np.zeros(segments.num_rows, bool)
    is_kept[first] = True
    if is_kept.all():
        return segments, findings.empty_table()
    found = _findings_of(segments.filter(pa.array(~is_kept)), FindingCode.REPEATED_NUMBER, REPEATED_NUMBER_MESSAGE, findings)
    return segments.filter(pa.array(is_kept)), found


def with_limited_rows(name: str, rows: pa.Table, findings: pa.Schema) -> tuple[pa.Table, pa.Table]:
    """Keep of each file no more rows than the limit.

    Args:
        name: of the table.
        rows: of a unit, those of a file side by side.
        findings: the schema of `findings`.

    Returns:
        The rows that are kept, and a finding for each file that lost rows.
    """
    if rows.num_rows <= ROWS_LIMIT:
        return rows, findings.empty_table()
    files = rows["url"].combine_chunks().dictionary_encode().indices.to_numpy()
    begins = np.flatnonzero(np.diff(files, prepend=-1))
    place_in_file = np.arange(len(files)) - np.repeat(begins, np.diff(begins, append=len(files)))
    is_kept = place_in_file < ROWS_LIMIT
    message = f"the file makes more rows in {name} than are kept: the others are left out"
    lost = rows.filter(pa.array(~is_kept))
    return rows.filter(pa.array(is_kept)), _findings_of(lost, FindingCode.TOO_MANY_ROWS, message, findings)


def _findings_of(lost: pa.Table, code: FindingCode, message: str, schema: pa.Schema) -> pa.Table:
    """A finding for each file of some rows."""
    lost = lost.append_column("row", pa.array(np.arange(lost.num_rows)))
    first = lost.group_by("url", use_threads=False).aggregate([("row", "min")])["row_min"]
    files = lost.take(first.combine_chunks().sort())
    same = {"level": "file", "code": code.value, "message": message}
    columns = []
    for field in schema:
        if field.name in same:
            columns.append(pa.array([same[field.name]] * files.num_rows, field.type))
        elif field.name in files.schema.names:
            columns.append(files[field.name])
        else:
            columns.append(pa.nulls(files.num_rows, field.type))
    return pa.table(columns, schema=schema)
