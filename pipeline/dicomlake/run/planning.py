"""A run's plan: sources held against what a lake knows; by itself it is a dry run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from dicomlake.archives import ArchiveListing, list_archive
from dicomlake.config import Settings
from dicomlake.extract.engines import engine_version
from dicomlake.fetch import open_file
from dicomlake.lake import Reading, known_files
from dicomlake.ledger import Ledger
from dicomlake.parts import Location, PartFile
from dicomlake.plan import ListArchive, ListedSource, Planner
from dicomlake.run.progress import Progress, Summary, summarised
from dicomlake.run.reading import unit_files
from dicomlake.run.time_limit import TimeLimit
from dicomlake.schema import ROWS_VERSION
from dicomlake.sources import Source, merge_listings


def make_planner(
    sources: Sequence[Source],
    lake: Location,
    parts: Iterable[PartFile],
    settings: Settings,
    *,
    snapshot: int,
    current: pl.Expr,
    read_all: bool,
) -> Planner:
    """A planner of sources, and of the archives in them, for a lake.

    Args:
        sources: what is listed.
        lake: where the part files are.
        parts: those of the table `files`.
        settings: what the user set.
        snapshot: the number of the run.
        current: says of a row of `files` whether it was read as files are read today.
        read_all: read what is unchanged, too.
    """
    return Planner(
        [ListedSource(source.name, source.whole) for source in sources],
        Ledger(lake, parts),
        snapshot=snapshot,
        unit_files=unit_files(settings),
        current=current,
        list_archive=_archive_lister(settings),
        read_all=read_all,
        distant_workers=(settings.running.workers or pl.thread_pool_size()) if any("://" in source.name for source in sources) else 0,
    )


def list_only(
    sources: Sequence[Source], lake: Location, settings: Settings, progress: Progress, limit: TimeLimit, *, read_all: bool
) -> Summary:
    """List and compare; nothing is read or written, and no lake is made where there is none.

    Raises:
        MissingLimitExceeded: too much vanished at once.
        TimeLimitPassed: the time limit passed while listing.
        LakeDamaged: the lake can't be read.
    """
    parts, last = known_files(lake)
    difference = last.difference(reading_by(settings), settings.of_rows())
    if difference:
        progress.warn(difference)
    planner = make_planner(sources, lake, parts, settings, snapshot=last.number + 1, current=pl.lit(difference is None), read_all=read_all)
    counts = planner.counts
    with progress.timed("listing"):
        for _ in planner.units(limit.while_listing(merge_listings(sources))):
            progress.files_listed = counts.files_listed
            progress.files_to_read = counts.files_to_read
    planner.check_missing_limit(settings.lake.missing_limit)
    for _ in planner.archive_units(counts.files_to_read):
        progress.files_to_read = counts.files_to_read
    return summarised(counts, progress, snapshot=last.number)


def reading_by(settings: Settings) -> Reading:
    """How a run with these settings reads."""
    return Reading(settings.digest(), engine_version(settings.engine).partition(" ")[0], ROWS_VERSION)


def _archive_lister(settings: Settings) -> ListArchive | None:
    """Lists the members of an archive; None where archives are files like others."""
    if not settings.listing.archives:
        return None

    def lister(url: str, size: int | None) -> ArchiveListing:
        return list_archive(
            lambda of, bytes_of: open_file(of, settings.storage_options, bytes_of), url, size, settings.listing.archive_expansion_limit
        )

    return lister
