"""An external sort in bounded memory: rows in any order, with repeats, become an ascending stream without repeats.

A list is read twice: first to see if it is in order and to find rows that can't be used, before any work begins; then to stream or sort it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

from dicomlake.sources.listing import LISTING_SCHEMA
from dicomlake.sources.merge import first_of_each_url, merge_sorted, sliced
from dicomlake.urls import places_of

RUN_ROWS = 500_000
RUN_BYTES = 64 * 1024 * 1024
"""A sorted run ends at either bound. Memory holds the run that is being gathered and the one before it."""

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


def in_order(read: Callable[[], Iterable[pa.RecordBatch]], run_rows: int = RUN_ROWS) -> Iterator[pa.RecordBatch]:
    """Batches ascending by ``url``; of rows with the same url the first one stays.

    Args:
        read: gives the same rows each time it is called.
        run_rows: rows that may be sorted in memory at once.
    """
    if _is_ascending(read()):
        for batch in read():
            yield from sliced(batch)
        return
    with tempfile.TemporaryDirectory(prefix="dicomlake-list-") as folder:
        runs: list[Iterable[pa.RecordBatch]] = []
        waiting: pa.RecordBatch | None = None
        for run in _runs(read(), run_rows):
            if waiting is not None:
                runs.append(_spooled(waiting, Path(folder) / f"{len(runs)}.arrow"))
            waiting = run
        if waiting is not None:
            yield from merge_sorted([*runs, sliced(waiting)])


def sorted_once(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same of rows that can be had but once: they are kept on disk meanwhile."""
    with tempfile.TemporaryDirectory(prefix="dicomlake-list-") as folder:
        path = Path(folder) / "all.arrow"
        spool(batches, path)
        yield from in_order(lambda: read_spool(path))


def spool(batches: Iterable[pa.RecordBatch], path: Path) -> None:
    """Write batches in `LISTING_SCHEMA` to a file."""
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, LISTING_SCHEMA, options=_OPTIONS) as writer:
        for batch in batches:
            writer.write_batch(batch)


def read_spool(path: Path) -> Iterator[pa.RecordBatch]:
    """Read them again, one at a time."""
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as reader:
        yield from reader


def _is_ascending(batches: Iterable[pa.RecordBatch]) -> bool:
    """Whether urls ascend without repeats. Reads to the end in any case, so that a row that can't be used is found."""
    last: str | None = None
    ascending = True
    for batch in batches:
        urls = places_of(batch.column("url"))
        if not ascending or not len(urls):
            continue
        first = urls[0].as_py()
        ascending = (last is None or last < first) and pc.less(urls[:-1], urls[1:]).false_count == 0
        last = urls[-1].as_py()
    return ascending


def _runs(batches: Iterable[pa.RecordBatch], run_rows: int) -> Iterator[pa.RecordBatch]:
    """The rows in sorted runs, in the order of the list."""
    gathered: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        gathered.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= run_rows or size >= RUN_BYTES:
            yield first_of_each_url(pa.concat_batches(gathered))
            gathered, rows, size = [], 0, 0
    if rows:
        yield first_of_each_url(pa.concat_batches(gathered))


def _spooled(run: pa.RecordBatch, path: Path) -> Iterator[pa.RecordBatch]:
    """Write a run, and answer a stream that reads it again, a batch at a time."""
    spool(sliced(run), path)
    return read_spool(path)
