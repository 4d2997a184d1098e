"""A lake, and the difference between two snapshots, in a line of text and as HTML for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dicomlake.errors import DicomlakeError
from dicomlake.html import html_block, html_line, html_table
from dicomlake.printable import printable

if TYPE_CHECKING:
    from dicomlake.lake.read.diff import LakeDiff
    from dicomlake.lake.read.snapshot_view import SnapshotView

ROWS_SHOWN = 10
"""Of each level, rows of a difference that a notebook shows."""

_COUNTED = ("instances", "series", "studies", "patients")


def lake_text(lake: SnapshotView) -> str:
    """A lake in one line: where it is, its snapshot, and how much it holds. It never raises."""
    rows = _rows_of_tables(lake)
    counts = ", ".join(f"{rows[name]:,} {name}" for name in _COUNTED if name in rows)
    return f"<{_title(lake)}{': ' if counts else ''}{counts}>"


def lake_html(lake: SnapshotView) -> str:
    """A lake as a table of its tables. It never raises."""
    row, rows = lake.row, _rows_of_tables(lake)
    by = f"{row['kind']} by dicomlake {row['dicomlake_version']}, engine {row['engine']}"
    sources = [f"source {source}" for source in row["sources"] or []]
    return html_block(html_line(_title(lake)), *map(html_line, [by, *sources]), html_table(["table", "rows"], list(rows.items())))


def diff_text(diff: LakeDiff) -> str:
    """A difference in one line: what came, went and changed, by table."""
    said = [
        f"{row['table']} +{row['came']:,} -{row['went']:,} ~{row['changed']:,}"
        for row in diff.counts.to_dicts()
        if row["came"] or row["went"] or row["changed"]
    ]
    return f"<LakeDiff of snapshots {diff.before} and {diff.after}: {', '.join(said) or 'nothing differs'} (+came -went ~changed)>"


def diff_html(diff: LakeDiff) -> str:
    """A difference as tables: counts, and the first entities of each level."""
    parts = [html_line(f"changes between snapshot {diff.before} and snapshot {diff.after}"), _frame_html(diff.counts)]
    if diff.files.height:
        parts.append(_frame_html(diff.files, "files by status"))
    for level, frame in diff.levels.items():
        if frame.height:
            more = f", the first {ROWS_SHOWN} of {frame.height:,}" if frame.height > ROWS_SHOWN else ""
            parts.append(_frame_html(frame.head(ROWS_SHOWN), f"{level}{more}"))
    return html_block(*parts)


def _frame_html(frame: pl.DataFrame, caption: str | None = None) -> str:
    rows = [[", ".join(map(str, value)) if isinstance(value, list) else value for value in row] for row in frame.iter_rows()]
    return html_table(frame.columns, rows, caption)


def _title(lake: SnapshotView) -> str:
    return f"Lake {printable(lake.location.url)}, snapshot {lake.snapshot} of {lake.row['finished']:%Y-%m-%d %H:%M:%S} UTC"


def _rows_of_tables(lake: SnapshotView) -> dict[str, int]:
    rows = {}
    for name in lake.table_versions:
        try:
            rows[name] = sum(part.rows for part in lake.parts(name))
        except DicomlakeError:
            continue
    return rows
