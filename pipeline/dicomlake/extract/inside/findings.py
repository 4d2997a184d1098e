"""Findings that Python raises about files, among those that an engine answered."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc


def with_findings(findings: pa.Table, more: pl.DataFrame, urls: pa.Array) -> pa.Table:
    """Put findings behind those of the same file.

    Args:
        findings: rows of `findings` in the order of files.
        more: columns of `findings`; those that are absent are null.
        urls: the urls of all files, in their order.
    """
    if more.height == 0:
        return findings
    schema = findings.schema
    missing = [pl.lit(None).alias(name) for name in schema.names if name not in more.columns]
    added = more.with_columns(missing).select(schema.names).to_arrow().cast(schema)
    together = pa.concat_tables([findings, added])
    places = pc.index_in(together["url"].combine_chunks(), value_set=urls)
    return together.take(pa.array(np.argsort(places.to_numpy(zero_copy_only=False), kind="stable")))
