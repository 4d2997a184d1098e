"""What was read of a unit's files into the three Arrow tables of the seam, column by column."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from dicomlake.errors import STATUS_OF_CODE, FileCode, FileStatus, FindingCode
from dicomlake.extract.derived import derived_columns
from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.extract.pydicom_engine.columns import CellValue, ReadColumn, Scalar
from dicomlake.extract.pydicom_engine.findings import FILE_LIMIT, KEYS_LIMIT, Finding
from dicomlake.extract.pydicom_engine.gathered import RawValue
from dicomlake.extract.pydicom_engine.levels import label_of_tag, tag_text
from dicomlake.extract.pydicom_engine.reading import HeaderRead
from dicomlake.extract.pydicom_engine.values import cell
from dicomlake.schema.keys import entity_key

REQUIRED = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "Modality")
"""Columns whose absence is a finding: the keys of the parents, and what tells the kind of an instance."""

_KEYS = frozenset({*REQUIRED, "SOPInstanceUID", "MediaStorageSOPInstanceUID"})

_KEY_COLUMNS = ("patient_key", "study_key", "series_key")

_READ_COLUMNS = (
    *_KEY_COLUMNS,
    "url",
    "file_size",
    "modified",
    "header_bytes",
    "header_digest",
    "pixel_data_keyword",
    "pixel_data_offset",
    "pixel_data_length",
    "private_creators",
    "header_json",
)
"""Columns of `instances` that are not of the header and not derived from it either."""

_FINDING_COLUMNS = (
    *_KEY_COLUMNS,
    "level",
    "code",
    "url",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "element_path",
    "tag",
    "byte_offset",
    "raw",
    "message",
)

Row = list[CellValue]


@dataclass(slots=True)
class UnitRows:
    """Gathers the rows of a unit. Files come in the order given."""

    request: ScanRequest
    columns: list[ReadColumn]
    _files: list[tuple[object, ...]] = field(default_factory=list)
    _headers: list[Row] = field(default_factory=list)
    _read: list[tuple[object, ...]] = field(default_factory=list)
    _syntaxes: list[str | None] = field(default_factory=list)
    _functional_groups: list[bool] = field(default_factory=list)
    _findings: list[tuple[object, ...]] = field(default_factory=list)
    _index: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index the columns by name."""
        self._index = {column.name: index for index, column in enumerate(self.columns)}

    def add(self, url: str, listed: tuple[int | None, object, str | None], header: HeaderRead, header_json: str | None) -> None:
        """Add a file.

        Args:
            url: its key.
            listed: size, modified time and etag as its listing says.
            header: what was read of it.
            header_json: where it was asked for.
        """
        size, modified, etag = listed
        size = header.size if size is None else size
        findings = header.found.findings
        row = header_row(self.columns, header, findings) if header.recognised else None
        uid = row[self._index["SOPInstanceUID"]] if row is not None else None
        defect = header.found.defect
        code = defect.code if defect is not None else (None if uid is not None else FileCode.MISSING_KEY)
        status = FileStatus.INDEXED if uid is not None or code is None else STATUS_OF_CODE[code]
        message, offset, path = None, None, None
        if defect is not None:
            message, offset, path = defect.message, defect.byte_offset, defect.element_path
        elif code is not None:
            message = "the file has no SOPInstanceUID"
        digest = header.digest if status is FileStatus.INDEXED else None
        self._files.append(
            (url, size, modified, etag, status, code, message, offset, path, uid, digest, header.bytes_read, header.requests)
        )
        if code is not None and status in (FileStatus.INDEXED, FileStatus.FAILED):
            findings.insert(0, Finding("file", code, message or "", path, None, offset))
        if status in (FileStatus.INDEXED, FileStatus.FAILED):
            keys = self._keys(row)
            entities = (None, None, None) if row is None or status is FileStatus.FAILED else self._entity_keys(row)
            for found in findings[: _most_findings(keys)]:
                self._findings.append(
                    (
                        *entities,
                        found.level,
                        found.code,
                        url,
                        *keys,
                        found.element_path,
                        found.tag,
                        found.byte_offset,
                        found.raw,
                        found.message,
                    )
                )
        if row is not None and status is FileStatus.INDEXED:
            self._headers.append(row)
            self._read.append((*self._entity_keys(row), url, size, modified, *_positions(header, size), header_json))
            self._syntaxes.append(header.syntax.uid if header.syntax is not None else None)
            self._functional_groups.append(header.has_functional_groups)

    def _keys(self, row: Row | None) -> tuple[CellValue, ...]:
        if row is None:
            return (None, None, None, None)
        return tuple(row[self._index[name]] for name in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID"))

    def _entity_keys(self, row: Row) -> tuple[str, ...]:
        issuer, patient, study, series = (
            value if isinstance(value := row[self._index[name]], str) else None
            for name in ("IssuerOfPatientID", "PatientID", "StudyInstanceUID", "SeriesInstanceUID")
        )
        return entity_key(issuer, patient), entity_key(study), entity_key(study, series)

    def tables(self) -> Scanned:
        """The tables of the unit."""
        return Scanned(
            {
                "files": _table(self.request.scanned_schema("files"), self._files),
                "instances": self._instances(),
                "findings": _table(self.request.scanned_schema("findings"), self._findings, _FINDING_COLUMNS),
            }
        )

    def _instances(self) -> pa.Table:
        schema = self.request.scanned_schema("instances")
        if not self._headers:
            return schema.empty_table()
        arrays: dict[str, pa.Array] = {}
        for column, values in zip(self.columns, zip(*self._headers, strict=True), strict=True):
            arrays[column.name] = pa.array(values, schema.field(column.name).type)
        for name, read in zip(_READ_COLUMNS, zip(*self._read, strict=True), strict=True):
            arrays[name] = pa.array(read, schema.field(name).type)
        arrays |= derived_columns(arrays, pa.array(self._syntaxes, pa.string()), pa.array(self._functional_groups, pa.bool_()))
        return pa.table([arrays[name] for name in schema.names], schema=schema)


def _most_findings(keys: tuple[CellValue, ...]) -> int:
    size = sum(len(key.encode("utf-8")) for key in keys if isinstance(key, str))
    return max(1, min(FILE_LIMIT, KEYS_LIMIT // size)) if size else FILE_LIMIT


def header_row(columns: list[ReadColumn], header: HeaderRead, findings: list[Finding]) -> Row:
    """The header columns of a file, each raw value typed by its column; what is wrong with them goes to ``findings``."""
    row: Row = []
    for column, raw in zip(columns, header.gathered.cells, strict=True):
        if raw is None:
            row.append(None)
        elif isinstance(raw, list):
            row.append([None if entry is None else _entry(column, entry, findings) for entry in raw])
        else:
            row.append(cell(column, raw, findings))
    index = {column.name: position for position, column in enumerate(columns) if column.name in _KEYS}
    if row[index["SOPInstanceUID"]] is None and row[index["MediaStorageSOPInstanceUID"]] is not None:
        row[index["SOPInstanceUID"]] = row[index["MediaStorageSOPInstanceUID"]]
        findings.append(_missing(columns[index["SOPInstanceUID"]], "it is absent or empty; that of the file meta is taken instead"))
    refused = {finding.element_path for finding in findings if finding.code == FindingCode.INVALID_CODE_STRING}
    findings.extend(
        _missing(columns[index[name]], "it is absent or empty") for name in REQUIRED if row[index[name]] is None and name not in refused
    )
    return row


def _missing(column: ReadColumn, message: str) -> Finding:
    return Finding("value", FindingCode.MISSING_REQUIRED, message, label_of_tag(column.tag), tag_text(column.tag))


def _entry(column: ReadColumn, raw: RawValue, findings: list[Finding]) -> Scalar:
    value = cell(column, raw, findings)
    return value[0] if isinstance(value, list) else value


def _positions(header: HeaderRead, size: int | None) -> tuple[object, ...]:
    """header_bytes, header_digest, pixel_data_keyword, pixel_data_offset, pixel_data_length, private_creators."""
    pixel_data = header.pixel_data
    deflated = header.syntax is not None and header.syntax.deflated
    creators = sorted({name for name in (header.top.creators or {}).values() if name}) if header.top is not None else []
    cut = header.found.defect is not None and header.found.defect.code is not FileCode.TRUNCATED
    if pixel_data is None:
        # Where reading broke off it is not known whether there is pixel data; a file that ends inside its header has none.
        return (None if deflated or cut else size, header.digest, None, None, None, creators)
    header_bytes = None if deflated else pixel_data.tag_position
    offset = None if deflated else pixel_data.value_position
    return (header_bytes, header.digest, pixel_data.keyword, offset, pixel_data.length, creators)


def _table(schema: pa.Schema, rows: list[tuple[object, ...]], names: tuple[str, ...] | None = None) -> pa.Table:
    if not rows:
        return schema.empty_table()
    columns = dict(zip(names or schema.names, zip(*rows, strict=True), strict=True))
    return pa.table([pa.array(columns[name], schema.field(name).type) for name in schema.names], schema=schema)
