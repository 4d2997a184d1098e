"""What to read: the listing held against the ledger, batch by batch, and what is to be read cut into units of work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from dicomlake.errors import RETRIED_CODES, FileStatus, MissingLimitExceeded
from dicomlake.ledger import NOTHING_KNOWN, Ledger
from dicomlake.parts import compact

UNIT_SCHEMA = pa.schema(
    [
        pa.field("url", pa.string()),
        pa.field("file_size", pa.int64()),
        pa.field("modified", pa.timestamp("us", "UTC")),
        pa.field("etag", pa.string()),
        pa.field("code", pa.string()),
        pa.field("message", pa.string()),
        pa.field("source", pa.string()),
        pa.field("first_snapshot", pa.int64()),
        pa.field("replaces", pa.bool_()),
        pa.field("former_uid", pa.string()),
    ]
)
"""A file to be read: the listing's columns, the source that owns it, the run that first listed it, whether the lake has a row of it, and
the SOPInstanceUID that it had there."""


@dataclass
class PlanCounts:
    """What a listing held against the ledger came to, so far."""

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

    ``units`` is a generator: it takes from the listing only what the next unit needs. When it has ended, ``vanished`` holds the
    urls and SOPInstanceUIDs of files that are no longer there, and ``counts`` the figures.
    """

    def __init__(
        self, sources: Sequence[ListedSource], ledger: Ledger, *, snapshot: int, unit_files: int, current: pl.Expr, read_all: bool = False
    ) -> None:
        self._sources = list(sources)
        self._ledger = ledger
        self._snapshot = snapshot
        self._unit_files = unit_files
        self._current = current
        self._read_all = read_all
        self._unreadable_folders: list[str] = []
        self._compared_up_to = ""
        self.counts = PlanCounts()
        self.vanished: list[pl.DataFrame] = []

    def units(self, listing: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
        """Cut what is to be read into units (``UNIT_SCHEMA``), files of one folder side by side."""
        waiting: list[pl.DataFrame] = []
        rows = 0
        for batch in listing:
            if batch.num_rows == 0:
                continue
            to_read = self._compare(batch)
            if to_read.height:
                waiting.append(compact(to_read))
                rows += to_read.height
            while rows >= self._unit_files:
                frame = pl.concat(waiting)
                yield _unit(frame.slice(0, self._unit_files))
                rest = frame.slice(self._unit_files)
                waiting, rows = ([rest], rest.height) if rest.height else ([], 0)
        for known in self._ledger.take_up_to(None):
            self._judge_vanished(known, None)
        if rows:
            yield _unit(pl.concat(waiting))

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

    def _compare(self, batch: pa.RecordBatch) -> pl.DataFrame:
        listed = pl.DataFrame(batch)
        self.counts.files_listed += listed.height
        self._note_unreadable_folders(listed)
        known = self._known_of(listed)
        if known.height == 0:
            self.counts.files_new += listed.height
            self.counts.files_to_read += listed.height
            return listed.with_columns(
                source=self._source_names(listed),
                first_snapshot=pl.lit(self._snapshot, dtype=pl.Int64),
                replaces=pl.lit(value=False),
                former_uid=pl.lit(None, dtype=pl.String),
            ).drop("source_index")
        joined = listed.join(known, on="url", how="left", suffix="_known", maintain_order="left")
        is_known = pl.col("status").is_not_null()
        was_missing = pl.col("status") == FileStatus.MISSING.value
        same_content = pl.col("file_size").eq_missing(pl.col("file_size_known")) & (
            pl.when(pl.col("etag").is_not_null() & pl.col("etag_known").is_not_null())
            .then(pl.col("etag") == pl.col("etag_known"))
            .otherwise(pl.col("modified").eq_missing(pl.col("modified_known")))
        )
        # An entry that the listing itself can't read has nothing but its code and message to be compared by.
        same_defect = pl.col("code").eq_missing(pl.col("code_known")) & pl.col("message").eq_missing(pl.col("message_known"))
        retried = pl.col("code_known").is_in([code.value for code in RETRIED_CODES])
        judged = joined.with_columns(
            is_new=(~is_known | was_missing).fill_null(value=True),
            unchanged=(is_known & ~was_missing & same_content & (pl.col("code").is_null() | same_defect)).fill_null(value=False),
            again=((retried | ~self._current) & pl.col("code").is_null()).fill_null(value=False),
        )
        new = int(judged["is_new"].sum())
        unchanged = int(judged["unchanged"].sum())
        self.counts.files_new += new
        self.counts.files_unchanged += unchanged
        self.counts.files_changed += judged.height - new - unchanged
        chosen = judged if self._read_all else judged.filter(~pl.col("unchanged") | pl.col("again"))
        self.counts.files_to_read += chosen.height
        return chosen.select(
            "url",
            "file_size",
            "modified",
            "etag",
            "code",
            "message",
            source=pl.coalesce("source", self._source_names(chosen)),
            first_snapshot=pl.coalesce("first_snapshot", pl.lit(self._snapshot, dtype=pl.Int64)),
            replaces=pl.col("status").is_not_null(),
            former_uid=pl.col("SOPInstanceUID"),
        )

    def _known_of(self, listed: pl.DataFrame) -> pl.DataFrame:
        """The ledger's rows of what is listed; those between them that are not have vanished, or belong to another source."""
        there = []
        for known in self._ledger.take_up_to(listed["url"][-1]):
            self._judge_vanished(known, listed["url"])
            there.append(known.join(listed.select("url"), on="url", how="semi"))
        return pl.concat(there) if there else NOTHING_KNOWN

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
        gone = gone.filter(~self._is_hidden(gone["url"]))
        if gone.height == 0:
            return
        self.counts.files_missing += gone.height
        for source, count in gone["source"].value_counts().iter_rows():
            self.counts.missing_of_source[source] = self.counts.missing_of_source.get(source, 0) + count
        self.vanished.append(compact(gone.select("url", "SOPInstanceUID")))

    def _note_unreadable_folders(self, listed: pl.DataFrame) -> None:
        # What stands below a folder follows it in order, and ends before the folder's name with the character after "/". What the lake
        # knows of that may come between the last batch and this one.
        self._unreadable_folders = [folder for folder in self._unreadable_folders if folder + "0" > self._compared_up_to]
        self._compared_up_to = listed["url"][-1]
        if listed["code"].null_count() < listed.height:
            self._unreadable_folders += listed.filter(pl.col("code").is_in([code.value for code in RETRIED_CODES]))["url"].to_list()

    def _is_hidden(self, urls: pl.Series) -> pl.Series:
        """Which urls stand below a folder that can't be read: they may well be there, no one has looked."""
        if not self._unreadable_folders or urls.len() == 0:
            return pl.Series([False], dtype=pl.Boolean).new_from_index(0, urls.len())
        # Nothing is listed below such a folder, so the one that a url can stand below is the last that sorts before it.
        folders = pl.Series("folder", [folder + "/" for folder in self._unreadable_folders]).sort()
        places = folders.search_sorted(urls, side="right").cast(pl.Int64) - 1
        pairs = pl.DataFrame({"url": urls, "folder": folders.gather(places.clip(0)), "place": places})
        return pairs.select((pl.col("place") >= 0) & pl.col("url").str.starts_with(pl.col("folder")))["place"]

    def _source_names(self, listed: pl.DataFrame) -> pl.Series:
        names = pl.Series([source.name for source in self._sources], dtype=pl.String)
        return names.gather(listed["source_index"]).alias("source")


def _unit(frame: pl.DataFrame) -> pa.Table:
    return frame.select(UNIT_SCHEMA.names).to_arrow().cast(UNIT_SCHEMA)
