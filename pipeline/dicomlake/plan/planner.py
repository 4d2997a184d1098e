"""The listing held against the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from dicomlake.errors import FileCode, FileStatus, MissingLimitExceeded
from dicomlake.ledger import Ledger
from dicomlake.parts import compact
from dicomlake.plan.archives import ArchivesListed, KnownArchives, ListArchive, without_their_members
from dicomlake.plan.comparison import RETRIED, compared
from dicomlake.plan.cutting import cut
from dicomlake.plan.stretches import Stretch, stretches
from dicomlake.plan.unit import unit_of, unit_rows
from dicomlake.plan.unreadable import UnreadableFolders

LEAST_PIECE_FILES = 1024

_MEMBERS_LEFT = "the time limit passed before all its members were read; the next run goes on"


@dataclass
class PlanCounts:
    """The counts of comparing a listing with the ledger, so far."""

    files_listed: int = 0
    files_new: int = 0
    files_changed: int = 0
    files_unchanged: int = 0
    files_missing: int = 0
    files_to_read: int = 0
    known_of_source: dict[str, int] = field(default_factory=dict)
    missing_of_source: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedSource:
    """A source of this run: its name in `files`, and whether what it doesn't list has vanished."""

    name: str
    whole: bool


class Planner:
    """Holds a sorted listing against the ledger.

    ``current`` says of a row of the ledger whether it was read as files are read today; one that was not is read again.

    ``units`` is a generator: it takes from the listing only what the next unit needs. When it has ended, ``take_vanished``
    answers the files that are no longer there, ``counts`` has the figures, and ``archive_units`` answers the rows of archives.

    Where a listing names what may be an archive, ``list_archive`` is asked for its members; not so if the ledger has it unchanged: then its
    members are taken for listed as the ledger has them. None lists no archives.

    ``distant_workers`` says how many workers read over a network, and is 0 where sources are at hand. Where it is not, a first run begins
    with small units, and what is left for the last unit is cut for all of them.
    """

    def __init__(
        self,
        sources: Sequence[ListedSource],
        ledger: Ledger,
        *,
        snapshot: int,
        unit_files: int,
        current: pl.Expr,
        list_archive: ListArchive | None = None,
        read_all: bool = False,
        distant_workers: int = 0,
    ) -> None:
        self._sources = list(sources)
        self._ledger = ledger
        self._snapshot = snapshot
        self._unit_files = unit_files
        self._current = current
        self._list_archive = list_archive
        self._read_all = read_all
        self._distant_workers = distant_workers
        self._unreadable = UnreadableFolders()
        self._archives: list[pl.DataFrame] = []
        self._last_archive: str | None = None
        self.counts = PlanCounts()
        self._vanished: list[pl.DataFrame] = []

    def units(self, listing: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
        """Cut what is to be read into units (``UNIT_SCHEMA``), files of one folder side by side."""
        waiting: list[pl.DataFrame] = []
        rows = 0
        # Workers begin before many thousands of files are listed; a night's few changes are no more units for that.
        full = self._unit_files
        size = min(full, LEAST_PIECE_FILES) if self._distant_workers and self._ledger.is_empty else full
        for batch in listing:
            for to_read in self._to_read_of(pl.DataFrame(batch)):
                waiting.append(compact(to_read))
                rows += to_read.height
                while rows >= size:
                    frame = pl.concat(waiting)
                    files = cut(frame["url"], size)
                    yield unit_of(frame.slice(0, files))
                    rest = frame.slice(files)
                    waiting, rows = ([rest], rest.height) if rest.height else ([], 0)
                    size = min(2 * size, full)
        for known in self._ledger.take_up_to(None):
            self._note_vanished(known, None)
        if rows:
            # The last workers to end are not to wait for one of them.
            frame, piece = pl.concat(waiting), max(-(-rows // max(self._distant_workers, 1)), LEAST_PIECE_FILES)
            for start in range(0, rows, piece):
                yield unit_of(frame.slice(start, piece))

    def archive_units(self, files_begun: int) -> Iterator[pa.Table]:
        """Units with the rows of the archives that were listed and of which every member that was to be read has been.

        The row of an archive vouches for its members: the next run opens the archive no more. So it may only be committed after them. A row
        that the lake has already vouches for what the archive held before, and says so no longer where members are left.

        Args:
            files_begun: how many files of the units were read, in their order; the others are left, for the time was over.
        """
        left = pl.col("members_end") > files_begun
        told = pl.when(left).then(pl.lit(FileCode.TIMED_OUT.value)).otherwise("code").alias("code")
        why = pl.when(left).then(pl.lit(_MEMBERS_LEFT)).otherwise("message").alias("message")
        listed = [own.filter(~left | pl.col("replaces")).with_columns(told, why) for own in self._archives]
        self._archives.clear()
        rows = unit_rows(pl.concat(listed)) if listed else pl.DataFrame()
        self.counts.files_to_read += rows.height
        for start in range(0, rows.height, self._unit_files):
            yield unit_of(rows.slice(start, self._unit_files))

    def archives_left(self, files_begun: int) -> int:
        """How many archives were listed of which members are left; see `archive_units`."""
        return sum(int((own["members_end"] > files_begun).sum()) for own in self._archives)

    @property
    def has_vanished(self) -> bool:
        """Whether files vanished that were not taken yet."""
        return bool(self._vanished)

    def take_vanished(self) -> pl.DataFrame | None:
        """The urls and SOPInstanceUIDs of files that vanished since this was last asked; None where there are none."""
        taken, self._vanished = self._vanished, []
        return pl.concat(taken) if taken else None

    def check_missing_limit(self, limit: float) -> None:
        """Refuse a run in which too much vanished at once.

        Raises:
            MissingLimitExceeded: more than ``limit`` (a fraction) of the files that the lake has of a source were not listed.
        """
        for source, missing in self.counts.missing_of_source.items():
            known = self.counts.known_of_source[source]
            if missing > limit * known:
                raise MissingLimitExceeded(
                    f"{missing:,} of {known:,} files of {source} are no longer listed, more than missing_limit ({limit:.0%}) allows; "
                    "nothing was changed. Check that the source is mounted and whole; if they are meant to be gone, run again with "
                    "--missing-limit 1"
                )

    def _to_read_of(self, listed: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """The files of a batch that are to be read, and members of its archives: frames of one row or more, with the columns of units."""
        if self._list_archive is not None and listed.height:
            archives = listed.filter("may_be_archive")["url"]
            listed = without_their_members(listed, self._last_archive)
            self._last_archive = archives[-1] if archives.len() else self._last_archive
        for stretch in stretches(listed, self._ledger):
            for to_read in self._compare(stretch):
                if to_read.height:
                    yield unit_rows(to_read)

    def _compare(self, stretch: Stretch) -> Iterator[pl.DataFrame]:
        listed, known, end = stretch
        self._unreadable.pass_to(end)
        if listed["code"].null_count() < listed.height:
            self._unreadable.add(listed.filter(pl.col("code").is_in(RETRIED))["url"].to_list())
        if self._list_archive is None or not listed["may_be_archive"].any():
            self._note_vanished(known, listed["url"])
            yield self._to_read(listed, known)
            return
        archives = KnownArchives(listed.filter("may_be_archive"), known)
        others = known.filter(~archives.is_member)
        self._note_vanished(others, listed["url"])
        yield self._to_read(listed.filter(~pl.col("may_be_archive")), others)
        answered = archives.answered(self._current, self._snapshot) & (not self._read_all)
        files = archives.files(answered)
        self.counts.files_listed += files
        self.counts.files_unchanged += files
        members = archives.members(answered)
        self._note_vanished(members, members["url"])
        for found, own, members in archives.listed_anew(~answered, self._list_archive):
            yield from self._compare_archives(found, own, members)

    def _compare_archives(self, found: ArchivesListed, own: pl.DataFrame, members: pl.DataFrame) -> Iterator[pl.DataFrame]:
        self._unreadable.add(found.own.filter(pl.col("code").is_in(RETRIED))["url"].to_list())
        archives = self._to_read(found.own, own, always=True)
        yield archives.filter(~pl.col("is_archive"))
        archives = archives.filter("is_archive")
        self.counts.files_to_read -= archives.height
        begun = self.counts.files_to_read
        to_read = self._to_read(found.members, members, whole_state=True)
        members_end = begun + to_read["archive"].search_sorted(archives["archive"], side="right")
        self._archives.append(unit_rows(archives).with_columns(members_end=members_end.cast(pl.Int64)))
        self._note_vanished(members, found.members["url"])
        yield to_read

    def _to_read(self, listed: pl.DataFrame, known: pl.DataFrame, *, always: bool = False, whole_state: bool = False) -> pl.DataFrame:
        """Count what is listed; what of it is to be read, or all of it where ``always``."""
        self.counts.files_listed += listed.height
        rows = compared(listed, known, self._current, whole_state=whole_state)
        new = int(rows["is_new"].sum())
        unchanged = int(rows["unchanged"].sum())
        self.counts.files_new += new
        self.counts.files_unchanged += unchanged
        self.counts.files_changed += rows.height - new - unchanged
        chosen = rows if self._read_all or always else rows.filter(~pl.col("unchanged") | pl.col("retried"))
        self.counts.files_to_read += chosen.height
        return chosen.with_columns(
            source=pl.coalesce("source", self._source_names(chosen)),
            first_snapshot=pl.coalesce("first_snapshot", pl.lit(self._snapshot, dtype=pl.Int64)),
            replaces=pl.col("status").is_not_null(),
            former_uid=pl.col("SOPInstanceUID"),
        )

    def _note_vanished(self, known: pl.DataFrame, listed_urls: pl.Series | None) -> None:
        alive = known.filter(pl.col("status") != FileStatus.MISSING.value)
        if alive.height == 0:
            return
        for source, count in alive["source"].value_counts().iter_rows():
            self.counts.known_of_source[source] = self.counts.known_of_source.get(source, 0) + count
        whole = [source.name for source in self._sources if source.whole]
        gone = alive.filter(pl.col("source").is_in(whole))
        if listed_urls is not None:
            gone = gone.join(listed_urls.to_frame("url"), on="url", how="anti")
        gone = gone.filter(~self._unreadable.hide(gone["place"]))
        if gone.height == 0:
            return
        self.counts.files_missing += gone.height
        for source, count in gone["source"].value_counts().iter_rows():
            self.counts.missing_of_source[source] = self.counts.missing_of_source.get(source, 0) + count
        self._vanished.append(compact(gone.select("url", "SOPInstanceUID")))

    def _source_names(self, listed: pl.DataFrame) -> pl.Series:
        names = pl.Series([source.name for source in self._sources], dtype=pl.String)
        return names.gather(listed["source_index"]).alias("source")
