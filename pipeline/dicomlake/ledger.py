"""What the lake knows of files: the rows of `files`, read once in the order of their urls, a range at a time.

A listing comes sorted by url, and so do the part files of `files`: the two are merged like sorted files on tape, row group by row group,
and neither is ever held whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import count

import polars as pl

from dicomlake.parts import Location, PartFile, RowGroup, open_part

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
    }
)
LEDGER_COLUMNS = tuple(NOTHING_KNOWN.columns)
_LAST_URL = chr(0x10FFFF) * 4


class Ledger:
    """A reader of `files` in ascending ranges of urls; each row group is read once.

    A part file is opened when the range reaches its first url, and a row group is read when it reaches that of the row group. Memory is
    bounded by the row groups that the end of the range falls into: at most two of each part file whose urls overlap there.
    """

    def __init__(self, location: Location, parts: Iterable[PartFile]) -> None:
        self._location = location
        self._order = count()
        self._waiting: list[tuple[str, int, PartFile, RowGroup | None]] = []
        for part in parts:
            self._wait(_lowest_url(part), part, None)
        self._rows = NOTHING_KNOWN

    def take_up_to(self, url: str | None) -> Iterator[pl.DataFrame]:
        """The rows up to and including ``url`` (None: all) that were not taken before; ``LEDGER_COLUMNS``, sorted by url.

        They come in pieces, so that a long range that nobody listed is not held whole either; each must be taken.

        Raises:
            LakeDamaged: a part file can't be read.
        """
        bound = _LAST_URL if url is None else url
        while self._waiting and self._waiting[0][0] <= bound:
            self._read_next()
            following = self._waiting[0][0] if self._waiting else None
            # Whatever is still to be read stands at or behind the next lowest url.
            if following is not None and following <= bound:
                yield from self._cut(self._rows["url"].search_sorted(following, side="left"))
        yield from self._cut(self._rows.height if url is None else self._rows["url"].search_sorted(bound, side="right"))

    def _cut(self, rows: int) -> Iterator[pl.DataFrame]:
        if rows:
            taken, self._rows = self._rows.slice(0, rows), self._rows.slice(rows)
            yield taken

    def _read_next(self) -> None:
        """Read the row group that is next; of a part file that is next only learn its row groups, which wait for their turn."""
        _, _, part, group = heapq.heappop(self._waiting)
        with open_part(self._location, part) as opened:
            if group is None:
                for each in opened.groups:
                    self._wait(_lowest_url(each), part, each)
                return
            rows = pl.concat([self._rows, opened.frame(group, LEDGER_COLUMNS)])
        # Part files rarely overlap, and what is in order need not be sorted.
        self._rows = rows.with_columns(pl.col("url").set_sorted()) if rows["url"].is_sorted() else rows.sort("url")

    def _wait(self, url: str, part: PartFile, group: RowGroup | None) -> None:
        heapq.heappush(self._waiting, (url, next(self._order), part, group))


def _lowest_url(rows: PartFile | RowGroup) -> str:
    lowest = rows.lowest.get("url")
    return lowest if isinstance(lowest, str) else ""
