"""Holding a lake against its own rules: keys, counts, parents and children, part files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import polars as pl
from deltalake.exceptions import DeltaError

from dicomlake.errors import DicomlakeError, FileStatus, FindingCode, LakeDamaged
from dicomlake.lake.log.history import read_history
from dicomlake.lake.read.reader import Lake
from dicomlake.parts import Location, part_sizes, refused_by_system
from dicomlake.rollup.references import LEVELS, TARGET_COLUMNS, is_judged, target_level, target_uid
from dicomlake.schema import LakeSchema, TableDeclaration, WrittenBy

_OTHER_COLUMNS = {"files": ("status", "code", "duplicate_of", "SOPInstanceUID"), "findings": ("code",)}
_REFERENCES = "instance_references"
_LOOKED_AT = {
    "instances": tuple(LEVELS.values()),
    "findings": ("series_key",),
    _REFERENCES: ("series_key", "relation", "in_lake", *TARGET_COLUMNS),
}
"""Columns that only the check of references needs."""

_ROWS_IN_MEMORY = 1_000_000
_SHOWN = 3
_FAILURES = (DicomlakeError, pl.exceptions.PolarsError, OSError)
_IS_INDEXED = pl.col("status") == FileStatus.INDEXED.value
_Frames = dict[str, pl.LazyFrame]


@dataclass
class VerifyReport:
    """The result: ``defects``, ``notes`` (which make no lake defective), and how many rows or files each check looked at."""

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
        AccessDenied: this user may not read all of it.
    """
    report = VerifyReport()
    try:
        lake = Lake(location.url, location.storage_options)
    except LakeDamaged as error:
        report.defects.append(str(error))
        return report
    schema = LakeSchema.build()
    tables = [table for table in schema.tables if table.name in lake.table_versions or table.written_by is WrittenBy.RUN]
    _check_part_files(lake, tables, report)
    if report.defects:
        # Queries over tables that lack part files would say the same once more, less clearly.
        return report
    try:
        frames = _frames(lake, schema, tables, report)
        for check in (_check_keys, _check_counts, _check_parents, _check_duplicates, _check_references):
            report.defects += _carried_out(check, frames, tables, report)
    except _FAILURES as error:
        report.defects.append(_failed(error))
    return report


_Check = Callable[[_Frames, list[TableDeclaration], VerifyReport], Iterator[str]]


def _carried_out(check: _Check, frames: _Frames, tables: list[TableDeclaration], report: VerifyReport) -> Iterator[str]:
    try:
        yield from check(frames, tables, report)
    except _FAILURES as error:
        yield _failed(error)


def _failed(error: Exception) -> str:
    return f"a check can't be carried out: {' '.join(str(error).split())[:300]}"


def _frames(lake: Lake, schema: LakeSchema, tables: list[TableDeclaration], report: VerifyReport) -> _Frames:
    """The columns that checks look at. Of a small lake they are read once for all checks; of a large one each check reads its own.

    A table that can't be read is a defect, and looks empty to the checks.
    """
    entity_keys = [name for table in schema.levels for name in table.key]
    frames: _Frames = {}
    for table in tables:
        columns = [*table.key, *_OTHER_COLUMNS.get(table.name, ()), *_LOOKED_AT.get(table.name, ())]
        if table.written_by is WrittenBy.UNIT:
            columns.append("url")
        if table.entity is not None:
            columns.append(table.entity.instance_count)
        if table.entity is not None or table.name == "instances":
            columns += [name for name in entity_keys if name in table.own_names()]
        frames[table.name] = lake.table(table.name).select(list(dict.fromkeys(columns)))
    if sum(part.rows for name in frames for part in lake.parts(name)) > _ROWS_IN_MEMORY:
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


def _check_part_files(lake: Lake, tables: list[TableDeclaration], report: VerifyReport) -> None:
    """Every part file that a table names exists with its recorded size; others are noted."""
    location = lake.location
    named = 0
    for name in (table.name for table in tables):
        if refused := refused_by_system(location, name):
            raise refused  # nobody can say that a table is defective who may not read it
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


def _check_keys(frames: _Frames, tables: list[TableDeclaration], report: VerifyReport) -> Iterator[str]:
    """Keys are whole and stand once; a finding has its code, and a file its status."""
    for name, key in ((table.name, list(table.key)) for table in tables):
        if key:
            counts = frames[name].group_by(key).agg(pl.len().alias("rows")).select(pl.len(), pl.col("rows").sum()).collect()
            entities, rows = counts.row(0)
            report.checked[f"rows of {name}"] = rows or 0
            if rows and rows != entities:
                yield f"table '{name}': {rows - entities:,} rows more than there are values of {', '.join(key)}, which is its key"
        for column in key or _OTHER_COLUMNS.get(name, ()):
            absent = _count(frames[name].filter(pl.col(column).is_null()))
            if absent:
                yield f"table '{name}': {absent:,} rows without {column}"
    stateless = _count(frames["files"].filter(pl.col("status").is_null()))
    if stateless:
        yield f"table 'files': {stateless:,} rows without status"
    unread = pl.col("status").is_in(["failed", "skipped", "not_dicom"]) & pl.col("code").is_null()
    codeless = _count(frames["files"].filter(unread))
    if codeless:
        yield f"table 'files': {codeless:,} files that were not read and have no code"


