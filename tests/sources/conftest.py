"""Common parts of the tests of sources: list a SOURCE to rows, and check the promises of every listing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import fsspec
import pyarrow as pa
import pytest

from dicomlake.config import ListingSettings
from dicomlake.sources import LISTING_SCHEMA, open_source

Rows = list[dict[str, Any]]


@pytest.fixture
def listed() -> Callable[..., Rows]:
    """A function that lists a SOURCE and checks schema, order, uniqueness and batch size."""

    def list_rows(
        text: object, *, follow: bool = False, options: dict[str, Any] | None = None, complete: bool = False, exclude: Sequence[str] = ()
    ) -> Rows:
        source = open_source(str(text), ListingSettings(follow_folder_links=follow), options or {}, complete=complete, exclude=exclude)
        return checked(source.batches())

    return list_rows


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    """An empty memory:// filesystem."""
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


def checked(batches: Iterator[pa.RecordBatch]) -> Rows:
    """The rows of a listing that keeps every promise of one."""
    rows: Rows = []
    for batch in batches:
        assert batch.schema == LISTING_SCHEMA
        assert 0 < batch.num_rows <= 8192
        batch.validate(full=True)
        rows += batch.to_pylist()
    urls = [row["url"].encode() for row in rows]
    assert urls == sorted(set(urls))
    return rows
