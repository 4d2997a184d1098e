"""A lake whose first run has not finished: what is committed, though no snapshot shows it yet."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from deltalake.exceptions import TableNotFoundError

from dicomlake.lake.log.table_cache import TableCache
from dicomlake.parts import Location


@dataclass(frozen=True)
class Unfinished:
    """The files that a first run has committed: their number by status, the most frequent first, and the sources that listed them."""

    statuses: dict[str, int]
    sources: tuple[str, ...]

    @property
    def files(self) -> int:
        """How many files there are."""
        return sum(self.statuses.values())


def unfinished_at(location: Location) -> Unfinished | None:
    """Look at what a first run has committed; None where there is no lake, or its first run finished.

    Example:
        >>> unfinished_at(Location.of("lake"))
        Unfinished(statuses={'indexed': 8192}, sources=('/archive',))

    Raises:
        LakeDamaged: the lake can't be read.
    """
    cache = TableCache(location)
    try:
        if cache.parts("snapshots", None):
            return None
        files = cache.scan("files", None).group_by("status", "source").agg(pl.len().alias("files")).collect()
    except TableNotFoundError:
        return None
    statuses = files.group_by("status").agg(pl.col("files").sum()).sort(["files", "status"], descending=[True, False])
    return Unfinished(dict(statuses.iter_rows()), tuple(files["source"].drop_nulls().unique().sort()))