def _check_counts(frames: _Frames, tables: list[TableDeclaration], report: VerifyReport) -> Iterator[str]:
    """Counts in are counts out, from files up to patients; every row is of a file that is there, and of the kept copy where it must."""
    indexed = frames["files"].filter(_IS_INDEXED)
    there = frames["files"].filter(pl.col("status") != FileStatus.MISSING.value)
    yield from _alone(indexed, frames["instances"], "url", "indexed rows of files", "rows of instances")
    for table in tables:
        if table.written_by is WrittenBy.UNIT and table.name != "files":
            rows = frames[table.name].filter(pl.col("url").is_not_null())
            files, named = (indexed, "indexed rows of files") if table.drops_copies else (there, "files that are there")
            yield from _alone(rows, files, "url", f"rows of {table.name}", named)
        if table.entity is not None:
            key, column = list(table.key), table.entity.instance_count
            counted = frames["instances"].group_by(key).agg(pl.len().cast(pl.Int64).alias("counted"))
            wrong = _count(frames[table.name].join(counted, on=key, how="left").filter(pl.col("counted").ne_missing(pl.col(column))))
            report.checked[f"counts of {table.name}"] = _count(frames[table.name])
            if wrong:
                yield f"table '{table.name}': {wrong:,} rows whose {column} is not what `instances` has"


def _check_parents(frames: _Frames, tables: list[TableDeclaration], report: VerifyReport) -> Iterator[str]:
    """No instance without its series, study and patient, none of these without an instance, and none without its own parents."""
    levels = [table for table in tables if table.entity is not None]
    for table in levels:
        (key,) = table.key
        children = frames["instances"].select(key).unique()
        report.checked[f"parents in {table.name}"] = _count(children)
        yield from _alone(children, frames[table.name], key, "instances", f"rows of {table.name}")
        yield from _alone(frames[table.name], children, key, f"rows of {table.name}", "instances")
        for child in levels:
            if child is not table and key in child.own_names():
                yield from _alone(frames[child.name], frames[table.name], key, f"rows of {child.name}", f"rows of {table.name}")


def _check_duplicates(frames: _Frames, _tables: list[TableDeclaration], report: VerifyReport) -> Iterator[str]:
    """Every duplicate names an indexed file of the same instance."""
    duplicates = frames["files"].filter(pl.col("status") == FileStatus.DUPLICATE.value).select("duplicate_of", "SOPInstanceUID")
    kept = frames["files"].filter(_IS_INDEXED).select(duplicate_of="url", SOPInstanceUID="SOPInstanceUID")
    lost = _count(duplicates.join(kept, on=["duplicate_of", "SOPInstanceUID"], how="anti"))
    report.checked["duplicates"] = _count(duplicates)
    if lost:
        yield f"table 'files': {lost:,} duplicates whose kept copy is not an indexed file of the same instance"


def _check_references(frames: _Frames, _tables: list[TableDeclaration], report: VerifyReport) -> Iterator[str]:
    """`in_lake` says where it must whether the target is there, and each series with a target that is not has its finding."""
    if _REFERENCES not in frames:
        return
    rows = frames[_REFERENCES].select("series_key", "in_lake", judged=is_judged(), level=target_level(), uid=target_uid())
    report.checked["references"] = _count(rows)
    unsaid = _count(rows.filter(pl.col("judged") != pl.col("in_lake").is_not_null()))
    if unsaid:
        yield f"table '{_REFERENCES}': {unsaid:,} rows whose in_lake is null where it must not be, or is not where it must"
    for level, name in LEVELS.items():
        there = frames["instances"].select(uid=name).drop_nulls().unique().with_columns(is_there=pl.lit(value=True))
        of_level = rows.filter(pl.col("in_lake").is_not_null() & (pl.col("level") == level)).join(there, on="uid", how="left")
        wrong = _count(of_level.filter(pl.col("in_lake") != pl.col("is_there").fill_null(value=False)))
        if wrong:
            yield f"table '{_REFERENCES}': {wrong:,} rows whose in_lake is wrong: `instances` says otherwise of their {level}"
    dangling = rows.filter(pl.col("in_lake").not_()).select("series_key").unique()
    found = frames["findings"].filter(pl.col("code") == FindingCode.DANGLING_REFERENCE.value).select("series_key").unique()
    yield from _alone(dangling, found, "series_key", "series with references without target", "findings")
    yield from _alone(found, dangling, "series_key", "series with findings of such references", f"rows of {_REFERENCES}")


def _alone(rows: pl.LazyFrame, others: pl.LazyFrame, on: str, name: str, others_name: str) -> Iterator[str]:
    """Rows without a counterpart among others, with a few keys to look for; none of a patient, since a ticket may hold the message."""
    alone = rows.join(others, on=on, how="anti").select(on).collect()
    if alone.height:
        examples = "" if on == "patient_key" else ": " + ", ".join(map(repr, alone[on].head(_SHOWN)))
        yield f"{alone.height:,} {name} have no counterpart among {others_name} (by {on}{examples})"


def _count(rows: pl.LazyFrame) -> int:
    return int(rows.select(pl.len()).collect().item())
