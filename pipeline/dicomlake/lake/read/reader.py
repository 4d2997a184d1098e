"""A lake as its readers see it: a snapshot that goes back in time."""

from __future__ import annotations

from typing import Self

from dicomlake.lake.read.diff import LakeDiff, diff, last_index
from dicomlake.lake.read.show import lake_html, lake_text
from dicomlake.lake.read.snapshot_view import SnapshotView


class Lake(SnapshotView):
    """The tables of a lake, pinned to one finished run (the last, unless ``at`` says otherwise).

    Every table is an attribute, a polars LazyFrame: ``lake.files``, ``lake.instances``, ``lake.series``, ``lake.studies``,
    ``lake.patients``, ``lake.frames``, ``lake.stacks``, ``lake.instance_references``, ``lake.segments``, ``lake.content_items``,
    ``lake.findings``, ``lake.snapshots``.

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
