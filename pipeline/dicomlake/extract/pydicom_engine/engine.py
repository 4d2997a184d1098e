"""The engine: reads files one after the other, slowly and obviously right. The native engine answers the same rows, and is held to these.

Of pydicom it uses what is knowledge rather than parsing: the dictionaries of PS3.6 and of private creators, the VRs, the character sets.
"""

from __future__ import annotations

from contextlib import closing

import pyarrow as pa

from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.extract.header_tree import HeaderTree
from dicomlake.extract.pydicom_engine.columns import ReadColumn
from dicomlake.extract.pydicom_engine.json_text import JsonRecorder
from dicomlake.extract.pydicom_engine.reading import HeaderReader
from dicomlake.extract.pydicom_engine.rows import UnitRows
from dicomlake.extract.pydicom_engine.tree import read_tree
from dicomlake.extract.pydicom_engine.wanted import WantedDataSet
from dicomlake.fetch import Opener
from dicomlake.schema import LakeSchema

_META_GROUP = 2


class PydicomEngine:
    """Reads headers; see ``dicomlake.extract.engine.Engine``."""

    def scan(self, files: pa.Table, request: ScanRequest) -> Scanned:
        """Read the headers of a unit of files.

        Args:
            files: columns ``url`` (string), ``file_size`` (int64, null where unknown), ``modified`` (timestamp[us, UTC]),
                ``etag`` (string); where they are there, those of ``dicomlake.plan.UNIT_SCHEMA`` that say where members of archives lie.
            request: what to read.

        Returns:
            A row of ``files`` for each file given, in that order; no file and no value in it raises.
        """
        rows = UnitRows(request, [ReadColumn.of(column, request.schema.partition_by) for column in request.schema.columns])
        listed = zip(*(files.column(name).to_pylist() for name in ("file_size", "etag")), strict=True)
        # Times stay numbers of microseconds: a time that Python's calendar can't hold is one that a file system can.
        modified = files.column("modified").cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
        with closing(Opener(request.storage_options, request.reading.header_limit, files)) as opener:
            reader = header_reader(request, opener)
            for url, time, (size, etag) in zip(files.column("url").to_pylist(), modified, listed, strict=True):
                recorder = JsonRecorder() if request.headers else None
                header = reader.read(url, size, recorder)
                rows.add(url, (size, time, etag), header, recorder.text() if recorder is not None else None)
        return rows.tables()

    def tree(self, url: str, request: ScanRequest) -> HeaderTree:
        """Read the whole header of one file; see ``dicomlake.extract.engine.Engine``."""
        with closing(Opener(request.storage_options, request.reading.header_limit)) as opener:
            return read_tree(url, header_reader(request, opener), request.schema)


def header_reader(request: ScanRequest, opener: Opener) -> HeaderReader:
    """A reader of what a request asks for."""
    schema: LakeSchema = request.schema
    paths = [(column.path.steps, index, False) for index, column in enumerate(schema.columns)]
    return HeaderReader(
        meta=WantedDataSet([path for path in paths if path[0][0].group == _META_GROUP]),
        data_set=WantedDataSet([path for path in paths if path[0][0].group != _META_GROUP]),
        columns=len(schema.columns),
        reading=request.reading,
        opener=opener,
    )
