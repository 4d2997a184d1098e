"""The engine ``pydicom``: pydicom reads, decodes and converts; the values that a column takes are chosen here.

On a file that pydicom reads without an exception its row of `instances` is that of the native engine. It reads whole values, so a value
larger than ``header_limit`` ends it. It promises less than the native engine in this:

* a file of which pydicom raises an exception is ``failed``: nothing before the damage is kept, and it has no byte offset;
* `findings` has the defects of values, and of a missing preamble or file meta; it has no odd-length, out-of-order, nor places of damage;
* a data set in another byte order than its file meta says, or a prefix DICM without its preamble, is not recognised.
"""

from __future__ import annotations

import zlib
from contextlib import closing
from typing import Any

import pyarrow as pa

from dicomlake.errors import STATUS_OF_CODE, FileCode, FileStatus, FindingCode
from dicomlake.extract.derived import DAYS_A_YEAR, derived_columns
from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.extract.header_tree import HeaderTree, Mark, codes_of_file, marked
from dicomlake.extract.inside import finished
from dicomlake.extract.inside.frame_header import FRAME_HEADER_COLUMNS
from dicomlake.extract.inside.frames import MultiFrame, multi_frame_rows
from dicomlake.extract.pydicom_engine.file import HeaderFile, is_dicom, without_warnings
from dicomlake.extract.pydicom_engine.header import Header
from dicomlake.extract.pydicom_engine.inside import RowsInside, functional_groups, rows_inside, tables_inside
from dicomlake.extract.pydicom_engine.level import Level, label_of_tag
from dicomlake.extract.pydicom_engine.values import Finding, column_value, value_finding
from dicomlake.extract.pydicom_engine.views import first_nodes, json_text
from dicomlake.fetch import ByteSource, Opener, ReadingStopped
from dicomlake.schema.dictionary import name_of_uid
from dicomlake.schema.keys import entity_key
from dicomlake.schema.types import arrow_type

_REQUIRED = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "Modality")
"""Columns whose absence is a finding: the keys of the parents, and the kind of an instance."""

_KEYS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")
_FINDINGS_LIMIT = 256
_TRUNCATED = "the file ends inside the header"
_DICOMDIR_UID = "1.2.840.10008.1.3.10"
_SYNTAX_OF_ENCODING = {(True, True): "1.2.840.10008.1.2", (False, True): "1.2.840.10008.1.2.1", (False, False): "1.2.840.10008.1.2.2"}
_ENCODING_OF_SYNTAX = {uid: encoding for encoding, uid in _SYNTAX_OF_ENCODING.items()}
_FUNCTIONAL_GROUPS = (0x52009229, 0x52009230)

Row = dict[str, Any]


