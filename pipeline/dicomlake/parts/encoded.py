"""Rows in which text that repeats is a dictionary and numbers, as a part file has it: decoding and encoding it are most of the work."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import polars as pl

_MOST_SLICES = 256


def taken(rows: pa.Table, indices: np.ndarray) -> pa.Table:
    """Some rows, by their indices."""
    chosen = pa.array(indices)
    # Most columns of a wide row hold nothing but nulls, whichever are taken. A slice of one would keep all of it in memory.
    columns = [
        pa.nulls(len(indices), column.type) if column.null_count == rows.num_rows else column.take(chosen) for column in rows.columns
    ]
    return pa.Table.from_arrays(columns, schema=rows.schema)


def decoded(rows: pa.Table) -> pa.Table:
    """The same rows, all text plain."""
    fields = [field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in rows.schema]
    columns = [column if column.type == field.type else column.cast(field.type) for column, field in zip(rows.columns, fields, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def without(rows: pa.Table, gone: np.ndarray) -> pa.Table:
    """All rows but some, and no text in a dictionary that only those had.

    Args:
        rows: some rows.
        gone: the indices of those that go, each once.
    """
    columns = [_without_text_of(column, gone) if pa.types.is_dictionary(column.type) else column for column in rows.columns]
    rows = pa.Table.from_arrays(columns, schema=rows.schema)
    edges = [-1, *np.sort(gone).tolist(), rows.num_rows]
    slices = [(first + 1, following) for first, following in pairwise(edges) if following > first + 1]
    if 0 < len(slices) <= _MOST_SLICES:
        # Nothing is copied.
        return pa.concat_tables([rows.slice(start, end - start) for start, end in slices])
    stays = np.ones(rows.num_rows, dtype=bool)
    stays[gone] = False
    return taken(rows, np.flatnonzero(stays))


def are_among(texts: pa.Array, ordered: pl.Series) -> np.ndarray:
    """Which of some texts stand in a sorted series without nulls; a null does not."""
    import polars as pl  # noqa: PLC0415 - a worker that only writes part files starts sooner without it

    looked_for = pl.Series(texts)
    if ordered.len() == 0:
        return np.zeros(looked_for.len(), dtype=bool)
    indices = ordered.search_sorted(looked_for).clip(upper_bound=ordered.len() - 1)
    return (ordered.gather(indices) == looked_for).fill_null(value=False).to_numpy()


def _without_text_of(column: pa.ChunkedArray, gone: np.ndarray) -> pa.ChunkedArray:
    """A column whose dictionary lacks the text that only rows which go have. The numbers of those rows mean nothing any more."""
    values = column.combine_chunks()
    size = len(values.dictionary)
    numbers = values.indices.fill_null(size).to_numpy()
    uses = np.bincount(numbers, minlength=size + 1)
    leaving = np.bincount(numbers[gone], minlength=size + 1)
    stays = (uses > leaving)[:size]
    if stays.all():
        return column
    if not stays.any():
        return pa.chunked_array([pa.nulls(len(column), column.type)])
    # Numbers of what leaves stand in rows that go, and stay within the dictionary.
    renumbered = np.append(np.maximum(np.cumsum(stays) - 1, 0), 0).astype(np.int32)[numbers]
    indices = pa.array(renumbered, mask=numbers == size)
    dictionary = values.dictionary.filter(pa.array(stays))
    return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, dictionary)], column.type)
