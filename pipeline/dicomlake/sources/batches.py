"""Rows of a listing, gathered into Arrow batches. The only Python objects per file are those in the lists that Arrow reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from dicomlake.errors import FileCode
from dicomlake.sources.listing import LISTING_SCHEMA

BATCH_ROWS = 8192
"""The most rows of a batch of a listing."""


class Defect(NamedTuple):
    """An entry that no engine may open: its url, a file code and a message for the row."""

    url: str
    code: FileCode
    message: str


class BatchBuilder:
    """Gathers up to `BATCH_ROWS` rows. The caller adds at most ``room`` rows, and flushes when it is 0."""

    _urls: list[str]
    _sizes: list[int | None]
    _modified: list[int | None]
    _etags: list[str | None]
    _defects: list[tuple[int, Defect]]

    def __init__(self) -> None:
        self._clear()

    @property
    def room(self) -> int:
        """The number of rows that still fit into this batch."""
        return BATCH_ROWS - len(self._urls)

    def extend(
        self,
        urls: list[str],
        sizes: Sequence[int | None],
        modified: Sequence[int | None],
        etags: Sequence[str | None] | None = None,
    ) -> None:
        """Add files to be read: sizes in bytes, modified in microseconds since 1970 (UTC)."""
        self._urls += urls
        self._sizes += sizes
        self._modified += modified
        self._etags += [None] * len(urls) if etags is None else etags

    def add(self, defect: Defect) -> None:
        """Add an entry that no engine may open."""
        self._defects.append((len(self._urls), defect))
        self.extend([defect.url], [None], [None])

    def flush(self) -> pa.RecordBatch:
        """The rows gathered since the last flush, in `LISTING_SCHEMA`."""
        rows = len(self._urls)
        if self._defects:
            codes: list[str | None] = [None] * rows
            messages: list[str | None] = [None] * rows
            for row, defect in self._defects:
                codes[row] = defect.code.value
                messages[row] = defect.message
            code, message = pa.array(codes, pa.string()), pa.array(messages, pa.string())
        else:
            code = message = pa.nulls(rows, pa.string())
        columns = [
            pa.array(self._urls, pa.string()),
            pa.array(self._sizes, pa.int64()),
            pa.array(self._modified, pa.int64()).view(LISTING_SCHEMA.field("modified").type),
            pa.array(self._etags, pa.string()),
            code,
            message,
        ]
        self._clear()
        return pa.RecordBatch.from_arrays(columns, schema=LISTING_SCHEMA)

    def _clear(self) -> None:
        self._urls, self._sizes, self._modified, self._etags, self._defects = [], [], [], [], []
