"""The schema of a listing: batches of files, sorted by url, with size, time and etag where the source knows them."""

from __future__ import annotations

import pyarrow as pa

LISTING_SCHEMA = pa.schema(
    [
        pa.field("url", pa.string(), nullable=False),
        pa.field("file_size", pa.int64()),
        pa.field("modified", pa.timestamp("us", "UTC")),
        pa.field("etag", pa.string()),
        pa.field("code", pa.string()),
        pa.field("message", pa.string()),
    ]
)
"""A batch of a listing. ``code`` and ``message`` are null for a file to read. An entry that can't be read (a FIFO, a dangling link, a
folder without permission) has a file code, and no engine opens it. The rows of a listing ascend by the bytes of ``url``, without
repeats."""

EARLIEST_MODIFIED, LATEST_MODIFIED = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Years 1 to 9999, in microseconds since 1970 (UTC): a modified time outside them is null."""
