"""Markers of folders in a bucket: empty objects whose key is the name of the folder and a slash.

They are not files, but the store's client drops the slash, so they look like empty files. Their position, or a request, tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc

_QUESTIONS_AT_ONCE = 16


def without_folder_markers(page: pa.RecordBatch, is_there: Callable[[str], bool]) -> pa.RecordBatch:
    """A page of a listing without its markers.

    Args:
        page: columns ``path`` and ``size``, in the store's order.
        is_there: asks the store whether a key exists.
    """
    empty = pc.indices_nonzero(pc.equal(page.column("size"), 0)).to_pylist()
    if not empty:
        return page
    paths = page.column("path")
    unknown, markers = [], []
    for row in empty:
        path = paths[row].as_py()
        before = paths[row - 1].as_py() if row else ""
        after = paths[row + 1].as_py() if row + 1 < len(paths) else None
        if before >= path:
            markers.append(row)  # its position is right only with a slash
        elif after is None or after >= path + "/":
            unknown.append((row, path))
    if unknown:
        with ThreadPoolExecutor(_QUESTIONS_AT_ONCE) as pool:
            answers = pool.map(is_there, [path for _, path in unknown])
        markers += [row for (row, _), there in zip(unknown, answers, strict=True) if not there]
    if not markers:
        return page
    kept = pc.invert(pc.is_in(pa.arange(0, page.num_rows), value_set=pa.array(markers, pa.int64())))
    return page.filter(kept)
