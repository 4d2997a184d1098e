"""The native engine: headers read, decoded and typed in Rust (`pipeline/core`), one call for a unit of files.

What follows from header columns by a formula is made here, by the same code as for every engine (`derived`).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import dicomlake.schema
from dicomlake._core import ScanPlan
from dicomlake.extract.derived import derived_columns
from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.extract.header_tree import HeaderNode, HeaderTree, Mark, codes_of_file, marked, printable, shown_value
from dicomlake.extract.inside import finished
from dicomlake.extract.inside.frame_header import FRAME_HEADER_COLUMNS
from dicomlake.extract.inside.frames import MultiFrame, multi_frame_rows
from dicomlake.fetch import Opener
from dicomlake.schema import AttributePath, LakeSchema
from dicomlake.schema.dictionary import entry_of_tag
from dicomlake.stores import make_room_for_connections, stores_of

if TYPE_CHECKING:
    from dicomlake._core import Column, Files, FrameAttribute, Node, Step

_Rows = TypeVar("_Rows", pa.Table, pa.RecordBatch)

_OF_LISTING = ("url", "modified", "etag")


class NativeEngine:
    """Reads headers; see ``dicomlake.extract.engine.Engine``."""

    def scan(self, files: pa.Table, request: ScanRequest) -> Scanned:
        """Read the headers of a unit of files.

        Args:
            files: columns ``url`` (string), ``file_size`` (int64, null where unknown), ``modified`` (timestamp[us, UTC]),
                ``etag`` (string); where they are there, those of ``dicomlake.plan.UNIT_SCHEMA`` that say where members of archives lie.
            request: what to read.

        Returns:
            A row of ``files`` for each file given, in that order; no file and no value in it raises.

        Raises:
            AccessDenied: an object store refuses, or answers, for no object at all.
            ConfigurationError: ``storage_options`` can't be used.
        """
        # Signals are heard by the main thread alone; others need not take the interpreter for them.
        is_main = threading.current_thread() is threading.main_thread()
        stores = stores_of(_one_array(files["url"]), request.storage_options)
        in_core = [store.as_tuple() for store in stores]
        if in_core:
            make_room_for_connections()
        with closing(Opener(request.storage_options, request.reading.header_limit, files)) as opener:
            count = None if request.count is None else request.count.core
            answered, no_access = scan_plan(request).scan(unit_of(files), opener, is_main, in_core, count)
        if no_access is not None:
            store, trouble, reason = no_access
            raise stores[store].no_access(trouble, reason)
        batches = {name: [pa.record_batch(batch) for batch in of_table] for name, of_table in answered}
        rows = pa.Table.from_batches(batches.pop("files"))
        findings = batches.pop("findings")
        rows = _in_order(rows)
        batches = {name: [_in_order(batch) for batch in of_table] for name, of_table in batches.items()}
        instances = batches.pop("instances")
        listed = {name: _one_array(files[name]) for name in _OF_LISTING} | {"file_size": _one_array(rows["file_size"])}
        schema = request.scanned_schema("instances")
        of_findings = request.scanned_schema("findings")
        # Batch by batch: together they may hold more text than one Arrow array can.
        made = [_instances(batch, listed, schema) for batch in instances]
        groups = batches.pop("frames", None)
        multi_frame = None
        if groups is not None:
            attributes = request.schema.frame_attributes
            of_files = [multi_frame_rows(rows, read, attributes) for read, rows in zip(instances, made, strict=True)]
            multi_frame = MultiFrame(pa.concat_tables(of_files), pa.Table.from_batches(groups))
        tables = {
            **request.empty_tables(),
            "files": _files(rows, files, request),
            "instances": pa.Table.from_batches(made, schema),
            "findings": pa.Table.from_batches(findings).select(of_findings.names).cast(of_findings),
            **{name: _taken(of_table, listed, request.scanned_schema(name)) for name, of_table in batches.items()},
        }
        return Scanned(finished(tables, multi_frame, request))

    def tree(self, url: str, request: ScanRequest) -> HeaderTree:
        """Read the whole header of one file; see ``dicomlake.extract.engine.Engine``."""
        with closing(Opener(request.storage_options, request.reading.header_limit)) as opener:
            read = scan_plan(request).tree(url, opener)
        code, message, byte_offset, element_path = read.defect or (None, None, None, None)
        marks = [Mark(*finding) for finding in read.findings]
        return HeaderTree(
            url=url,
            nodes=marked([_node(node) for node in read.nodes], marks),
            complete=read.complete,
            transfer_syntax=read.transfer_syntax,
            pixel_data=read.pixel_data,
            code=code,
            message=message,
            byte_offset=byte_offset,
            element_path=printable(element_path) if element_path else None,
            file_codes=codes_of_file(marks),
        )


def unit_of(files: pa.Table) -> Files:
    """The columns ``url`` and ``file_size`` of a unit, as the compiled part takes them: ends of the urls, the urls, and sizes."""
    urls = _one_array(files["url"].cast(pa.large_string()))
    if not len(urls):
        return b"", b"", b""
    sizes = pc.fill_null(_one_array(files["file_size"].cast(pa.int64())), -1)
    _, offsets, text = urls.buffers()
    ends = np.frombuffer(offsets, np.int64)[urls.offset : urls.offset + len(urls) + 1]
    return (ends[1:] - ends[0]).tobytes(), text.slice(ends[0], ends[-1] - ends[0]).to_pybytes(), sizes.to_numpy().tobytes()


def scan_plan(request: ScanRequest) -> ScanPlan:
    """A request, as the compiled part takes it."""
    reading = request.reading
    reads_frames = request.frames.read and any(table.has_frame_attributes for table in request.schema.tables)
    return ScanPlan(
        plan_columns(request.schema, FRAME_HEADER_COLUMNS if reads_frames else ()),
        reading.first_read,
        reading.header_limit,
        reading.file_seconds_limit,
        request.headers,
        reading.requests_in_flight,
        tables=[table.name for table in request.schema.unit_tables],
        frame_attributes=_plan_attributes(request.schema) if reads_frames else None,
    )


def plan_columns(schema: LakeSchema, more: Sequence[dicomlake.schema.Column] = ()) -> list[Column]:
    """The columns of a schema, and more, as the compiled part takes them."""
    return [
        (
            column.name,
            column.path.leaf.tag,
            column.vr,
            column.type,
            (column.name in ("Modality", schema.partition_by), column.vm == "1"),
            _plan_path(column.path),
        )
        for column in (*schema.columns, *more)
    ]


def _plan_attributes(schema: LakeSchema) -> list[FrameAttribute]:
    return [(one.name, one.vr, one.type, [_plan_path(path) for path in one.paths]) for one in schema.frame_attributes]


def _plan_path(path: AttributePath) -> list[Step]:
    return [(step.tag, step.creator, step.item) for step in path.steps]


def _node(node: Node) -> HeaderNode:
    tag, vr, creator, value, length, byte_offset, depth, item = node
    entry = entry_of_tag(tag) if item is None else None
    keyword = f"Item [{item}]" if item is not None else entry.keyword if entry is not None else ""
    return HeaderNode(
        tag=f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
        vr=vr,
        keyword=keyword,
        creator=printable(creator) if creator is not None else None,
        value=shown_value(value) if value is not None else None,
        length=length,
        byte_offset=byte_offset,
        depth=depth,
    )


def _in_order(rows: _Rows) -> _Rows:
    """Rows in the order of their files: objects, and files of a slow disk, are read side by side and end in any order."""
    files = rows["file"].to_numpy(zero_copy_only=False) if isinstance(rows, pa.RecordBatch) else rows["file"].to_numpy()
    if np.all(files[:-1] <= files[1:]):
        return rows
    return rows.take(pa.array(np.argsort(files, kind="stable")))


def _files(read: pa.Table, listed: pa.Table, request: ScanRequest) -> pa.Table:
    schema = request.scanned_schema("files")
    columns = [listed[field.name] if field.name in _OF_LISTING else read[field.name] for field in schema]
    return pa.table([column.cast(field.type) for column, field in zip(columns, schema, strict=True)], schema=schema)


def _instances(read: pa.RecordBatch, listed: Mapping[str, pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    header = dict(zip(read.schema.names, read.columns, strict=True))
    file = header.pop("file")
    arrays = {
        **header,
        **derived_columns(header, header["transfer_syntax"], header["functional_groups"]),
        **{name: listed[name].take(file) for name in ("url", "modified", "file_size")},
    }
    return pa.record_batch([arrays[field.name].cast(field.type) for field in schema], schema=schema)


def _taken(read: list[pa.RecordBatch], listed: Mapping[str, pa.Array], schema: pa.Schema) -> pa.Table:
    """The rows of a table that a row taker of the core made, each with the url of its file; columns that others fill are null."""
    batches = []
    for batch in read:
        arrays = {**dict(zip(batch.schema.names, batch.columns, strict=True)), "url": listed["url"].take(batch["file"])}
        columns = [arrays[field.name].cast(field.type) if field.name in arrays else pa.nulls(len(batch), field.type) for field in schema]
        batches.append(pa.record_batch(columns, schema=schema))
    return pa.Table.from_batches(batches, schema)


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
