"""Listing ahead of reading."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from dicomlake.run.feed import UNITS_IN_MEMORY, UnitFeed


def _batch(number: int) -> pa.RecordBatch:
    return pa.record_batch({"number": [number]})


def _as_units(listing: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    for batch in listing:
        yield pa.Table.from_batches([batch])


def test_the_first_unit_comes_before_the_listing_has_ended() -> None:
    """Reading begins while files are still being listed."""
    may_go_on = threading.Event()

    def listing() -> Iterator[pa.RecordBatch]:
        yield _batch(0)
        may_go_on.wait()
        yield _batch(1)

    feed = UnitFeed.start(listing(), _as_units)
    units = iter(feed)
    assert next(units)["number"].to_pylist() == [0]
    assert not feed.complete
    may_go_on.set()
    assert [unit["number"].to_pylist() for unit in units] == [[1]]
    feed.close()


def test_units_that_wait_are_kept_on_disk_and_come_in_order() -> None:
    """The listing runs ahead as far as it likes."""
    feed = UnitFeed.start((_batch(number) for number in range(UNITS_IN_MEMORY * 5)), _as_units)
    feed._thread.join()
    assert feed.complete
    assert [unit["number"].to_pylist()[0] for unit in feed] == list(range(UNITS_IN_MEMORY * 5))
    feed.close()


def test_an_error_of_the_listing_is_raised_where_units_are_taken() -> None:
    """A listing that broke off is not complete: what it did not see has not vanished."""

    def listing() -> Iterator[pa.RecordBatch]:
        yield _batch(0)
        raise OSError("the disk is gone")

    feed = UnitFeed.start(listing(), _as_units)
    with pytest.raises(OSError, match="the disk is gone"):
        list(feed)
    assert not feed.complete
    feed.close()


def test_closing_ends_a_listing_that_finds_nothing_new() -> None:
    """An interrupted run does not list to the end of a great archive."""
    first = threading.Event()
    listed = 0

    def listing() -> Iterator[pa.RecordBatch]:
        nonlocal listed
        while True:
            listed += 1
            first.set()
            yield _batch(listed)

    def no_units(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
        for _ in batches:
            pass
        yield from ()

    feed = UnitFeed.start(listing(), no_units)
    first.wait()
    feed.close()
    assert not feed._thread.is_alive()
    assert not feed.complete
