"""Groups of rows as numbers: every function here takes and gives arrays with one entry for each row, and loops over no row."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

_MOST_ROUNDS = 4


def joined(lists: pl.Series) -> pl.Series:
    """Lists of text as one text each, with backslashes between the values; a null in a list is an empty value."""
    nulls = lists.explode(empty_as_null=True).null_count() - lists.null_count() - int((lists.list.len() == 0).sum())
    return (lists.list.eval(pl.element().fill_null("")) if nulls else lists).list.join("\\")


def ranked(values: pl.Series) -> Numbers:
    """The rank of each value among the distinct ones, from 0; null, NaN and lists of numbers that hold either come last, as one value.

    Lists of text are ranked as their text joined by backslashes, and lists of numbers as their first three.
    """
    if isinstance(values.dtype, pl.List):
        if values.dtype.inner == pl.String:
            return ranked(joined(values))
        rows = values.len()
        columns = [ranked(values.list.get(index, null_on_oob=True)) for index in range(3)]
        ranks = np.zeros(rows, np.int64)
        for column in columns:
            ranks = refined(ranks, column)
        return ranks
    if values.null_count() == len(values):
        return np.zeros(len(values), np.int64)
    if values.dtype == pl.String:
        ranks = values.rank("dense").fill_null(2**32 - 1).to_numpy().astype(np.int64) - 1
        return np.minimum(ranks, ranks[ranks < 2**32 - 2].max() + 1) if values.null_count() else ranks
    if values.dtype.is_float():
        _, numbers = np.unique(values.to_numpy() + 0.0, return_inverse=True)  # null is NaN here, which is the last; -0.0 becomes 0.0
        return numbers.astype(np.int64)
    highest: Any = values.max()
    lowest: Any = values.min()
    if highest == lowest and values.null_count() == 0:
        return np.zeros(len(values), np.int64)
    numbers = np.unique(values.fill_null(lowest).to_numpy(), return_inverse=True)[1].astype(np.int64)
    return np.where(values.is_null().to_numpy(), numbers.max() + 1, numbers)


def refined(groups: Numbers, ranks: Numbers) -> Numbers:
    """Divide groups by a rank. The new groups are numbered from 0, in the order of the old group and then of the rank."""
    if groups.size == 0 or (ranks == ranks[0]).all():
        return groups
    return np.unique(groups * (ranks.max() + 1) + ranks, return_inverse=True)[1].astype(np.int64)


def by_gaps(groups: Numbers, values: Floats, tolerance: float) -> Numbers:
    """Divide groups of vectors wherever some component has a gap wider than a tolerance.

    Two vectors that differ by at most the tolerance in each component are never divided, whatever else is there, and the answer does not
    depend on the order of rows. A chain of vectors, each near the next, stays one group. It takes ``n log n`` steps: each component is
    sorted, and this is repeated while groups fall apart, four times at most.

    Args:
        groups: the number of each row's group, from 0 without a gap.
        values: shape (rows, components), finite.
        tolerance: the widest gap inside a group.

    Returns:
        Groups numbered from 0: in the order of the old groups, then of their smallest vector, component by component.
    """
    if groups.size == 0:
        return groups
    differs = (values != values[first_rows(groups)[groups]]).any(axis=1)
    if not differs.any():
        return groups
    chosen = np.isin(groups, groups[differs])
    inside, vectors = groups[chosen], values[chosen]
    parts = np.unique(inside, return_inverse=True)[1].astype(np.int64)
    for _ in range(_MOST_ROUNDS):
        count = parts.max()
        for component in vectors.T:
            order = np.lexsort((component, parts))
            jumps = (np.diff(component[order]) > tolerance) | (np.diff(parts[order]) != 0)
            parts[order] = np.concatenate(([0], np.cumsum(jumps)))
        if parts.max() == count:
            break
    smallest = smallest_vectors(parts, vectors)
    group_of_part = np.zeros(len(smallest), np.int64)
    group_of_part[parts] = inside
    rank = np.empty(len(smallest), np.int64)
    rank[np.lexsort((*smallest.T[::-1], group_of_part))] = np.arange(len(smallest))
    ranks = np.zeros(groups.size, np.int64)
    ranks[chosen] = rank[parts]
    return refined(groups, ranks)


def smallest_vectors(groups: Numbers, values: Floats) -> Floats:
    """The smallest vector of each group, compared component by component: shape (groups, components)."""
    first = first_rows(groups)
    smallest = values[first]
    differs = (values != smallest[groups]).any(axis=1)
    if differs.any():
        chosen = np.flatnonzero(np.isin(groups, groups[differs]))
        order = chosen[np.lexsort((*values[chosen].T[::-1], groups[chosen]))]
        starts = first_of_runs(groups[order])
        smallest[groups[order[starts]]] = values[order[starts]]
    return smallest


def first_rows(groups: Numbers) -> Numbers:
    """The first row of each group."""
    first = np.zeros(groups.max() + 1 if groups.size else 0, np.int64)
    first[groups[::-1]] = np.arange(groups.size)[::-1]
    return first


def first_of_runs(sorted_groups: Numbers) -> Numbers:
    """The positions at which the runs of a sorted array begin."""
    if sorted_groups.size == 0:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], np.diff(sorted_groups) != 0)))


def most_frequent(groups: Numbers, ranks: Numbers, missing: Flags) -> Numbers:
    """The row that shows the most frequent rank of each group, the smallest where there is a tie; -1 where all are missing.

    Args:
        groups: the number of each row's group, from 0 without a gap.
        ranks: the rank of each row's value.
        missing: rows whose value does not count.
    """
    first = first_rows(groups)
    if (ranks == ranks[first][groups]).all() and not missing.any():
        return first
    rows = np.full(groups.max() + 1 if groups.size else 0, -1)
    present = np.flatnonzero(~missing)
    if present.size == 0:
        return rows
    width = ranks.max() + 1
    pairs, shown, counts = np.unique(groups[present] * width + ranks[present], return_index=True, return_counts=True)
    order = np.lexsort((pairs % width, -counts, pairs // width))
    starts = first_of_runs(pairs[order] // width)
    rows[pairs[order[starts]] // width] = present[shown[order[starts]]]
    return rows
