"""An engine for the tests of everything above the engine: a header is a JSON object of columns.

A file that is no JSON is ``not_dicom``; a key ``code`` makes it a header read in part. So nights can be played with files of a few bytes.
The engine's version stands in every row that it reads, so that a row which should have been read again differs.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from dicomlake.errors import FileCode, FileStatus
from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.schema import entity_key

_OF_FRAMES = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")


class JsonEngine:
    """Reads JSON headers, and remembers which files it was given."""

    def __init__(self) -> None:
        self.read_urls: list[str] = []
        self.version = "json-1"
        self.failing: dict[str, FileCode] = {}

    def scan(self, files: pa.Table, request: ScanRequest) -> Scanned:
        """Read a unit of JSON headers."""
        file_rows: list[dict[str, Any]] = []
        instances: list[dict[str, Any]] = []
        findings: list[dict[str, Any]] = []
        frames: list[dict[str, Any]] = []
        for row in files.to_pylist():
            url = row["url"]
            self.read_urls.append(url)
            known = {**row, "bytes_read": 1, "requests": 1}
            if url in self.failing:
                file_rows.append({**known, "status": FileStatus.FAILED, "code": self.failing[url], "message": "it fails today"})
                continue
            try:
                header = json.loads(Path(url).read_text("utf-8"))
            except FileNotFoundError:
                file_rows.append({**known, "status": FileStatus.FAILED, "code": FileCode.UNREADABLE, "message": "it is gone"})
                continue
            except ValueError:
                file_rows.append({**known, "status": FileStatus.NOT_DICOM, "code": FileCode.NOT_DICOM, "message": "no JSON"})
                continue
            if header.get("kills"):
                os._exit(1)
            header.setdefault("SoftwareVersions", [self.version])
            digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()[:32]
            code = header.pop("code", None)
            keys = {"SOPInstanceUID": header["SOPInstanceUID"], "header_digest": digest}
            file_rows.append({**known, **keys, "status": FileStatus.INDEXED, "code": code})
            if request.headers:
                header["header_json"] = json.dumps(header, sort_keys=True)
            keys |= _keys(header)
            of_frames = {name: header.get(name) for name in _OF_FRAMES} | keys | {"url": url}
            frames += [{**frame, **of_frames, "frame_number": number} for number, frame in enumerate(header.pop("Frames", []), 1)]
            instances.append({**header, **keys, "url": url, "file_size": row["file_size"], "modified": row["modified"]})
            if code is not None:
                findings.append({"level": "file", "code": code, "url": url, **keys})
        rows = {"files": file_rows, "instances": instances, "findings": findings, "frames": frames}
        made = {name: pa.Table.from_pylist(rows[name], schema=request.scanned_schema(name)) for name in rows}
        return Scanned({**request.empty_tables(), **made})


def _keys(header: dict[str, Any]) -> dict[str, str]:
    study, series = header.get("StudyInstanceUID"), header.get("SeriesInstanceUID")
    return {
        "patient_key": entity_key(header.get("IssuerOfPatientID"), header.get("PatientID")),
        "study_key": entity_key(study),
        "series_key": entity_key(study, series),
    }
