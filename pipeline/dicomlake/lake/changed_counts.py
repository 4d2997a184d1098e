"""How many instances and files came, went or changed between two snapshots.

They are many, so none is held: a row is a hash of its key and one of what is compared, sixteen bytes. Among ten million rows the chance
that any two keys share a hash is one in some hundred thousand, and then a count is wrong by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dicomlake.lake.own_parts import OwnParts

_INSTANCE = ("url", "file_size", "modified", "header_digest")
"""What an instance is held against: its file and its header. A header that is merely read anew, by another engine or into more columns, is
no change of the archive."""

_FILE = ("status", "code", "source", "file_size", "modified", "etag", "SOPInstanceUID", "duplicate_of", "header_digest")
_CHANGES = ("came", "went", "changed")


def matched_instances(before: OwnParts, after: OwnParts) -> pl.DataFrame:
    """Instances of either snapshot: ``row`` and ``row_now``, the hashes of what they were and are; null where there was or is none."""
    return _matched(before, after, "SOPInstanceUID", _INSTANCE, [])


def matched_files(before: OwnParts, after: OwnParts) -> pl.DataFrame:
    """Files of either snapshot likewise, with ``status`` and ``status_now``."""
    return _matched(before, after, "url", _FILE, ["status"])


def counted(matched: pl.DataFrame) -> dict[str, int]:
    """How many rows ``came``, ``went`` and ``changed``."""
    was, now = pl.col("row"), pl.col("row_now")
    return matched.select(came=was.is_null().sum(), went=now.is_null().sum(), changed=(was != now).sum()).row(0, named=True)


def counted_by_status(matched: pl.DataFrame) -> pl.DataFrame:
    """Files by ``status``.

    How many ``came`` to have it and how many ``went`` from it, new files and those of other statuses alike, and how many ``changed`` and
    have it still. A status without a change has no row.
    """
    moved = pl.col("status").ne_missing(pl.col("status_now"))
    came = matched.filter(moved & pl.col("status_now").is_not_null()).select("status_now", pl.lit("came").alias("change"))
    went = matched.filter(moved & pl.col("status").is_not_null()).select("status", pl.lit("went").alias("change"))
    changed = matched.filter(~moved & (pl.col("row") != pl.col("row_now"))).select("status", pl.lit("changed").alias("change"))
    changes = pl.concat([came.rename({"status_now": "status"}), went, changed])
    sums = [(pl.col("change") == change).sum().cast(pl.Int64).alias(change) for change in _CHANGES]
    return changes.group_by("status").agg(sums).sort("status")


def _matched(before: OwnParts, after: OwnParts, key: str, compared: Sequence[str], kept: Sequence[str]) -> pl.DataFrame:
    was, now = (_hashed(own, key, compared, kept) for own in (before, after))
    return was.join(now, on="key", how="full", coalesce=True, suffix="_now")


def _hashed(own: OwnParts, key: str, compared: Sequence[str], kept: Sequence[str]) -> pl.DataFrame:
    columns = list(dict.fromkeys([key, *compared, *kept]))
    hashes = [pl.col(key).hash().alias("key"), pl.struct(compared).hash().alias("row"), *kept]
    empty = pl.DataFrame(schema={"key": pl.UInt64, "row": pl.UInt64, **dict.fromkeys(kept, pl.String)})
    return pl.concat([empty, *(rows.select(hashes) for rows in own.read(columns))])