class PydicomEngine:
    """Reads headers; see ``dicomlake.extract.engine.Engine``."""

    def scan(self, files: pa.Table, request: ScanRequest) -> Scanned:
        """Read the headers of a unit of files; see ``dicomlake.extract.engine.Engine``."""
        listed = files.select(["url", "file_size", "modified", "etag"])
        # Times stay numbers of microseconds: a file system can hold times that Python's calendar can't.
        listed = listed.set_column(2, "modified", listed["modified"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()))
        reads = []
        with closing(Opener(request.storage_options, request.reading.header_limit, files)) as opener, without_warnings():
            for row in listed.to_pylist():
                read = _FileRead(request, row)
                read.run(opener)
                reads.append(read)
                if request.count is not None:
                    request.count.add(1)
        rows = {"files": [read.row for read in reads], "findings": [row for read in reads for row in read.finding_rows()]}
        tables = {name: pa.Table.from_pylist(found, schema=request.scanned_schema(name)) for name, found in rows.items()}
        indexed = [(number, read) for number, read in enumerate(reads) if read.instance is not None]
        instances = [read.instance for _, read in indexed if read.instance is not None]
        of_instances = _instances(instances, request)
        multi_frame = None
        if request.frames.read:
            attributes = request.schema.frame_attributes
            groups = functional_groups([(number, read.inside.frames) for number, read in indexed], attributes)
            header = _frame_header(instances, [number for number, _ in indexed])
            multi_frame = MultiFrame(multi_frame_rows(of_instances, header, attributes), groups)
        tables |= tables_inside([(read.instance, read.inside) for _, read in indexed if read.instance is not None], request)
        return Scanned(finished({**request.empty_tables(), **tables, "instances": of_instances}, multi_frame, request))

    def tree(self, url: str, request: ScanRequest) -> HeaderTree:
        """Read the whole header of one file; see ``dicomlake.extract.engine.Engine``."""
        read = _FileRead(request, {"url": url, "file_size": None})
        with closing(Opener(request.storage_options, request.reading.header_limit)) as opener, without_warnings():
            read.run(opener)
            header = read.header
            found, is_whole = first_nodes(header.meta, header.top) if header is not None else ((), True)
        marks = [Mark(one["level"], one["code"], one.get("tag"), one.get("byte_offset")) for one in read.findings]
        return HeaderTree(
            url=url,
            nodes=marked(found, marks),
            complete=is_whole,
            transfer_syntax=_transfer_syntax(header)[0] if header is not None else None,
            pixel_data=label_of_tag(header.pixel_data[0]) if header is not None and header.pixel_data is not None else None,
            code=read.row.get("code"),
            message=read.row.get("message"),
            byte_offset=read.row.get("byte_offset"),
            element_path=None,
            file_codes=codes_of_file(marks),
        )


