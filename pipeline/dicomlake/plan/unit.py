"""A unit of work as a table."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

UNIT_SCHEMA = pa.schema(
    [
        pa.field("url", pa.string()),
        pa.field("file_size", pa.int64()),
        pa.field("modified", pa.timestamp("us", "UTC")),
        pa.field("etag", pa.string()),
        pa.field("code", pa.string()),
        pa.field("message", pa.string()),
        pa.field("source", pa.string()),
        pa.field("first_snapshot", pa.int64()),
        pa.field("replaces", pa.bool_()),
        pa.field("former_uid", pa.string()),
        pa.field("member_offset", pa.int64()),
        pa.field("member_bytes", pa.int64()),
        pa.field("member_packing", pa.string()),
        pa.field("archive_version", pa.string()),
        pa.field("bytes_read", pa.int64()),
        pa.field("requests", pa.int64()),
    ]
)
"""A file to be read: the listing's columns, the source that owns it, the run that first listed it, whether the lake has a row of it, and
the SOPInstanceUID that it had there. Of a member of an archive also where it lies there (see ``archives.MEMBER_SCHEMA``), and a
text that tells this state of the archive from others; of an archive itself what listing it cost. These are null for all other files."""

_NULLS = {name: pl.lit(None, dtype=dtype) for name, dtype in pl.DataFrame(UNIT_SCHEMA.empty_table()).schema.items()}


def unit_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows with the columns of `UNIT_SCHEMA`, in that order; those that they lack are null."""
    return frame.select(name if name in frame.columns else null.alias(name) for name, null in _NULLS.items())


def unit_of(frame: pl.DataFrame) -> pa.Table:
    """Rows as a unit (`UNIT_SCHEMA`)."""
    return unit_rows(frame).to_arrow().cast(UNIT_SCHEMA)
