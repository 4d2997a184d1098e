"""The listing held against the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import polars as pl
import pyarrow as pa

from dicomlake.errors import RETRIED_CODES, FileCode, FileStatus, MissingLimitExceeded
from dicomlake.fetch import ArchiveListing
from dicomlake.ledger import NOTHING_KNOWN, Ledger
from dicomlake.parts import compact
from dicomlake.plan.counts import ListedSource, PlanCounts
from dicomlake.plan.hidden import UnreadablePlaces
from dicomlake.plan.unit import unit_of, unit_rows
from dicomlake.sources.archives import END_OF_MEMBERS, START_OF_MEMBERS, place_of

ListArchive = Callable[[str, int | None], ArchiveListing]

LEAST_PIECE_FILES = 1024

_RETRIED = [code.value for code in RETRIED_CODES]
_SAID_BY_LISTINGS = [code.value for code in (FileCode.NOT_REGULAR, FileCode.UNSUPPORTED_MEMBER, FileCode.CORRUPT_ARCHIVE)]
"""Codes of members that listing their archive anew would give again."""


class Planner:
    """Holds a sorted listing against the ledger.

    ``current`` says of a row of the ledger whether it was read as files are read today; one that was not is read again.

    ``units`` is a generator: it takes from the listing only what the next unit needs. When it has ended, ``vanished`` holds the
    urls and SOPInstanceUIDs of files that are no longer there, ``counts`` the figures, and ``archive_units`` answers the rows of archives.

    Where a listing names what may be an archive, ``list_archive`` is asked for its members; not so if the ledger has it unchanged: then its
    members are taken for listed as the ledger has them. None lists no archives.

    What is left over for the last unit is cut into ``last_pieces``, of `LEAST_PIECE_FILES` at least.
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
        last_pieces: int = 1,
    ) -> None:
        self._sources = list(sources)
        self._ledger = ledger
        self._snapshot = snapshot
        self._unit_files = unit_files
        self._current = current
        self._list_archive = list_archive
        self._read_all = read_all
        self._last_pieces = last_pieces
        self._unreadable = UnreadablePlaces()
        self._archives: list[tuple[int, pl.DataFrame]] = []
        self.counts = PlanCounts()
        self.vanished: list[pl.DataFrame] = []

    def units(self, listing: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
        """Cut what is to be read into units (``UNIT_SCHEMA``), files of one folder side by side."""
        waiting: list[pl.DataFrame] = []
        rows = 0
        for batch in listing:
            for to_read in self._compared(pl.DataFrame(batch)):
                waiting.append(compact(to_read))
                rows += to_read.height
                while rows >= self._unit_files:
                    frame = pl.concat(waiting)
                    yield unit_of(frame.slice(0, self._unit_files))
                    rest = frame.slice(self._unit_files)
                    waiting, rows = ([rest], rest.height) if rest.height else ([], 0)
        for known in self._ledger.take_up_to(None):
            self._judge_vanished(known, None)
        if rows:
            # The last workers to end are not to wait for one of them.
            frame, piece = pl.concat(waiting), max(-(-rows // self._last_pieces), LEAST_PIECE_FILES)
            for start in range(0, rows, piece):
                yield unit_of(frame.slice(start, piece))

    def archive_units(self, files_begun: int) -> Iterator[pa.Table]:
        """Units with the rows of the archives that were listed and of which every member that was to be read has been.

        The row of an archive vouches for its members: the next run opens the archive no more. So it may only be committed after them.

        Args:
            files_begun: how many files of the units were read, in their order; the others are left, for the time was over.
        """
        complete = [own for members_end, own in self._archives if members_end <= files_begun]
        self._archives.clear()
        if complete:
            rows = pl.concat(complete)
            self.counts.files_to_read += rows.height
            for start in range(0, rows.height, self._unit_files):
                yield unit_of(rows.slice(start, self._unit_files))

    def archives_left(self, files_begun: int) -> int:
        """How many archives were listed of which members are left; see `archive_units`."""
        return sum(members_end > files_begun for members_end, _ in self._archives)

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

    def _compared(self, listed: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """What of a batch is to be read, the members of its archives included; frames of one row or more."""
        archives = listed["may_be_archive"].arg_true().to_list() if self._list_archive is not None and listed.height else []
        start = 0
        for row in [*archives, listed.height]:
            if row > start and (to_read := self._compare(listed.slice(start, row - start))).height:
                yield to_read
            if row < listed.height and (to_read := self._compare_archive(listed.slice(row, 1))).height:
                yield to_read
            start = row + 1

    def _compare(self, listed: pl.DataFrame) -> pl.DataFrame:
        end = place_of(listed["url"][-1])
        self._unreadable.pass_to(end)
        if listed["code"].null_count() < listed.height:
            self._unreadable.add(listed.filter(pl.col("code").is_in(_RETRIED))["url"].to_list())
        return self._to_read(listed, self._known_of(listed, end))

    def _compare_archive(self, listed: pl.DataFrame) -> pl.DataFrame:
        url = listed["url"][0]
        self._unreadable.pass_to(url + END_OF_MEMBERS)
        own, members = self._known_of_archive(listed, url)
        if self._is_carried(listed, own, members):
            there = 1 + int((members["status"] != FileStatus.MISSING.value).sum())
            self.counts.files_listed += there
            self.counts.files_unchanged += there
            self._judge_vanished(members, members["url"])
            return listed.clear()
        assert self._list_archive is not None  # noqa: S101  (`_compared` asks)
        found = self._list_archive(url, listed["file_size"][0])
        if found.code in RETRIED_CODES:
            self._unreadable.add([url])
        code = None if found.code is None else found.code.value
        to_read = self._to_read(
            listed.with_columns(code=pl.lit(code, dtype=pl.String), message=pl.lit(found.message, dtype=pl.String)), own, always=True
        )
        if not found.is_archive:
            self._judge_vanished(members, None)
            return to_read
        self.counts.files_to_read -= to_read.height
        archive = to_read.with_columns(bytes_read=found.bytes_read, requests=found.requests)
        inside = pl.DataFrame(found.members).with_columns(
            source_index=pl.lit(listed["source_index"][0], dtype=pl.Int32), archive_version=pl.lit(_version(listed))
        )
        # The best order to read them in is not that of places; their archive is all that stands between these.
        to_read = self._to_read(inside.sort("member_offset", nulls_last=True), members, whole_state=True)
        self._archives.append((self.counts.files_to_read, archive))
        self._judge_vanished(members, inside["url"])
        return to_read

    def _known_of(self, listed: pl.DataFrame, end: str) -> pl.DataFrame:
        """The ledger's rows of what is listed; those between them that are not have vanished, or belong to another source."""
        there = []
        for known in self._ledger.take_up_to(end):
            self._judge_vanished(known, listed["url"])
            there.append(known.join(listed.select("url"), on="url", how="semi"))
        return pl.concat(there) if there else NOTHING_KNOWN

    def _known_of_archive(self, listed: pl.DataFrame, url: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The ledger's row of an archive, and those of its members; what stands before is judged, the members are not."""
        own, members = [NOTHING_KNOWN], [NOTHING_KNOWN]
        for known in self._ledger.take_up_to(url + END_OF_MEMBERS):
            before = known.slice(0, known["place"].search_sorted(url + START_OF_MEMBERS, side="left"))
            self._judge_vanished(before, listed["url"])
            own.append(before.filter(pl.col("url") == url))
            members.append(known.slice(before.height))
        return pl.concat(own), pl.concat(members)

    def _is_carried(self, listed: pl.DataFrame, own: pl.DataFrame, members: pl.DataFrame) -> bool:
        """Whether the ledger can answer for an archive: it is as it was, and so is what is known of its members."""
        if self._read_all or own.height == 0:
            return False
        if self._judged(listed, own).select(~pl.col("unchanged") | pl.col("again")).item():
            return False
        said_by_listing = pl.col("code").is_in(_SAID_BY_LISTINGS).fill_null(value=False)
        read_again = (pl.col("code").is_in(_RETRIED) | ~self._current) & ~said_by_listing
        # What a run committed that died before it had listed the archive to its end vouches for nothing.
        stale = read_again.fill_null(value=False) | (pl.col("last_snapshot") >= self._snapshot)
        return not members.select(((pl.col("status") != FileStatus.MISSING.value) & stale).any()).item()

    def _to_read(self, listed: pl.DataFrame, known: pl.DataFrame, *, always: bool = False, whole_state: bool = False) -> pl.DataFrame:
        """Count what is listed; what of it is to be read, or all of it where ``always``."""
        self.counts.files_listed += listed.height
        if known.height == 0:
            self.counts.files_new += listed.height
            self.counts.files_to_read += listed.height
            return unit_rows(
                listed.with_columns(
                    source=self._source_names(listed),
                    first_snapshot=pl.lit(self._snapshot, dtype=pl.Int64),
                    replaces=pl.lit(value=False),
                )
            )
        judged = self._judged(listed, known, whole_state=whole_state)
        new = int(judged["is_new"].sum())
        unchanged = int(judged["unchanged"].sum())
        self.counts.files_new += new
        self.counts.files_unchanged += unchanged
        self.counts.files_changed += judged.height - new - unchanged
        chosen = judged if self._read_all or always else judged.filter(~pl.col("unchanged") | pl.col("again"))
        self.counts.files_to_read += chosen.height
        return unit_rows(
            chosen.with_columns(
                source=pl.coalesce("source", self._source_names(chosen)),
                first_snapshot=pl.coalesce("first_snapshot", pl.lit(self._snapshot, dtype=pl.Int64)),
                replaces=pl.col("status").is_not_null(),
                former_uid=pl.col("SOPInstanceUID"),
            )
        )

    def _judged(self, listed: pl.DataFrame, known: pl.DataFrame, *, whole_state: bool = False) -> pl.DataFrame:
        """What is listed beside what is known of it, with ``is_new``, ``unchanged`` and ``again``.

        A checksum of 32 bits is no etag of a store: where ``whole_state``, the time has to be the same, too.
        """
        joined = listed.join(known, on="url", how="left", suffix="_known", maintain_order="left")
        is_known = pl.col("status").is_not_null()
        was_missing = pl.col("status") == FileStatus.MISSING.value
        same_etag = pl.col("etag") == pl.col("etag_known")
        same_time = pl.col("modified").eq_missing(pl.col("modified_known"))
        have_etags = pl.col("etag").is_not_null() & pl.col("etag_known").is_not_null()
        same_state = pl.when(have_etags).then(same_etag & same_time if whole_state else same_etag).otherwise(same_time)
        same_content = pl.col("file_size").eq_missing(pl.col("file_size_known")) & same_state
        # An entry that the listing itself can't read has nothing but its code and message to be compared by.
        same_defect = pl.col("code").eq_missing(pl.col("code_known")) & pl.col("message").eq_missing(pl.col("message_known"))
        retried = pl.col("code_known").is_in(_RETRIED)
        return joined.with_columns(
            is_new=(~is_known | was_missing).fill_null(value=True),
            unchanged=(is_known & ~was_missing & same_content & (pl.col("code").is_null() | same_defect)).fill_null(value=False),
            again=((retried | ~self._current) & pl.col("code").is_null()).fill_null(value=False),
        )

    def _judge_vanished(self, known: pl.DataFrame, listed_urls: pl.Series | None) -> None:
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
        self.vanished.append(compact(gone.select("url", "SOPInstanceUID")))

    def _source_names(self, listed: pl.DataFrame) -> pl.Series:
        names = pl.Series([source.name for source in self._sources], dtype=pl.String)
        return names.gather(listed["source_index"]).alias("source")


def _version(listed: pl.DataFrame) -> str:
    size, modified, etag = listed.select("file_size", pl.col("modified").dt.epoch("us"), "etag").row(0)
    return f"{size} {modified} {etag}"