class _FileRead:
    """One file, from its listing to its rows."""

    def __init__(self, request: ScanRequest, listed: Row) -> None:
        self.row: Row = dict(listed)
        self.instance: Row | None = None
        self.findings: list[Finding] = []
        self.header: Header | None = None
        self.inside = RowsInside()
        self._request = request
        self._columns: Row = {}

    def run(self, opener: Opener) -> None:
        """Read the file. Its row has a status in the end; it has a code where something is wrong with the file as a whole."""
        source: ByteSource | None = None
        try:
            source = opener(self.row["url"], self.row["file_size"])
            self._read(source)
        except ReadingStopped as stopped:
            self._end(stopped.code, stopped.reason)
        finally:
            if source is not None:
                source.close()
                self.row |= {"bytes_read": source.bytes_read, "requests": source.requests}
                if self.row["file_size"] is None:
                    self.row["file_size"] = source.size
            self.row = {"bytes_read": 0, "requests": 0, **self.row}
        if self.instance is not None:
            self.instance |= {name: self.row.get(name) for name in ("url", "file_size", "modified")}

    def _read(self, source: ByteSource) -> None:
        if source.size == 0:
            raise ReadingStopped(FileCode.EMPTY_FILE, "the file is empty")
        file = HeaderFile(source, self._request.reading)
        if not file.data:
            raise ReadingStopped(FileCode.EMPTY_FILE, "the file is empty")
        if not is_dicom(file.data):
            raise ReadingStopped(FileCode.NOT_DICOM, "this is not a DICOM file")
        try:
            header = Header(file)
            self._take(header)
            self.header = header
        except Exception as error:  # pydicom raises whatever its parts raise
            if file.stopped is not None:
                raise file.stopped from None
            if isinstance(error, ReadingStopped | MemoryError):
                raise
            raise ReadingStopped(_code_of(error), f"pydicom can't read the header ({type(error).__name__})") from None

    def _take(self, header: Header) -> None:
        """Take the columns from a header."""
        schema = self._request.schema
        values: Row = {}
        for column in schema.columns:
            level = header.meta if column.path.steps[0].group == 2 else header.top
            is_partition = column.name in ("Modality", schema.partition_by)
            values[column.name] = column_value(column, column.path.steps, level, self.findings, is_partition=is_partition)
        if values["MediaStorageSOPClassUID"] == _DICOMDIR_UID or (
            not header.meta.elements and min(header.top.elements, default=0) >> 16 == 4
        ):
            self.findings.clear()
            raise ReadingStopped(FileCode.DICOMDIR, "this is a DICOMDIR, an index of other files")
        syntax = self._note_header(header)
        self._check_age(values, header.top)
        if values["SOPInstanceUID"] is None and values["MediaStorageSOPInstanceUID"] is not None:
            values["SOPInstanceUID"] = values["MediaStorageSOPInstanceUID"]
            self._missing("SOPInstanceUID", header.top, "it is absent or empty; that of the file meta is taken instead")
        refused = {finding["element_path"] for finding in self.findings if finding["code"] == FindingCode.INVALID_CODE_STRING}
        for name in _REQUIRED:
            if values[name] is None and name not in refused:
                self._missing(name, header.top, "it is absent or empty")
        self._columns = values
        cut_at = header.cut_at
        if values["SOPInstanceUID"] is None:
            code, message = FileCode.MISSING_KEY, "the file has no SOPInstanceUID"
            if cut_at is not None:
                code, message = FileCode.TRUNCATED, _TRUNCATED
            self._end(code, message)
        else:
            digest = header.digest()
            places = self._places(header)
            # Last, since pydicom forgets raw bytes as it goes through items.
            reads_frames = self._request.frames.read
            self.inside = rows_inside(header.top, self._request.schema.frame_attributes if reads_frames else ())
            for column in FRAME_HEADER_COLUMNS if reads_frames else ():
                values[column.name] = column_value(column, column.path.steps, header.top, self.findings)
            self.instance = {**values, **_entity_keys(values), **places, "header_digest": digest, "transfer_syntax": syntax}
            self.row |= {"status": FileStatus.INDEXED, "SOPInstanceUID": values["SOPInstanceUID"], "header_digest": digest}
            if cut_at is not None:
                self._end(FileCode.TRUNCATED, _TRUNCATED, None if header.is_deflated else cut_at)

    def _note_header(self, header: Header) -> str | None:
        """Note the findings about the file as a whole, and answer its transfer syntax."""
        if not header.has_preamble:
            self._file_finding(FindingCode.MISSING_PREAMBLE, "the file has no preamble with DICM (PS3.10 7.1)")
        if not header.meta.elements:
            self._file_finding(FindingCode.MISSING_FILE_META, "the file has no meta information, group 2 (PS3.10 7.1)")
        syntax, is_declared = _transfer_syntax(header)
        if not is_declared:
            self._file_finding(FindingCode.WRONG_TRANSFER_SYNTAX, f"the data set is in {name_of_uid(syntax or '')}, not as its meta says")
        if header.trailing_at is not None:
            self._file_finding(FindingCode.TRAILING_BYTES, "bytes follow the last element")
        for level in header.top.levels():
            if not level.has_standard_character_set:
                self.findings.append(value_finding(FindingCode.NONSTANDARD_CHARACTER_SET, 0x00080005, level))
        return syntax

    def _check_age(self, values: Row, top: Level) -> None:
        """The age by the dates of birth and study."""
        birth, study = values["PatientBirthDate"], values["StudyDate"]
        if birth is not None and study is not None and not 0 <= (study - birth).days / DAYS_A_YEAR <= 130:
            message = "by birth date and study date the patient is above 130 years old, or below 0"
            finding = value_finding(FindingCode.IMPLAUSIBLE_AGE, 0x00100030, top, message)
            self.findings.append({**finding, "raw": None, "byte_offset": None})

    def _places(self, header: Header) -> Row:
        pixel_data, is_deflated = header.pixel_data, header.is_deflated
        length = pixel_data[2] if pixel_data is not None else None
        creators = {
            name for group in {tag >> 16 for tag in header.top.elements if tag & 0x10000} for name in header.top.creators(group).values()
        }
        return {
            "header_bytes": None if is_deflated else header.stopped_at if pixel_data is not None else len(header.data),
            "pixel_data_keyword": label_of_tag(pixel_data[0]) if pixel_data is not None else None,
            "pixel_data_offset": header.pixel_data_offset(),
            "pixel_data_length": None if length == 0xFFFFFFFF else length,
            "private_creators": sorted(creators - {""}),
            "header_json": json_text(header.top) if self._request.headers else None,
            "functional_groups": any(header.top.items(tag) is not None for tag in _FUNCTIONAL_GROUPS),
        }

    def _end(self, code: FileCode, message: str, byte_offset: int | None = None) -> None:
        """Give the file its code; where nothing was kept of it, also the status of that code."""
        if self.instance is None:
            self.row |= {"status": STATUS_OF_CODE[code], "header_digest": None}
        self.row |= {"code": code, "message": message, "byte_offset": byte_offset}
        self.findings.insert(0, {"level": "file", "code": code, "message": message, "byte_offset": byte_offset})

    def finding_rows(self) -> list[Row]:
        """The rows of `findings`: a file that is not DICOM, or is skipped, has none."""
        if self.row["status"] not in (FileStatus.INDEXED, FileStatus.FAILED):
            return []
        keys = {"url": self.row["url"], **{name: self._columns.get(name) for name in _KEYS}}
        if self.instance is not None:
            keys |= _entity_keys(self._columns)
        return [{**finding, **keys} for finding in self.findings[:_FINDINGS_LIMIT]]

    def _file_finding(self, code: FindingCode, message: str) -> None:
        self.findings.append({"level": "file", "code": code, "message": message})

    def _missing(self, name: str, top: Level, message: str) -> None:
        tag = next(column.path.leaf.tag for column in self._request.schema.columns if column.name == name)
        finding = value_finding(FindingCode.MISSING_REQUIRED, tag, top, message)
        self.findings.append({**finding, "raw": None, "byte_offset": None})


