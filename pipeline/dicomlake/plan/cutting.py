"""Where a stretch of files is cut into units: between two folders, so that few studies and patients lie in two units."""

from __future__ import annotations

from itertools import pairwise

import polars as pl

LOOK_BACK = 4
"""A unit gives up at most one of so many parts of its files for a better cut."""


def cut(urls: pl.Series, most: int) -> int:
    """The number of files of the next unit, at most ``most``.

    Among the last places at which it could end, that is chosen where the two neighbours have the fewest folders in common, and of several
    the last. In most archives a patient has a folder, and so have studies and series.

    Args:
        urls: those of the files that wait, in the order of the listing.
        most: how many files a unit has at most; there are as many urls, or more.

    Example:
        >>> cut(pl.Series(["a/1", "a/2", "a/3", "b/1", "b/2"]), 4)
        3
    """
    first = most - most // LOOK_BACK
    folders = urls.slice(first - 1, most - first + 2).str.replace(r"[^/]*$", "").to_list()
    best, fewest = most, None
    for place, (before, after) in enumerate(pairwise(folders), first):
        if before != after:
            common = _folders_in_common(before, after)
            if fewest is None or common <= fewest:
                best, fewest = place, common
    return best


def _folders_in_common(one: str, other: str) -> int:
    common = 0
    for name, other_name in zip(one.split("/"), other.split("/"), strict=False):
        if name != other_name:
            break
        common += 1
    return common
