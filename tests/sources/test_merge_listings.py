"""Merging sorted listings equals sorting them together, and costs nothing where they don't overlap."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.sources import LISTING_SCHEMA, MERGED_SCHEMA, Source, merge_listings
from dicomlake.sources.ordering import in_order

URLS = st.text(st.sampled_from("ab./é\U0001f600\uffff"), max_size=4)


def batch_of(urls: list[str], size: int = 0) -> pa.RecordBatch:
    """A batch of files of one size."""
    rows = [{"url": url, "file_size": size} for url in urls]
    return pa.RecordBatch.from_pylist(rows, schema=LISTING_SCHEMA)


def source_of(batches: list[list[str]], size: int = 0) -> Source:
    """A source that lists the given batches."""
    return Source("test", whole=True, _list=lambda: iter([batch_of(urls, size) for urls in batches]))


def cut(urls: list[str], lengths: list[int]) -> list[list[str]]:
    """The urls in batches of the given lengths, the last one of the rest; some may be empty."""
    pieces = []
    for length in lengths:
        pieces.append(urls[:length])
        urls = urls[length:]
    return [*pieces, urls]


LISTINGS = st.lists(st.tuples(st.sets(URLS, max_size=30), st.lists(st.integers(0, 5), max_size=6)), max_size=4)


@given(LISTINGS)
def test_merging_equals_sorting_together(listings: list[tuple[set[str], list[int]]]) -> None:
    """The first source that has a url owns it, with what it says of it."""
    sources = [source_of(cut(sorted(urls, key=str.encode), lengths), size=index) for index, (urls, lengths) in enumerate(listings)]
    owner: dict[str, int] = {}
    for index, (urls, _) in enumerate(listings):
        for url in urls:
            owner.setdefault(url, index)
    rows = []
    for batch in merge_listings(sources):
        assert batch.schema == MERGED_SCHEMA
        assert batch.num_rows
        rows += [(row["url"], row["source_index"], row["file_size"]) for row in batch.to_pylist()]
    assert rows == [(url, owner[url], owner[url]) for url in sorted(owner, key=str.encode)]


def test_one_source_passes_through() -> None:
    """Batch by batch, without waiting for the next one."""

    def endless() -> Iterator[pa.RecordBatch]:
        yield batch_of(["a", "b"])
        raise AssertionError

    (first,) = (next(merge_listings([Source("test", whole=True, _list=endless)])),)
    assert first.column("url").to_pylist() == ["a", "b"]


def test_disjoint_sources_pass_whole() -> None:
    """Their batches are neither cut nor copied."""
    sources = [source_of([["a", "b"], ["c"]]), source_of([["x", "y"], ["z"]])]
    assert [batch.column("url").to_pylist() for batch in merge_listings(sources)] == [["a", "b"], ["c"], ["x", "y"], ["z"]]


def test_no_more_of_a_source_is_read_than_is_needed() -> None:
    """Memory is bounded by one batch of each."""
    read = []

    def counted(name: str, batches: list[list[str]]) -> Source:
        def list_them() -> Iterator[pa.RecordBatch]:
            for urls in batches:
                read.append(name)
                yield batch_of(urls)

        return Source(name, whole=True, _list=list_them)

    merged = merge_listings([counted("first", [["a"], ["b"], ["c"]]), counted("second", [["x"], ["y"]])])
    next(merged)
    next(merged)
    assert read.count("first") <= 3
    assert read.count("second") == 1


def test_no_sources_give_nothing() -> None:
    """Nor does an empty one."""
    assert list(merge_listings([])) == []
    assert list(merge_listings([source_of([]), source_of([[]])])) == []


@given(st.lists(st.lists(URLS, max_size=12), max_size=6), st.integers(1, 20))
def test_sorting_a_list_equals_the_naive_twin(batches: list[list[str]], run_rows: int) -> None:
    """However small the runs: the first of equal urls stays, and the list is read the same each time."""
    count = 0
    made = []
    first: dict[str, int] = {}
    for urls in batches:
        rows = []
        for url in urls:
            rows.append({"url": url, "file_size": count})
            first.setdefault(url, count)
            count += 1
        made.append(pa.RecordBatch.from_pylist(rows, schema=LISTING_SCHEMA))
    found = [(row["url"], row["file_size"]) for batch in in_order(lambda: iter(made), run_rows) for row in batch.to_pylist()]
    assert found == [(url, first[url]) for url in sorted(first, key=str.encode)]
