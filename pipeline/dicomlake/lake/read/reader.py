"""A lake as its readers see it: a snapshot that answers SQL, and goes back in time."""

from __future__ import annotations

import re
from typing import Self

import polars as pl

from dicomlake.errors import QueryError
from dicomlake.lake.log.delta import sentence_of
from dicomlake.lake.read.diff import LakeDiff, diff, last_index
from dicomlake.lake.read.show import lake_html, lake_text
from dicomlake.lake.read.snapshot_view import SnapshotView

_CHANGES = re.compile(r"\s*(drop|create|delete|truncate|insert|update|alter|copy)\b", re.IGNORECASE)
_READS_FILES = re.compile(r"\b((?:read|scan)_\w+)\s*\(", re.IGNORECASE)


class Lake(SnapshotView):
    """The tables of a lake, pinned to one finished run (the last, unless ``at`` says otherwise).

    Every table is an attribute, a polars LazyFrame: ``lake.files``, ``lake.instances``, ``lake.series``, ``lake.studies``,
    ``lake.patients``, ``lake.findings``, ``lake.snapshots``.

    Args:
        url: the lake's folder or url.
        storage_options: options of the store, for a lake that is not a local folder.
        snapshot: the number of a finished run; the last one where None.

    Raises:
        NotALake: there is no lake, or it has no such snapshot.

    Example:
        >>> lake = dicomlake.Lake("lake")
        >>> lake.patients.collect().height
        10
    """

    def __repr__(self) -> str:
        """Where it is, its snapshot, and how much it holds."""
        return lake_text(self)

    def _repr_html_(self) -> str:
        """Likewise for a notebook, with each table."""
        return lake_html(self)

    def at(self, snapshot: int) -> Self:
        """The lake as an earlier finished run left it.

        Raises:
            NotALake: there is no such snapshot.

        Example:
            >>> dicomlake.Lake("lake").at(1).snapshot
            1
        """
        return type(self)(self.location.url, self.location.storage_options, snapshot=snapshot)

    def diff(self, before: int | None = None) -> LakeDiff:
        """Compare with an earlier snapshot, by patient, study and series.

        ``lake.diff()`` is what the last `index` brought, ``lake.at(7).diff(3)`` what the runs 4 to 7 did.

        Args:
            before: the number of the earlier snapshot; where None, the last `index` is held against the snapshot before it.

        Raises:
            NotALake: there is no such snapshot.
            UsageError: ``before`` is later than the snapshot that this object shows.
            LakeDamaged: one of the two can't be read, any more perhaps.

        Example:
            >>> dicomlake.Lake("lake").diff()
            <LakeDiff of snapshots 1 and 2: nothing differs (+came -went ~changed)>
        """
        if before is not None:
            return diff(self.at(before), self)
        earlier, later = last_index(self)
        return diff(self.at(earlier), self.at(later))

    def sql(self, query: str) -> pl.LazyFrame:
        """Run SQL over the tables: a lazy frame, so that errors in the data come when it is collected.

        Nothing but the lake's tables is read: SQL functions that open files are refused.

        Raises:
            QueryError: the query can't be parsed, names a table or column that is not there, or is not a question.
            LakeDamaged: a table can't be read.
        """
        if refused := _CHANGES.match(query) or _READS_FILES.search(query):
            raise QueryError(
                f"the query can't be run: '{refused[1].lower()}' is refused; a query asks (select …) about the lake's own tables"
            )
        lowered = query.lower()
        frames = {name: self.table(name) for name in self.tables if name.lower() in lowered}
        try:
            result = pl.SQLContext(frames=frames, eager=False).execute(query)
            result.collect_schema()
        except pl.exceptions.PolarsError as error:
            raise QueryError(f"the query can't be run: {sentence_of(error)}; 'dicomlake schema' lists tables and columns") from None
        except Exception as error:  # noqa: BLE001 - the SQL parser raises what it likes
            raise QueryError(f"the query can't be run: {sentence_of(error)}") from None
        return result
