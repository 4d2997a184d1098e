"""Scanning bytes and files the way `extract` is called.

A test that scans takes the fixture `engine` (through `scan_bytes`, or by ``pytest.mark.usefixtures``): the native engine, or with
`both_engines` each engine in turn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pydicom
import pytest

from dicomlake.extract.engine import Engine, Scanned, ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.limits import ReadingLimits
from dicomlake.schema import Column, LakeSchema

SCHEMA = LakeSchema.build()
ENGINES = ("native", "pydicom")
both_engines = pytest.mark.parametrize("engine", ENGINES, indirect=True, scope="module")

_in_use: list[Engine] = []


@dataclass(frozen=True)
class ScannedFile:
    """What the engine answers for one file: its row of `files`, of `instances` (None where it has none), and its findings."""

    file: dict[str, Any]
    instance: dict[str, Any] | None
    findings: list[dict[str, Any]]

    def codes(self) -> set[str]:
        """The codes of its findings."""
        return {finding["code"] for finding in self.findings}

    def finding(self, code: str) -> dict[str, Any]:
        """Its one finding of this code."""
        (found,) = [finding for finding in self.findings if finding["code"] == code]
        return found

    def value(self, column: str) -> Any:
        """A column of its row of `instances`."""
        assert self.instance is not None, self.file
        return self.instance[column]


def listing(urls: Sequence[str], sizes: Sequence[int | None] | None = None) -> pa.Table:
    """A unit of files, as an engine takes it."""
    return pa.table(
        {
            "url": pa.array(urls, pa.string()),
            "file_size": pa.array(sizes or [None] * len(urls), pa.int64()),
            "modified": pa.array([0] * len(urls), pa.timestamp("us", "UTC")),
            "etag": pa.array([None] * len(urls), pa.string()),
        }
    )


def scan(urls: Sequence[str], *, headers: bool = False, reading: ReadingLimits | None = None, schema: LakeSchema = SCHEMA) -> Scanned:
    """Scan files with the engine whose turn it is."""
    assert _in_use, "a test that scans must use the fixture 'engine'"
    return _in_use[-1].scan(listing(urls), ScanRequest(schema, reading or ReadingLimits(), headers))


def scan_one(
    url: str,
    *,
    headers: bool = False,
    reading: ReadingLimits | None = None,
    columns: Sequence[Column] = (),
    partition_by: str = "Modality",
) -> ScannedFile:
    """Scan one file with the engine whose turn it is."""
    schema = LakeSchema.build(columns, partition_by) if columns or partition_by != "Modality" else SCHEMA
    scanned = scan([url], headers=headers, reading=reading, schema=schema)
    instances = scanned.instances.to_pylist()
    return ScannedFile(scanned.files.to_pylist()[0], instances[0] if instances else None, scanned.findings.to_pylist())


@pytest.fixture(scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of the engine that `scan` uses."""
    name: str = getattr(request, "param", "native")
    _in_use.append(make_engine(name))
    yield name
    _in_use.pop()


@pytest.fixture(scope="module")
def lenient_pydicom() -> Iterator[None]:
    """Let pydicom read and write what the standard forbids without a word."""
    before = pydicom.config.settings.reading_validation_mode, pydicom.config.settings.writing_validation_mode
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    logging.getLogger("pydicom").disabled = True
    yield
    logging.getLogger("pydicom").disabled = False
    pydicom.config.settings.reading_validation_mode, pydicom.config.settings.writing_validation_mode = before


ScanBytes = Callable[..., ScannedFile]


@pytest.fixture
def scan_bytes(engine: str, tmp_path: Path) -> ScanBytes:
    """Scan one file of these bytes."""

    def scan_these(data: bytes, **options: Any) -> ScannedFile:
        path = tmp_path / "file"
        path.write_bytes(data)
        return scan_one(str(path), **options)

    return scan_these
