"""The findings of references without target: one for each series and relation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from dicomlake.errors import FindingCode
from dicomlake.lake import Gone, LakeWriter
from dicomlake.parts import PartFile, open_part, side_by_side
from dicomlake.rollup.references import FINDING_COLUMNS, TARGET_COLUMNS, DanglingTargets
from dicomlake.rollup.written import write_findings

_TABLE = "instance_references"
_PARTS_AT_ONCE = 4
_KEY = ["series_key", "code", "element_path", "message"]


def commit_findings(writer: LakeWriter, snapshot: int, series: pl.Series) -> int:
    """Bring the findings of some series up to date; one that is as it was stays as it is.

    Args:
        writer: the lake, with `in_lake` of all references committed.
        snapshot: the number of the run.
        series: the keys of the series.

    Returns:
        How many findings these series have.

    Raises:
        LakeDamaged: a part file can't be read.
        LakeChanged: another run committed meanwhile.
        AccessDenied: the lake can't be written.
    """
    table = writer.tables["findings"]
    found = _found(writer, series)
    keys = series.alias("series_key").to_frame().with_columns(code=pl.lit(FindingCode.DANGLING_REFERENCE.value))
    former = table.rows_with(keys)
    compared = found.columns
    fresh = found.join(former, on=compared, how="anti", nulls_equal=True, maintain_order="left") if former.height else found
    gone = former.join(found, on=compared, how="anti", nulls_equal=True) if found.height else former
    rewritten = table.without(*([Gone(gone.select(_KEY))] if gone.height else []))
    written = write_findings(writer.location, writer.schema, [fresh], snapshot) if fresh.height else []
    if written or rewritten.removed:
        table.commit([*written, *rewritten.added], rewritten.removed, writer.next_number())
    return found.height


def dangling_series(writer: LakeWriter, part: PartFile) -> pl.Series:
    """The keys of the series in a part file of `instance_references` that have references without target.

    Raises:
        LakeDamaged: the part file can't be read.
    """
    frames = _dangling_rows(writer, part, ["series_key"])
    return pl.concat([pl.Series("series_key", [], dtype=pl.String), *(frame["series_key"].unique() for frame in frames)]).unique()


def _found(writer: LakeWriter, series: pl.Series) -> pl.DataFrame:
    wanted = series.sort()
    dangling = DanglingTargets()
    columns = list(dict.fromkeys([*FINDING_COLUMNS, *TARGET_COLUMNS]))

    def rows_of(part: PartFile) -> list[pl.DataFrame]:
        return list(_dangling_rows(writer, part, columns, wanted))

    parts = list(writer.tables[_TABLE].parts.values())
    for start in range(0, len(parts), _PARTS_AT_ONCE):
        for frames in side_by_side(rows_of, parts[start : start + _PARTS_AT_ONCE]):
            for rows in frames:
                dangling.add(rows)
    return dangling.findings()


def _dangling_rows(writer: LakeWriter, part: PartFile, columns: list[str], series: pl.Series | None = None) -> Iterator[pl.DataFrame]:
    """Some columns of the rows of a part file whose `in_lake` is false, row group by row group; where given, of some series alone."""
    with open_part(writer.location, part) as opened:
        for group in opened.groups:
            rows = opened.frame(group, ["in_lake"])["in_lake"].not_().fill_null(value=False).arg_true().to_numpy()
            if len(rows) and series is not None:
                rows = np.intersect1d(rows, opened.rows_with_any(group, {"series_key": series}), assume_unique=True)
            if len(rows):
                yield opened.some_columns(group, columns, rows)
