"""Findings that Python raises about files, among those that an engine answered."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def in_order_of_files(findings: pa.Table, urls: pa.ChunkedArray) -> pa.Table:
    """Rows of `findings` in the order of their files; those of one file keep theirs."""
    if findings.num_rows == 0:
        return findings
    places = pc.index_in(findings["url"], value_set=urls.combine_chunks()).to_numpy()
    if np.all(places[:-1] <= places[1:]):
        return findings
    return findings.take(pa.array(np.argsort(places, kind="stable")))
