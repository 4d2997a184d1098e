"""How many rows of the tables that units write came, went or changed between two snapshots.

They are many, so none is held: a row is a hash of its key and one of the columns that are compared, sixteen bytes. Among ten million rows
the chance that any two keys share a hash is one in some hundred thousand, and then a count is wrong by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dicomlake.lake.read.own_parts import OwnParts
from dicomlake.schema import TableDeclaration

_COMPARED = {
    "instances": ("url", "file_size", "modified", "header_digest"),
    "files": ("status", "code", "source", "file_size", "modified", "etag", "SOPInstanceUID", "duplicate_of", "header_digest"),
}
"""An instance is held against its file and its header. A header that another engine read, or that was read into more columns, is not a
change of the archive. Rows of other tables are compared whole."""

_CHANGES = ("came", "went", "changed")


def matched_rows(table: TableDeclaration, before: OwnParts, after: OwnParts, kept: Sequence[str] = ()) -> pl.DataFrame:
    """Rows of either snapshot, one beside the other by their key.

    Args:
        table: their table.
        before: the earlier snapshot's part files.
        after: the later one's.
        kept: columns of text to keep.

    Returns:
        ``row`` and ``row_now``, the hashes of the earlier and the later row; null where a snapshot lacks the row. Kept columns likewise.
    """
    was, now = (_hashed(own, table, kept) for own in (before, after))
    return was.join(now, on="key", how="full", coalesce=True, suffix="_now")


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


def _hashed(own: OwnParts, table: TableDeclaration, kept: Sequence[str]) -> pl.DataFrame:
    compared = _COMPARED.get(table.name)
    hashes = [pl.struct(table.key).hash().alias("key"), pl.struct(compared or pl.all().exclude("snapshot")).hash().alias("row"), *kept]
    columns = None if compared is None else list(dict.fromkeys([*table.key, *compared, *kept]))
    empty = pl.DataFrame(schema={"key": pl.UInt64, "row": pl.UInt64, **dict.fromkeys(kept, pl.String)})
    return pl.concat([empty, *(rows.select(hashes) for rows in own.read(columns))])
