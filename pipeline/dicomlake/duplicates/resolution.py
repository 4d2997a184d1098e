"""Copies of one instance: which is kept, which are duplicates, and which of those differ from the kept one."""

from __future__ import annotations

import polars as pl

from dicomlake.errors import FileStatus, FindingCode

COPY_COLUMNS = ("url", "SOPInstanceUID", "code", "header_digest", "status", "duplicate_of")


def resolve(copies: pl.DataFrame) -> pl.DataFrame:
    """Decide between the copies of instances.

    Of the copies whose header was read to its end (else of all) the one with the smallest ``url`` is kept.

    Args:
        copies: ``COPY_COLUMNS`` of **every** readable copy of some SOPInstanceUIDs.

    Returns:
        The same rows with ``new_status`` (``indexed`` or ``duplicate``), ``new_duplicate_of`` and ``conflicts`` (whether the copy's digest
        is not the kept one's).
    """
    ordered = copies.with_columns(complete=pl.col("code").is_null()).sort(
        "SOPInstanceUID", "complete", "url", descending=[False, True, False]
    )
    kept_url = pl.col("url").first().over("SOPInstanceUID")
    kept_digest = pl.col("header_digest").first().over("SOPInstanceUID")
    is_kept = pl.col("url") == kept_url
    return ordered.with_columns(
        new_status=pl.when(is_kept).then(pl.lit(FileStatus.INDEXED.value)).otherwise(pl.lit(FileStatus.DUPLICATE.value)),
        new_duplicate_of=pl.when(is_kept).then(None).otherwise(kept_url),
        conflicts=~is_kept & pl.col("header_digest").ne_missing(kept_digest),
    ).drop("complete")


def conflict_findings(resolved: pl.DataFrame, snapshot: int) -> pl.DataFrame:
    """The findings of copies that differ from the kept one; columns of `findings` that have a value."""
    return resolved.filter("conflicts").select(
        level=pl.lit("file"),
        code=pl.lit(FindingCode.CONFLICTING_DUPLICATE.value),
        url="url",
        SOPInstanceUID="SOPInstanceUID",
        element_path=pl.lit("SOPInstanceUID"),
        tag=pl.lit("(0008,0018)"),
        message=pl.lit("this copy's header differs from the header of the copy that is kept"),
        snapshot=pl.lit(snapshot, dtype=pl.Int64),
    )
