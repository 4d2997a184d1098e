"""Archives of a listing: those that the ledger can answer for, all of a stretch at once, and those that are listed anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from dicomlake.archives import ArchiveListing
from dicomlake.errors import FileCode, FileStatus
from dicomlake.plan.comparison import RETRIED, compared
from dicomlake.urls import END_OF_MEMBERS, START_OF_MEMBERS, archive_of, is_member

ListArchive = Callable[[str, int | None], ArchiveListing]
Flags = npt.NDArray[np.bool_]

TOGETHER_MEMBERS, TOGETHER_BYTES = 8192, 1 << 26
"""Archives that are listed anew are held against the ledger together, until their lists have so many members, or so many bytes."""

_SAID_BY_LISTINGS = [code.value for code in (FileCode.NOT_REGULAR, FileCode.UNSUPPORTED_MEMBER, FileCode.CORRUPT_ARCHIVE)]
"""Codes of members that listing their archive anew would give again."""


class KnownArchives:
    """The archives that a stretch of the ledger knows, of those that are listed there.

    Args:
        archives: their rows of the listing.
        known: all rows of the ledger of the stretch, sorted by place.
    """

    def __init__(self, archives: pl.DataFrame, known: pl.DataFrame) -> None:
        self.archives = archives
        self._known = known
        urls, places = archives["url"], known["place"]
        self._first = places.search_sorted(urls + START_OF_MEMBERS, side="left").to_numpy().astype(np.int64)
        self._end = places.search_sorted(urls + END_OF_MEMBERS, side="right").to_numpy().astype(np.int64)
        self.is_member = self._between(np.ones(archives.height, np.bool_))
        self._own = known.filter(~self.is_member).join(archives.select("url"), on="url", how="semi")

    def answered(self, current: pl.Expr, snapshot: int) -> Flags:
        """For which archives the ledger can answer: those that are as they were, as is what is known of their members."""
        own = compared(self.archives, self._own, current)
        as_it_was = own.select(pl.col("unchanged") & ~pl.col("retried")).to_series().to_numpy()
        said_by_listing = pl.col("code").is_in(_SAID_BY_LISTINGS).fill_null(value=False)
        read_again = (pl.col("code").is_in(RETRIED) | ~current) & ~said_by_listing
        # A run can die before it has listed an archive to its end. Its rows prove nothing then.
        stale = read_again.fill_null(value=False) | (pl.col("last_snapshot") >= snapshot)
        alive = pl.col("status") != FileStatus.MISSING.value
        # Nor does what went after the archive was last listed to its end: it may be as it was then, and have it again.
        listed_last = np.zeros(self._known.height, np.int64)
        listed_last[self.is_member] = np.repeat(own["last_snapshot"].fill_null(0).to_numpy(), self._end - self._first)
        went_since = ~alive & (pl.col("last_snapshot") > pl.Series(listed_last))
        answered: Flags = as_it_was & (self._count((alive & stale) | went_since) == 0)
        return answered

    def files(self, chosen: Flags) -> int:
        """How many files the ledger has for the archives chosen, they themselves included."""
        alive = self._count(pl.col("status") != FileStatus.MISSING.value)
        return int(chosen.sum() + alive[chosen].sum())

    def members(self, chosen: Flags) -> pl.DataFrame:
        """The rows of the members of the archives chosen."""
        return self._known.filter(self._between(chosen))

    def listed_anew(self, chosen: Flags, list_archive: ListArchive) -> Iterator[tuple[ArchivesListed, pl.DataFrame, pl.DataFrame]]:
        """List the archives chosen, some at a time, with what the ledger has of them, and of their members."""
        found: list[ArchiveListing] = []
        rows: list[int] = []
        members = room = 0
        urls, sizes = self.archives["url"], self.archives["file_size"]
        chosen_rows = np.flatnonzero(chosen).tolist()
        for row in chosen_rows:
            found.append(list_archive(urls[row], sizes[row]))
            rows.append(row)
            members += found[-1].members.num_rows
            room += found[-1].members.nbytes
            if members >= TOGETHER_MEMBERS or room >= TOGETHER_BYTES or row == chosen_rows[-1]:
                here = np.zeros(self.archives.height, np.bool_)
                here[rows] = True
                yield ArchivesListed(self.archives[rows], found), self._own, self.members(here)
                found, rows, members, room = [], [], 0, 0

    def _between(self, chosen: Flags) -> Flags:
        """Which rows of the ledger are members of the archives chosen."""
        steps = np.zeros(self._known.height + 1, np.int64)
        np.add.at(steps, self._first[chosen], 1)
        np.add.at(steps, self._end[chosen], -1)
        within: Flags = steps.cumsum()[:-1] > 0
        return within

    def _count(self, condition: pl.Expr) -> npt.NDArray[np.int64]:
        """Of how many members of each archive a condition holds."""
        holds = self._known.select(condition.fill_null(value=False)).to_series().to_numpy()
        before = np.concatenate([[0], holds.cumsum()])
        counted: npt.NDArray[np.int64] = before[self._end] - before[self._first]
        return counted


class ArchivesListed:
    """Archives that were listed anew, or turned out to be none.

    Attributes:
        own: their rows of the listing, with their codes and messages, what listing them cost, and ``is_archive``.
        members: of all of them, each with the number of its archive here (``archive``), in the order in which they are read best.
    """

    def __init__(self, archives: pl.DataFrame, found: list[ArchiveListing]) -> None:
        self.own = archives.with_columns(
            code=pl.Series([None if one.code is None else one.code.value for one in found], dtype=pl.String),
            message=pl.Series([one.message for one in found], dtype=pl.String),
            bytes_read=pl.Series([one.bytes_read for one in found], dtype=pl.Int64),
            requests=pl.Series([one.requests for one in found], dtype=pl.Int64),
            is_archive=pl.Series([one.is_archive for one in found], dtype=pl.Boolean),
            archive=pl.Series(range(len(found)), dtype=pl.Int64),
        )
        numbers = pl.Series("archive", np.repeat(np.arange(len(found)), [one.members.num_rows for one in found]), dtype=pl.Int64)
        version = pl.concat_str(pl.col("file_size"), pl.col("modified").dt.epoch("us"), "etag", separator=" ", ignore_nulls=True)
        of_archive = archives.select("source_index", archive_version=version)[numbers]
        members = pl.DataFrame(pa.concat_tables([one.members for one in found]).combine_chunks())
        self.members = pl.concat([members, numbers.to_frame(), of_archive], how="horizontal").sort(
            "archive", "member_offset", nulls_last=True, maintain_order=True
        )


def without_their_members(listed: pl.DataFrame, before: str | None) -> pl.DataFrame:
    """A batch of a listing without the members of archives that are listed too, and answer for them.

    Args:
        listed: the batch.
        before: the last archive that was listed before it.
    """
    may_be_member = is_member(listed["url"].to_arrow().cast(pa.string()))
    if not may_be_member.true_count:
        return listed
    archives = {before, *listed.filter("may_be_archive")["url"]}
    stays = [not looks or archive_of(url) not in archives for url, looks in zip(listed["url"], may_be_member.to_pylist(), strict=True)]
    return listed.filter(pl.Series(stays))
