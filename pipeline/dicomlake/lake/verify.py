"""Holding a lake against its own rules: keys, counts, parents and children, part files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import polars as pl
from deltalake.exceptions import DeltaError

from dicomlake.errors import DicomlakeError, FileStatus, LakeDamaged
from dicomlake.lake.history import read_history
from dicomlake.lake.reader import Lake
from dicomlake.parts import Location, part_sizes
from dicomlake.schema import PATIENT_KEY, SERIES_KEY, STUDY_KEY, TABLE_NAMES

_KEYS: dict[str, tuple[str, ...]] = {
    "files": ("url",),
    "instances": ("SOPInstanceUID",),
    "series": SERIES_KEY,
    "studies": STUDY_KEY,
    "patients": PATIENT_KEY,
    "snapshots": ("snapshot",),
}
_COLUMNS: dict[str, tuple[str, ...]] = {
    "files": ("url", "status", "code", "duplicate_of", "SOPInstanceUID"),
    "instances": ("SOPInstanceUID", "url", *dict.fromkeys((*SERIES_KEY, *STUDY_KEY, *PATIENT_KEY))),
    "series": (*SERIES_KEY, "NumberOfSeriesRelatedInstances"),
    "studies": (*STUDY_KEY, "NumberOfStudyRelatedInstances"),
    "patients": (*PATIENT_KEY, "NumberOfPatientRelatedInstances"),
    "findings": ("code",),
    "snapshots": ("snapshot",),
}
_ROWS_IN_MEMORY = 1_000_000
_SHOWN = 3
_FAILURES = (DicomlakeError, pl.exceptions.PolarsError, OSError)
_Frames = dict[str, pl.LazyFrame]


@dataclass
class VerifyReport:
    """What was found: ``defects``, ``notes`` (which make no lake defective), and how many rows or files each check looked at."""

    defects: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        """Whether there is no defect."""
        return not self.defects


def verify(location: Location) -> VerifyReport:
    """Check a lake as its last finished run left it.

    Raises:
        NotALake: there is no lake.
    """
    report = VerifyReport()
    try:
        lake = Lake(location.url, location.storage_options)
    except LakeDamaged as error:
        report.defects.append(str(error))
        return report
    _check_part_files(lake, report)
    if report.defects:
        # Queries over tables that lack part files would say the same once more, less clearly.
        return report
    try:
        frames = _frames(lake, report)
        for check in (_check_keys, _check_counts, _check_parents, _check_duplicates):
            report.defects += _carried_out(check, frames, report)
    except _FAILURES as error:
        report.defects.append(_failed(error))
    return report


def _carried_out(check: Callable[[_Frames, VerifyReport], Iterator[str]], frames: _Frames, report: VerifyReport) -> Iterator[str]:
    try:
        yield from check(frames, report)
    except _FAILURES as error:
        yield _failed(error)


def _failed(error: Exception) -> str:
    return f"a check can't be carried out: {' '.join(str(error).split())[:300]}"


def _frames(lake: Lake, report: VerifyReport) -> _Frames:
    """The columns that checks look at. Of a small lake they are read once for all checks; of a large one each check reads its own.

    A table that can't be read is a defect, and looks empty to the checks.
    """
    frames = {name: lake.table(name).select(columns) for name, columns in _COLUMNS.items()}
    if sum(part.rows for name in _COLUMNS for part in lake.parts(name)) > _ROWS_IN_MEMORY:
        return frames
    try:
        return dict(zip(frames, (frame.lazy() for frame in pl.collect_all(frames.values())), strict=True))
    except _FAILURES:
        return {name: _read_alone(name, frame, report) for name, frame in frames.items()}


def _read_alone(name: str, frame: pl.LazyFrame, report: VerifyReport) -> pl.LazyFrame:
    try:
        return frame.collect().lazy()
    except _FAILURES as error:
        report.defects.append(f"table '{name}' can't be read: {' '.join(str(error).split())[:300]}")
        return frame.collect_schema().to_frame().lazy()


def _check_part_files(lake: Lake, report: VerifyReport) -> None:
    """Every part file that a table names exists with its recorded size; others are noted."""
    location = lake.location
    named = 0
    for name in TABLE_NAMES:
        try:
            present = part_sizes(location, name)
            pinned = {part.path: part for part in lake.parts(name)}
            ever = read_history(location, name).paths_ever()
        except (DicomlakeError, DeltaError, OSError) as error:
            report.defects.append(f"table '{name}' can't be read: {' '.join(str(error).split())[:300]}")
            continue
        named += len(pinned)
        for path, part in pinned.items():
            if path not in present:
                report.defects.append(f"table '{name}': part file {path} is gone")
            elif present[path] != part.size:
                report.defects.append(f"table '{name}': part file {path} has {present[path]:,} bytes, not {part.size:,}")
        unknown = sorted(set(present) - ever - set(pinned))
        if unknown:
            report.notes.append(f"table '{name}': {len(unknown):,} part files that no version names, such as {unknown[0]}")
    report.checked["part files"] = named


def _check_keys(frames: _Frames, report: VerifyReport) -> Iterator[str]:
    for name, key in _KEYS.items():
        columns = list(key)
        counts = frames[name].group_by(columns).agg(pl.len().alias("rows")).select(pl.len(), pl.col("rows").sum()).collect()
        entities, rows = counts.row(0)
        report.checked[f"rows of {name}"] = rows or 0
        if rows and rows != entities:
            yield f"table '{name}': {rows - entities:,} rows more than there are values of {', '.join(columns)}, which is its key"
    for name, column in (("files", "url"), ("instances", "SOPInstanceUID"), ("findings", "code")):
        absent = frames[name].filter(pl.col(column).is_null()).select(pl.len()).collect().item()
        if absent:
            yield f"table '{name}': {absent:,} rows without {column}"
    stateless = frames["files"].filter(pl.col("status").is_null()).select(pl.len()).collect().item()
    if stateless:
        yield f"table 'files': {stateless:,} rows without status"
    unread = pl.col("status").is_in(["failed", "skipped", "not_dicom"]) & pl.col("code").is_null()
    codeless = frames["files"].filter(unread).select(pl.len()).collect().item()
    if codeless:
        yield f"table 'files': {codeless:,} files that were not read and have no code"


def _check_counts(frames: _Frames, report: VerifyReport) -> Iterator[str]:
    """Counts in are counts out, from files up to patients."""
    indexed = frames["files"].filter(pl.col("status") == FileStatus.INDEXED.value).select("url")
    instances = frames["instances"].select("url")
    yield from _both_ways(indexed, instances, ["url"], "indexed rows of files", "rows of instances")
    for table, key, column in (
        ("series", SERIES_KEY, "NumberOfSeriesRelatedInstances"),
        ("studies", STUDY_KEY, "NumberOfStudyRelatedInstances"),
        ("patients", PATIENT_KEY, "NumberOfPatientRelatedInstances"),
    ):
        counted = frames["instances"].group_by(list(key)).agg(pl.len().cast(pl.Int64).alias("counted"))
        joined = frames[table].join(counted, on=list(key), how="left", nulls_equal=True)
        wrong = joined.filter(pl.col("counted").ne_missing(pl.col(column))).select(pl.len()).collect().item()
        report.checked[f"counts of {table}"] = frames[table].select(pl.len()).collect().item()
        if wrong:
            yield f"table '{table}': {wrong:,} rows whose {column} is not what `instances` has"


def _check_parents(frames: _Frames, report: VerifyReport) -> Iterator[str]:
    """No instance without its series, study and patient, and none of these without an instance."""
    for table, key in (("series", SERIES_KEY), ("studies", STUDY_KEY), ("patients", PATIENT_KEY)):
        columns = list(key)
        children = frames["instances"].select(columns).unique()
        report.checked[f"parents in {table}"] = children.select(pl.len()).collect().item()
        parents = frames[table].select(columns)
        yield from _both_ways(children, parents, columns, "instances", f"rows of {table}")


def _check_duplicates(frames: _Frames, report: VerifyReport) -> Iterator[str]:
    """Every duplicate names an indexed file of the same instance."""
    duplicates = frames["files"].filter(pl.col("status") == FileStatus.DUPLICATE.value).select("duplicate_of", "SOPInstanceUID")
    kept = frames["files"].filter(pl.col("status") == FileStatus.INDEXED.value).select(duplicate_of="url", SOPInstanceUID="SOPInstanceUID")
    lost = duplicates.join(kept, on=["duplicate_of", "SOPInstanceUID"], how="anti").select(pl.len()).collect().item()
    report.checked["duplicates"] = duplicates.select(pl.len()).collect().item()
    if lost:
        yield f"table 'files': {lost:,} duplicates whose kept copy is no indexed file of the same instance"


def _both_ways(left: pl.LazyFrame, right: pl.LazyFrame, on: list[str], left_name: str, right_name: str) -> Iterator[str]:
    for one, other, one_name, other_name in ((left, right, left_name, right_name), (right, left, right_name, left_name)):
        alone = one.join(other, on=on, how="anti", nulls_equal=True).select(on).collect()
        if alone.height:
            yield f"{alone.height:,} {one_name} have no counterpart among {other_name} (by {', '.join(on)}{_examples(alone)})"


def _examples(rows: pl.DataFrame) -> str:
    """A few keys to look for; what verify says may end up in a ticket, so none that names a patient."""
    if not set(rows.columns).isdisjoint(PATIENT_KEY):
        return ""
    return ": " + "; ".join(", ".join(repr(value) for value in row) for row in rows.head(_SHOWN).iter_rows())
