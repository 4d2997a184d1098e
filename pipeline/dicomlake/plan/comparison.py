"""Files of a listing compared with what the ledger knows of them, row by row."""

from __future__ import annotations

import polars as pl

from dicomlake.errors import RETRIED_CODES, FileStatus

RETRIED = [code.value for code in RETRIED_CODES]


def compared(listed: pl.DataFrame, known: pl.DataFrame, current: pl.Expr, *, whole_state: bool = False) -> pl.DataFrame:
    """The rows of a listing beside those of the ledger, with ``is_new``, ``unchanged`` and ``retried``.

    Args:
        listed: rows of a listing; they stay in their order.
        known: rows of the ledger.
        current: says of a row of the ledger whether it was read as files are read today.
        whole_state: a checksum of 32 bits is not an etag of a store: the time has to be the same, too.
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
    failed = pl.col("code_known").is_in(RETRIED)
    return joined.with_columns(
        is_new=(~is_known | was_missing).fill_null(value=True),
        unchanged=(is_known & ~was_missing & same_content & (pl.col("code").is_null() | same_defect)).fill_null(value=False),
        retried=((failed | ~current) & pl.col("code").is_null()).fill_null(value=False),
    )
