"""The files that the lake knows: the rows of `files`, read once in the order of their places, a range at a time.

A listing comes sorted by place (see ``dicomlake.urls``: members follow their archive, all else goes by url), and so do
the part files of `files`: the two are merged like sorted files on tape, row group by row group, and neither is ever held whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.parts import Location, OpenPart, PartFile, RowGroup, open_part
from dicomlake.urls import LOWEST_OF_MEMBERS, PLACE_OF_MEMBER, START_OF_MEMBERS, places_of

PLACE = pl.coalesce(
    pl.col("url").str.extract(PLACE_OF_MEMBER, 1) + START_OF_MEMBERS + pl.col("url"),
    pl.col("url"),
).alias("place")
"""Where a row of `files` stands in a listing; ``dicomlake.archives.place_of`` for polars."""

NOTHING_KNOWN = pl.DataFrame(
    schema={
        "url": pl.String,
        "source": pl.String,
        "file_size": pl.Int64,
        "modified": pl.Datetime("us", "UTC"),
        "etag": pl.String,
        "status": pl.String,
        "code": pl.String,
        "message": pl.String,
        "SOPInstanceUID": pl.String,
        "first_snapshot": pl.Int64,
        "last_snapshot": pl.Int64,
        "place": pl.String,
    }
)
LEDGER_COLUMNS = tuple(name for name in NOTHING_KNOWN.columns if name != "place")
_LAST_PLACE = chr(0x10FFFF) * 4


class Ledger:
    """A reader of `files` in ascending ranges of places; each row group is read once.

    A part file is opened when the range reaches its first place, and a row group is read when it reaches that of the row group. Memory is
    bounded by the row groups that the end of the range falls into: at most two of each part file whose places overlap there, and one that
    is read ahead. Statistics
    know the first place, but of members of archives, which sort elsewhere than their urls: of these the urls are read beforehand.
    """

    def __init__(self, location: Location, parts: Iterable[PartFile]) -> None:
        self._location = location
        self._order = count()
        self._waiting: list[tuple[str, int, PartFile, RowGroup | None]] = []
        for part in parts:
            if _has_members(part):
                self._open(part)
            else:
                self._wait(_lowest_url(part), part, None)
        self._rows = NOTHING_KNOWN
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="dicomlake-ledger")
        self._ahead: tuple[int, Future[pl.DataFrame]] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be taken, or nothing any more."""
        return not self._waiting and self._rows.height == 0

    def take_up_to(self, place: str | None) -> Iterator[pl.DataFrame]:
        """The rows up to and including ``place`` (None: all) that were not taken before; ``LEDGER_COLUMNS`` and ``place``, sorted by it.

        They come in pieces, so that a long range that nobody listed is not held whole either; each must be taken.

        Raises:
            LakeDamaged: a part file can't be read.
        """
        bound = _LAST_PLACE if place is None else place
        while self._waiting and self._waiting[0][0] <= bound:
            self._read_next()
            following = self._waiting[0][0] if self._waiting else None
            # Whatever is still to be read stands at or behind the next lowest place.
            if following is not None and following <= bound:
                yield from self._cut(self._rows["place"].search_sorted(following, side="left"))
        yield from self._cut(self._rows.height if place is None else self._rows["place"].search_sorted(bound, side="right"))

    def _cut(self, rows: int) -> Iterator[pl.DataFrame]:
        if rows:
            taken, self._rows = self._rows.slice(0, rows), self._rows.slice(rows)
            yield taken

    def _read_next(self) -> None:
        """Read the row group that is next; of a part file that is next only learn its row groups, which wait for their turn."""
        _, number, part, group = heapq.heappop(self._waiting)
        if group is None:
            self._open(part)
            return
        is_there = self._ahead is not None and self._ahead[0] == number
        read = self._ahead[1].result() if self._ahead is not None and is_there else _rows_of(self._location, part, group)
        if is_there or self._ahead is None:
            self._read_ahead()
        rows = pl.concat([self._rows, read])
        # Part files rarely overlap, and what is in order need not be sorted.
        self._rows = rows.with_columns(pl.col("place").set_sorted()) if rows["place"].is_sorted() else rows.sort("place")

    def _read_ahead(self) -> None:
        """Begin to read the row group that is next as it looks now, while the rows before it are compared."""
        self._ahead = None
        if self._waiting and (group := self._waiting[0][3]) is not None:
            _, number, part, _ = self._waiting[0]
            self._ahead = (number, self._reader.submit(_rows_of, self._location, part, group))

    def _open(self, part: PartFile) -> None:
        with open_part(self._location, part) as opened:
            for group in opened.groups:
                self._wait(_lowest_place(opened, group), part, group)

    def _wait(self, place: str, part: PartFile, group: RowGroup | None) -> None:
        heapq.heappush(self._waiting, (place, next(self._order), part, group))


def _rows_of(location: Location, part: PartFile, group: RowGroup) -> pl.DataFrame:
    with open_part(location, part) as opened:
        return opened.frame(group, LEDGER_COLUMNS).with_columns(PLACE if _has_members(group) else pl.col("url").alias("place"))


def in_order_of_places(rows: pa.Table) -> pa.Table:
    """Rows of `files` in the order of their places."""
    return rows.take(pc.sort_indices(pa.chunked_array([places_of(chunk) for chunk in rows["url"].chunks], pa.string())))


def lowest_place(location: Location, part: PartFile) -> str:
    """The first place in a part file of `files`.

    Raises:
        LakeDamaged: the part file can't be read.
    """
    if not _has_members(part):
        return _lowest_url(part)
    with open_part(location, part) as opened:
        return min((_lowest_place(opened, group) for group in opened.groups), default="")


def _lowest_place(opened: OpenPart, group: RowGroup) -> str:
    if not _has_members(group):
        return _lowest_url(group)
    return str(opened.frame(group, ["url"]).select(PLACE.min()).item())


def _has_members(rows: PartFile | RowGroup) -> bool:
    """Whether some of the rows may be members of archives."""
    highest = rows.highest.get("url")
    return not isinstance(highest, str) or highest >= LOWEST_OF_MEMBERS


def _lowest_url(rows: PartFile | RowGroup) -> str:
    lowest = rows.lowest.get("url")
    return lowest if isinstance(lowest, str) else ""
