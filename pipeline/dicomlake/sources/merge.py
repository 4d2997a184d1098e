"""Several sorted listings as one, a chunk at a time.

The rows up to the smallest last place of the chunks are final: no later row can sort among them. If only one listing has such rows, they
pass unchanged; otherwise Arrow sorts them together. No Python code touches single rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.sources.batches import BATCH_ROWS
from dicomlake.sources.listing import LISTING_SCHEMA
from dicomlake.sources.source import Source
from dicomlake.urls import has_archive_name, is_member, places_of

MERGED_SCHEMA = LISTING_SCHEMA.append(pa.field("source_index", pa.int32(), nullable=False)).append(
    pa.field("may_be_archive", pa.bool_(), nullable=False)
)
"""A listing of several sources. ``source_index`` is the number, from 0, of the source that owns the row. ``may_be_archive`` is true for a
file that is tried as an archive: by its name, or because the user named this file."""


def merge_listings(sources: Sequence[Source]) -> Iterator[pa.RecordBatch]:
    """List several sources as one: batches in `MERGED_SCHEMA`, ascending by place (see `urls`), no url twice.

    A url that several sources list belongs to the one given first. Memory is bounded by a batch of each source.

    Raises:
        SourceNotFound, AccessDenied, ConfigurationError: see `Source.batches`.
    """
    return merge_sorted([_with_index(source, index) for index, source in enumerate(sources)])


def merge_sorted(streams: Sequence[Iterable[pa.RecordBatch]]) -> Iterator[pa.RecordBatch]:
    """Merge streams of one schema, each ascending by place without repeats; of equal urls the row of the earliest stream stays."""
    heads = [head for head in map(_Head, streams) if head.advance()]
    while len(heads) > 1:
        cut = min(head.last for head in heads)
        pieces = [piece for head in heads if (piece := head.take(cut)).num_rows]
        heads = [head for head in heads if head.batch.num_rows or head.advance()]
        if len(pieces) == 1:
            yield pieces[0]
        else:
            yield from sliced(first_of_each_url(pa.concat_batches(pieces)))
    for head in heads:
        yield head.batch
        yield from head.rest


def first_of_each_url(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows in the order of places; of rows with the same url the first one."""
    ordered = batch.take(pc.sort_indices(places_of(batch.column("url"))))  # Arrow sorts stably, and text by its bytes
    urls = ordered.column("url")
    repeated = pc.equal(urls[1:], urls[:-1])
    if not repeated.true_count:
        return ordered
    return ordered.filter(pa.concat_arrays([pa.array([True]), pc.invert(repeated)]))


def sliced(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The rows in batches of at most `BATCH_ROWS`."""
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


class _Head:
    """One stream, and the rest of its current batch."""

    batch: pa.RecordBatch
    last: str

    def __init__(self, stream: Iterable[pa.RecordBatch]) -> None:
        self.rest = iter(stream)

    def advance(self) -> bool:
        """Go to the next batch, and answer whether there is one."""
        for batch in self.rest:
            if batch.num_rows:
                self.batch = batch
                self._places = places_of(batch.column("url"))
                self.last = self._places[-1].as_py()
                return True
        return False

    def take(self, cut: str) -> pa.RecordBatch:
        """Remove and answer the rows up to the place ``cut``. Python orders text by code point, which is the order of its UTF-8 bytes."""
        places = self._places
        low, high = 0, len(places)
        if self.last <= cut:
            low = high
        while low < high:
            middle = (low + high) // 2
            if places[middle].as_py() <= cut:
                low = middle + 1
            else:
                high = middle
        taken = self.batch.slice(0, low)
        self.batch, self._places = self.batch.slice(low), places.slice(low)
        return taken


def _with_index(source: Source, index: int) -> Iterator[pa.RecordBatch]:
    for batch in source.batches():
        column = pa.repeat(pa.scalar(index, pa.int32()), batch.num_rows)
        urls = batch.column("url")
        archives = pc.invert(is_member(urls)) if source.is_file else has_archive_name(urls)
        archives = pc.and_(archives, pc.is_null(batch.column("code")))
        yield pa.RecordBatch.from_arrays([*batch.columns, column, archives], schema=MERGED_SCHEMA)
