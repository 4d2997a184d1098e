"""Files made to hurt: each ends soon, in little memory, indexed or with its code."""

from __future__ import annotations

import ctypes
import time
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.limits import ReadingLimits
from tests.engine import user_columns
from tests.engine.builder import keys, part10
from tests.engine.conftest import ScanBytes, both_engines, listing
from tests.engine.hostile import FILES, LARGE_FILES

_MIB = 1 << 20
_SECONDS = 1
"""A bound on hanging, not on speed."""


@pytest.mark.parametrize("name", FILES)
def test_hostile_file_ends_soon(scan_bytes: ScanBytes, name: str) -> None:
    """A hostile file is indexed or has its code, within seconds."""
    data = FILES[name]()
    began = time.process_time()
    scanned = scan_bytes(data)
    seconds = time.process_time() - began
    assert scanned.file["status"] == "indexed"
    assert seconds < _SECONDS
    assert len(scanned.findings) <= 256


@pytest.mark.parametrize("name", [*FILES, *LARGE_FILES])
def test_native_engine_is_bounded(tmp_path: Path, name: str) -> None:
    """The native engine takes a second at most, and memory of 64 bytes for each of the file's and 8 MiB, beyond what is inflated.

    The whole header and a user's columns are asked for as well.
    """
    data = (FILES | LARGE_FILES)[name]()
    reading = ReadingLimits(header_limit=16 * _MIB)
    inflated = reading.header_limit if b"1.2.840.10008.1.2.1.99" in data[:512] else 0
    path, warm = tmp_path / "file", tmp_path / "warm"
    path.write_bytes(data)
    warm.write_bytes(part10(keys()))
    engine, request = make_engine("native"), ScanRequest(user_columns.SCHEMA, reading, headers=True)
    engine.scan(listing([str(warm)]), request)
    before = _begin_peak()
    began = time.process_time()
    scanned = engine.scan(listing([str(path)]), request)
    seconds = time.process_time() - began
    peak = _memory("VmHWM") - before
    assert scanned.files.num_rows == 1
    assert scanned.findings.num_rows <= 256
    assert seconds < _SECONDS
    # What a wanted value of inflated bytes becomes on its way into a table is bounded as that of other bytes is.
    assert peak < 64 * len(data) + 8 * _MIB + 8 * inflated


@both_engines
@pytest.mark.parametrize("name", ["a claimed length of 4 GiB", "claimed lengths in one another", "a bomb that is skipped"])
def test_memory_of_python_objects_is_bounded(scan_bytes: ScanBytes, name: str) -> None:
    """Nothing is allocated from a claimed length, or from what a stream would inflate to."""
    data = FILES[name]()
    scan_bytes(part10(keys()))
    tracemalloc.start()
    try:
        scan_bytes(data, reading=ReadingLimits(header_limit=8 * _MIB))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * len(data) + 16 * _MIB


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nested 200,000 deep", "nesting-too-deep"),
        ("a bomb that is skipped", "header-too-large"),
        ("a claimed length of 4 GiB", "truncated"),
    ],
)
def test_hostile_file_has_its_code(scan_bytes: ScanBytes, name: str, code: str) -> None:
    """What is too deep, too large or cut short says so."""
    scanned = scan_bytes(FILES[name]())
    assert scanned.file["code"] == code
    assert scanned.value("Modality") == "CT"


def test_deep_nesting_that_ends_well_is_walked_past(scan_bytes: ScanBytes) -> None:
    """Nesting too deep that is closed again costs what is inside, no more."""
    assert scan_bytes(FILES["nested 50,000 deep and closed"]()).value("PatientID") == "P1"


def _begin_peak() -> int:
    """Begin to measure the most memory that this process takes; answer what it takes now. Only Linux tells."""
    pa.default_memory_pool().release_unused()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except (OSError, AttributeError):
        pytest.skip("the kernel does not tell the peak of a process's memory")
    return _memory("VmRSS")


def _memory(which: str) -> int:
    (line,) = [line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith(which)]
    return int(line.split()[1]) * 1024
