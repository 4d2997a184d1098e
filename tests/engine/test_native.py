"""What the native engine alone can get wrong: the crossing into Python, batches, and the state that passes from file to file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dicomlake import _core
from dicomlake.errors import FileCode, FindingCode
from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.extract.native_engine import NativeEngine, plan_columns, scan_plan, unit_of
from dicomlake.fetch import ReadingStopped
from dicomlake.limits import ReadingLimits
from tests.engine.builder import E, keys, part10, sound, with_elements
from tests.engine.conftest import SCHEMA, listing


def test_codes_are_those_of_python() -> None:
    """The table of codes is one: each of the engine's is one of Python's, in the same order."""
    files, findings = _core.codes()
    assert files == [code.value for code in FileCode]
    assert findings == [code.value for code in FindingCode if code.value in findings]


class _Source:
    """A source that raises when it is read."""

    size = 1000
    bytes_read = 0
    requests = 0

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def read(self, *_: int) -> bytes:
        raise self.error

    def close(self) -> None:
        """Nothing to close."""


def _scan_remote(monkeypatch: pytest.MonkeyPatch, error: BaseException, *, opening: bool = False) -> Scanned:
    def open_source(url: str, options: Any, size: int | None) -> _Source:
        if opening:
            raise error
        return _Source(error)

    monkeypatch.setattr("dicomlake.fetch.opener.RemoteSource", open_source)
    return NativeEngine().scan(listing(["memory://a", "memory://b"]), ScanRequest(SCHEMA))


@pytest.mark.parametrize("opening", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), TypeError("a bug"), MemoryError()])
def test_exception_that_is_no_answer_is_raised(monkeypatch: pytest.MonkeyPatch, error: BaseException, *, opening: bool) -> None:
    """Bugs and Ctrl-C end the scan; they are no file's fault."""
    with pytest.raises(type(error)):
        _scan_remote(monkeypatch, error, opening=opening)


@pytest.mark.parametrize("opening", [True, False])
def test_refusal_is_a_row(monkeypatch: pytest.MonkeyPatch, *, opening: bool) -> None:
    """What a store refuses is the answer about that file."""
    scanned = _scan_remote(monkeypatch, ReadingStopped(FileCode.UNREADABLE, "no"), opening=opening)
    assert scanned.files["code"].to_pylist() == ["unreadable"] * 2
    assert scanned.files["message"].to_pylist() == ["no"] * 2


def test_batches_make_no_difference(tmp_path: Path) -> None:
    """Rows come in as many batches as there are bytes for, and are the same: values that go on, lists and nulls across the seams."""
    contents = [
        with_elements(E.element("ImageType", "ORIGINAL\\PRIMARY"), E.element("StudyDate", "20200101"))
        if number % 3
        else with_elements(E.element("StudyDate", f"2020010{number % 7 + 1}"))
        for number in range(12)
    ]
    paths = []
    for number, content in enumerate(contents):
        path = tmp_path / f"{number:02}"
        path.write_bytes(content)
        paths.append(str(path))
    unit = unit_of(listing(paths))

    def scan(batch_bytes: int) -> list[list[pa.RecordBatch]]:
        plan = _core.ScanPlan(plan_columns(SCHEMA), 16384, 1 << 26, 60.0, headers=True, batch_bytes=batch_bytes)
        tables, no_access = plan.scan(unit, lambda *_: None, interruptible=True)
        assert no_access is None
        return [[pa.record_batch(batch) for batch in batches] for _, batches in tables]

    whole, cut = scan(1 << 29), scan(500)
    assert [len(batches) for batches in whole] == [1, 1, 1]
    assert all(len(batches) > 3 for batches in cut)
    for one, other in zip(whole, cut, strict=True):
        assert pa.Table.from_batches(one).to_pylist() == pa.Table.from_batches(other).to_pylist()


def test_digest_of_a_file_that_took_too_long_is_of_what_was_walked(tmp_path: Path) -> None:
    """Two files that differ in what was walked differ in their digests, however early the clock ended them."""
    tail = struct.pack("<HH2sH", 0x0010, 0x0010, b"PN", 0) * 20_000  # out of order: the slow way, with looks at the clock
    digests = []
    for number in range(2):
        path = tmp_path / str(number)
        path.write_bytes(part10(keys() + E.element("PatientID", f"P{number}") + tail))
        request = ScanRequest(SCHEMA, ReadingLimits(file_seconds_limit=1e-9))
        files = NativeEngine().scan(listing([str(path)]), request).files
        assert files["code"].to_pylist() == ["timed-out"]
        digests.append(files["header_digest"][0].as_py())
    assert digests[0] != digests[1]


def test_a_plan_is_made_of_what_a_request_asks_for(tmp_path: Path) -> None:
    """Columns of an unknown type or VR are refused, which is a bug of the caller."""
    assert isinstance(scan_plan(ScanRequest(SCHEMA)), _core.ScanPlan)
    for column in [("a", 1, "LO", "int128", (False, True), [(1, None, None)]), ("a", 1, "ZZ", "string", (False, True), [(1, None, None)])]:
        with pytest.raises(ValueError, match="not known"):
            _core.ScanPlan([column], 16384, 1 << 26, 60.0, headers=False)
    assert NativeEngine().scan(listing([]), ScanRequest(SCHEMA)).files.num_rows == 0
    path = tmp_path / "file"
    path.write_bytes(sound())
    assert NativeEngine().scan(listing([str(path)]), ScanRequest(SCHEMA)).instances.num_rows == 1


def test_units_cross_whole() -> None:
    """Urls of any length, slices of tables, and none at all: ends, text and sizes say where each url lies."""
    files = listing(["", "a", "bécd", "/é"], [None, 0, 7, 1 << 40])
    for start, stop in [(0, 4), (1, 3), (3, 4), (2, 2)]:
        ends, urls, sizes = unit_of(files.slice(start, stop - start))
        bounds = [0, *(end for (end,) in struct.iter_unpack("q", ends))]
        given = [urls[bounds[i] : bounds[i + 1]].decode() for i in range(len(bounds) - 1)]
        assert given == files["url"].to_pylist()[start:stop]
        assert [None if size < 0 else size for (size,) in struct.iter_unpack("q", sizes)] == files["file_size"].to_pylist()[start:stop]


@pytest.mark.parametrize(
    ("ends", "urls", "sizes"),
    [(b"", b"", bytes(8)), (b"1234", b"", b""), (struct.pack("q", 3), b"ab", bytes(8)), (bytes(8), b"\xff", bytes(8))],
)
def test_units_that_do_not_fit(ends: bytes, urls: bytes, sizes: bytes) -> None:
    """A bug of the caller is an exception, and no file is read."""
    with pytest.raises(ValueError, match="do not fit"):
        scan_plan(ScanRequest(SCHEMA)).scan((ends, urls, sizes), lambda *_: None, interruptible=True)
