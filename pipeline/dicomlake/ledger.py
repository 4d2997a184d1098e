"""What the lake knows of files: the rows of `files`, read once in the order of their urls, a range at a time.

A listing comes sorted by url, and so do the part files of `files`: the two are merged like sorted files on tape, and neither is ever
held whole.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from dicomlake.parts import Location, PartFile, read_part

LEDGER_COLUMNS = (
    "url",
    "source",
    "file_size",
    "modified",
    "etag",
    "status",
    "code",
    "message",
    "SOPInstanceUID",
    "first_snapshot",
    "last_snapshot",
)
_LAST_URL = chr(0x10FFFF) * 4


class Ledger:
    """A reader of `files` in ascending ranges of urls; each part file is read once."""

    def __init__(self, location: Location, parts: Iterable[PartFile]) -> None:
        self._location = location
        self._waiting = sorted(parts, key=_lowest_url, reverse=True)
        self._rows: pl.DataFrame | None = None

    def take_up_to(self, url: str | None) -> pl.DataFrame:
        """The rows up to and including ``url`` (None: all) that were not taken before; ``LEDGER_COLUMNS``, sorted by url."""
        bound = _LAST_URL if url is None else url
        frames = [] if self._rows is None else [self._rows]
        while self._waiting and _lowest_url(self._waiting[-1]) <= bound:
            frames.append(read_part(self._location, self._waiting.pop(), LEDGER_COLUMNS))
        if not frames:
            return _EMPTY
        rows = pl.concat(frames).sort("url")
        cut = rows["url"].search_sorted(bound, side="right") if url is not None else rows.height
        self._rows = rows.slice(cut)
        return rows.slice(0, cut)


def _lowest_url(part: PartFile) -> str:
    lowest = part.lowest.get("url")
    return lowest if isinstance(lowest, str) else ""


_EMPTY = pl.DataFrame(
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