def _entity_keys(values: Row) -> Row:
    """The columns by which tables join."""
    study, series = values["StudyInstanceUID"], values["SeriesInstanceUID"]
    patient = entity_key(values["IssuerOfPatientID"], values["PatientID"])
    return {"patient_key": patient, "study_key": entity_key(study), "series_key": entity_key(study, series)}


def _transfer_syntax(header: Header) -> tuple[str | None, bool]:
    """The transfer syntax in which the header was read, and whether it is the one that its meta says."""
    uid = header.meta.dataset.get("TransferSyntaxUID")
    encoding = (header.is_implicit, header.is_little)
    if header.is_empty or (uid and (header.is_deflated or _ENCODING_OF_SYNTAX.get(uid, (False, True)) == encoding)):
        return (str(uid) if uid else None), True
    return _SYNTAX_OF_ENCODING.get(encoding), not uid


def _code_of(error: Exception) -> FileCode:
    if isinstance(error, RecursionError) or isinstance(error.__context__, RecursionError):
        return FileCode.NESTING_TOO_DEEP
    if isinstance(error, zlib.error):
        return FileCode.CORRUPT_DEFLATE
    return FileCode.TRUNCATED if isinstance(error, EOFError | OSError) else FileCode.CORRUPT_ELEMENT


def _instances(rows: list[Row], request: ScanRequest) -> pa.Table:
    schema = request.scanned_schema("instances")
    table = pa.Table.from_pylist(rows, schema=schema)
    header = {name: table[name].combine_chunks() for name in schema.names}
    syntaxes = pa.array([row["transfer_syntax"] for row in rows], pa.string())
    functional_groups = pa.array([row["functional_groups"] for row in rows], pa.bool_())
    columns = header | derived_columns(header, syntaxes, functional_groups)
    return pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


def _frame_header(rows: list[Row], files: list[int]) -> dict[str, pa.Array]:
    """The columns of ``FRAME_HEADER_NAMES``."""
    columns = {column.name: pa.array([row[column.name] for row in rows], arrow_type(column.type)) for column in FRAME_HEADER_COLUMNS}
    columns["functional_groups"] = pa.array([row["functional_groups"] for row in rows], pa.bool_())
    return {"file": pa.array(files, pa.uint32()), **columns}
