"""One unit of work, from a list of files to part files: what a worker does.

The answer is small whatever the unit holds: the part files it wrote, and counts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.archives import located
from dicomlake.errors import STATUS_OF_CODE, FileCode
from dicomlake.extract.engine import Engine, Scanned, ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.extract.kept import KeptRows
from dicomlake.fetch import open_file
from dicomlake.parts import Location, PartFile, write_parts, write_sorted

if TYPE_CHECKING:
    from dicomlake.rollup import UnitRollUp

_OF_LISTING = ("url", "file_size", "modified", "etag", "member_offset", "member_bytes", "member_packing", "archive_version")


@dataclass(frozen=True)
class UnitTask:
    """A unit of work. ``files`` has the columns of ``dicomlake.plan.UNIT_SCHEMA``; ``rolls_up`` says whether its rows are rolled up too."""

    number: int
    files: pa.Table
    engine: str
    request: ScanRequest
    lake: Location
    snapshot: int
    rolls_up: bool = True


@dataclass(frozen=True)
class UnitResult:
    """The result of a unit: its part files by table, counts by status and by code, and its cost (CPU seconds).

    ``roll_up`` is that of its own rows, or None where it was not asked for or there are none.
    """

    number: int
    parts: tuple[PartFile, ...]
    files: int
    statuses: dict[str, int]
    codes: dict[str, int]
    bytes_read: int
    requests: int
    engine_seconds: float
    writing_seconds: float
    findings: dict[str, int] = field(default_factory=dict)
    roll_up: UnitRollUp | None = None

    def of_table(self, name: str) -> list[PartFile]:
        """The part files of one table."""
        return [part for part in self.parts if part.table == name]


def run_unit(task: UnitTask) -> UnitResult:
    """Read the headers of a unit's files and write the rows as part files of the lake; nothing is committed.

    Raises:
        AccessDenied: the lake can't be written.
    """
    started = time.thread_time()
    task = replace(task, files=located_members(task.files, task.request))
    scanned = _judged(scan_unit(make_engine(task.engine), task.files, task.request))
    read = time.thread_time()
    kept = KeptRows.of(scanned) if scanned.instances.num_rows else None
    parts = _write(task, scanned if kept is None else kept.with_stacks(scanned))
    written = time.thread_time()
    roll_up = kept.rolled_up(task.request.schema, task.lake, task.snapshot, parts) if task.rolls_up and kept is not None else None
    return UnitResult(
        number=task.number,
        parts=tuple(parts),
        files=scanned.files.num_rows,
        statuses=_counts(scanned.files["status"]),
        codes=_counts(scanned.files["code"]),
        bytes_read=pc.sum(scanned.files["bytes_read"]).as_py() or 0,
        requests=pc.sum(scanned.files["requests"]).as_py() or 0,
        engine_seconds=read - started,
        writing_seconds=written - read,
        findings=_counts(scanned.findings["code"]),
        roll_up=roll_up,
    )


def located_members(files: pa.Table, request: ScanRequest) -> pa.Table:
    """The files of a unit; members of archives of which the plan knew only the urls are looked up in their archives."""
    return located(files, lambda url, size: open_file(url, request.storage_options, size))


def scan_unit(engine: Engine, files: pa.Table, request: ScanRequest) -> Scanned:
    """Scan the files that the listing could read; those that it couldn't get their row from the listing.

    The rows of ``files`` stay in the order given.
    """
    listed = [name for name in _OF_LISTING if name in files.schema.names]
    if files["code"].null_count == files.num_rows:
        return engine.scan(files.select(listed), request)
    readable = pc.is_null(files["code"])
    scanned = engine.scan(files.filter(readable).select(listed), request)
    rejected = _rejected_rows(files.filter(pc.invert(readable)), request)
    if request.count is not None:
        request.count.add(rejected.num_rows)
    rows = pa.concat_tables([scanned.files, rejected])
    order = pc.index_in(files["url"], value_set=rows["url"].combine_chunks())
    return Scanned({**scanned.tables, "files": rows.take(order)})


def killed_result(task: UnitTask) -> UnitResult:
    """The result of a unit of one file that killed every worker that read it: a row that says so."""
    rows = task.files.set_column(
        task.files.schema.get_field_index("code"), "code", pa.array([FileCode.WORKER_KILLED.value] * task.files.num_rows)
    )
    message = "the process that read this file died each time; it is read again when it changes, or with --full"
    rows = rows.set_column(rows.schema.get_field_index("message"), "message", pa.array([message] * rows.num_rows))
    files = _rejected_rows(rows, task.request)
    nothing = Scanned({**task.request.empty_tables(), "files": files})
    return UnitResult(
        task.number, tuple(_write(task, nothing)), files.num_rows, _counts(files["status"]), _counts(files["code"]), 0, 0, 0.0, 0.0
    )


def _rejected_rows(files: pa.Table, request: ScanRequest) -> pa.Table:
    """Rows of `files` for entries that no engine opens: their code says what became of them."""
    schema = request.scanned_schema("files")
    statuses = [STATUS_OF_CODE[FileCode(code)].value for code in files["code"].to_pylist()]
    given = {"status": pa.array(statuses, pa.string())} | {
        # The cost of listing an archive, before there was a unit.
        name: pc.fill_null(files[name], 0) if name in files.schema.names else pa.array([0] * files.num_rows, pa.int64())
        for name in ("bytes_read", "requests")
    }
    columns = [
        given.get(field.name, files[field.name] if field.name in files.schema.names else pa.nulls(files.num_rows, field.type))
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _judged(scanned: Scanned) -> Scanned:
    """The rows with `in_lake` of references filled by the unit's own instances."""
    if scanned.tables["instance_references"].num_rows == 0:
        return scanned
    from dicomlake.rollup.references import judged_in_unit  # noqa: PLC0415 - a unit without references starts sooner without polars

    return Scanned(judged_in_unit(scanned.tables))


def _write(task: UnitTask, scanned: Scanned) -> list[PartFile]:
    schema = task.request.schema
    written: list[PartFile] = []
    for table in schema.unit_tables:
        rows = scanned.tables[table.name]
        of_run = pa.repeat(pa.scalar(task.snapshot, pa.int64()), rows.num_rows)
        given = {"snapshot": of_run}
        if table.name == "files":
            given = {"source": task.files["source"], "first_snapshot": task.files["first_snapshot"], "last_snapshot": of_run}
        whole = _with_columns(rows, schema.table(table.name), given)
        if table.name == "files":  # the listing's order is that of the table, except that members follow their archive
            written += write_parts(task.lake, table.name, whole)
            continue
        # An engine answers rows in several batches where one array could not hold their text: these are sorted and written one by one.
        for batch in whole.to_batches():
            sortable = pa.Table.from_batches([batch])
            written += write_sorted(task.lake, table.name, sortable, table.order, partition_by=schema.partition_of(table.name))
    return written


def _with_columns(rows: pa.Table, schema: pa.Schema, given: dict[str, pa.ChunkedArray | pa.Array]) -> pa.Table:
    names = set(rows.schema.names)
    columns = [
        given[field.name] if field.name in given else rows[field.name] if field.name in names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    return {entry["values"]: entry["counts"] for entry in pc.value_counts(column).to_pylist() if entry["values"] is not None}
