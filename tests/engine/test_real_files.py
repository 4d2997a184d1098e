"""The differential over real files: each column equals what pydicom gives, except where a reviewed file says why not."""

from __future__ import annotations

import csv
import math
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dicomlake.extract.engine import Scanned
from tests.engine import oracle
from tests.engine.conftest import scan

pytestmark = [pytest.mark.usefixtures("lenient_pydicom"), pytest.mark.filterwarnings("ignore::UserWarning:pydicom")]

DIFFERENCES_CSV = Path(__file__).with_name("differences.csv")
COLUMNS = [row["name"] for row in oracle.columns()]


@cache
def _differences() -> dict[str, set[str]]:
    """The reviewed differences: file, below the folder of real files, to its columns."""
    with DIFFERENCES_CSV.open(encoding="utf-8") as file:
        return {row["file"]: set(row["columns"].split()) for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def paths(real_files_folder: Path) -> list[Path]:
    """Every file of the folder."""
    return sorted(path for path in real_files_folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def scanned(engine: str, paths: list[Path]) -> Scanned:
    """All of them, scanned."""
    return scan([str(path) for path in paths])


def test_every_file_has_a_row(paths: list[Path], scanned: Scanned) -> None:
    """Every file has a row with a status, every failed one a code and a finding."""
    files = scanned.files.to_pylist()
    assert [row["url"] for row in files] == [str(path) for path in paths]
    failed = {row["url"] for row in files if row["status"] == "failed"}
    assert all(row["code"] and row["message"] for row in files if row["status"] != "indexed")
    assert failed <= {row["url"] for row in scanned.findings.to_pylist() if row["level"] == "file"}
    assert scanned.instances.num_rows == sum(row["status"] == "indexed" for row in files)


def test_every_column_equals_pydicoms(paths: list[Path], scanned: Scanned, real_files_folder: Path) -> None:
    """Each file that pydicom reads with a SOPInstanceUID is indexed, and its columns are pydicom's, reviewed differences aside."""
    instances = {row["url"]: row for row in scanned.instances.select(["url", *COLUMNS]).to_pylist()}
    codes = dict(zip(scanned.files["url"].to_pylist(), scanned.files["code"].to_pylist(), strict=True))
    read = 0
    found: dict[str, set[str]] = {}
    for path in paths:
        dataset = oracle.read(path)
        if dataset is None or oracle.instance_uid(dataset) is None or codes[str(path)] == "dicomdir":
            continue
        read += 1
        assert str(path) in instances, f"{path} is {codes[str(path)]}"
        expected, row = oracle.row(dataset), instances[str(path)]
        different = {column for column in COLUMNS if not _same(row[column], expected[column])}
        if different:
            found[str(path.relative_to(real_files_folder))] = different
    unexplained = {file: columns - _differences().get(file, set()) for file, columns in found.items()}
    assert {file: columns for file, columns in unexplained.items() if columns} == {}
    stale = {file: columns - found.get(file, set()) for file, columns in _differences().items()}
    assert {file: columns for file, columns in stale.items() if columns} == {}
    assert read > 0


def test_texts_are_kept_in_findings(scanned: Scanned) -> None:
    """Nothing is lost: a value finding of a text that can't be typed shows the text."""
    untyped = pa.array(["invalid-date", "invalid-time", "invalid-datetime", "invalid-number"], pa.string())
    assert scanned.findings.filter(pc.is_in(scanned.findings["code"], untyped))["raw"].null_count == 0


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)
