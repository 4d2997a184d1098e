"""The two engines answer the same rows of `instances` for every file that pydicom reads: real files, samples, and files made at random.

`differences.csv` has the reviewed exceptions, each with its reason: a pattern of files, and the columns that differ there. The column
``code`` stands for files of which pydicom says something else as a whole; of such a file no column is compared. A row that explains
nothing fails the test of its files, and so does a column of it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.samples import write_sample
from tests.engine import user_columns
from tests.engine.agreement import same
from tests.engine.conftest import listing
from tests.engine.random_files import FileMaker

DIFFERENCES_CSV = Path(__file__).with_name("differences.csv")
VALUE_CODES = {
    *("invalid-date", "invalid-time", "invalid-datetime", "invalid-number", "invalid-uid", "invalid-code-string", "too-many-values"),
    *("undecodable-text", "undeclared-character-set", "missing-required", "missing-preamble", "missing-file-meta", "wrong-transfer-syntax"),
}
"""Codes of findings that both engines answer alike."""

Files = Mapping[str, Path]
Found = dict[str, dict[str, tuple[Any, Any]]]
"""By file and column, the answers of the native engine and of pydicom that differ."""


def _scans(files: Files) -> tuple[Scanned, Scanned]:
    request = ScanRequest(user_columns.SCHEMA, headers=True)
    native, pydicom = (make_engine(name).scan(listing([str(path) for path in files.values()]), request) for name in ("native", "pydicom"))
    return native, pydicom


def _differences(files: Files, native: Scanned, pydicom: Scanned) -> Found:
    instances = [{row["url"]: row for row in scanned.instances.to_pylist()} for scanned in (native, pydicom)]
    found: Found = {}
    for name, one, other in zip(files, native.files.to_pylist(), pydicom.files.to_pylist(), strict=True):
        states = [(row["status"], row["code"]) for row in (one, other)]
        if states[0] != states[1]:
            found[name] = {"code": (states[0], states[1])}
        elif one["status"] == "indexed":
            rows = [_comparable(of_engine[one["url"]]) for of_engine in instances]
            different = {column: (rows[0][column], rows[1][column]) for column in rows[0] if not same(rows[0][column], rows[1][column])}
            if different:
                found[name] = different
    return found


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its JSON parsed: the order of its members, and ``"Value": []`` of an empty sequence, say nothing."""
    return row | {"header_json": _without_empty(json.loads(row["header_json"]))}


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty(one) for name, one in value.items() if one != []}
    return [_without_empty(one) for one in value] if isinstance(value, list) else value


def _check(found: Found, prefix: str) -> None:
    with DIFFERENCES_CSV.open(encoding="utf-8") as file:
        reviewed = [row for row in csv.DictReader(file) if row["files"].startswith(prefix)]
    assert all(row["reason"] for row in reviewed)
    unused = {(row["files"], column) for row in reviewed for column in row["columns"].split()}
    unexplained: Found = {}
    for name, columns in found.items():
        matching = [row for row in reviewed if fnmatchcase(name, row["files"])]
        explained = {(row["files"], column) for row in matching for column in row["columns"].split()}
        unused -= {(pattern, column) for pattern, column in explained if column in columns}
        left = {column: answers for column, answers in columns.items() if column not in {column for _, column in explained}}
        if left:
            unexplained[name] = left
    assert unexplained == {}
    assert unused == set()


def _value_findings(scanned: Scanned, urls: set[str]) -> set[tuple[str, ...]]:
    rows = scanned.findings.filter(pc.is_in(scanned.findings["url"], pa.array(sorted(urls)))).to_pylist()
    return {(row["url"], row["code"], row["element_path"]) for row in rows if row["code"] in VALUE_CODES}


@pytest.fixture(scope="module")
def real_files(real_files_folder: Path) -> dict[str, Path]:
    """Every real file by its name below the folder."""
    return {f"real/{path.relative_to(real_files_folder)}": path for path in sorted(real_files_folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def scans_of_real_files(real_files: dict[str, Path]) -> tuple[Scanned, Scanned]:
    """The answers of both engines."""
    return _scans(real_files)


def test_every_file_has_a_row(real_files: dict[str, Path], scans_of_real_files: tuple[Scanned, Scanned]) -> None:
    """Every file has a row with a status, every failed one a code and a finding; texts that can't be typed are kept in findings."""
    untyped = pa.array(["invalid-date", "invalid-time", "invalid-datetime", "invalid-number"], pa.string())
    for scanned in scans_of_real_files:
        files = scanned.files.to_pylist()
        assert [row["url"] for row in files] == [str(path) for path in real_files.values()]
        failed = {row["url"] for row in files if row["status"] == "failed"}
        assert all(row["code"] and row["message"] for row in files if row["status"] != "indexed")
        assert failed <= {row["url"] for row in scanned.findings.to_pylist() if row["level"] == "file"}
        assert scanned.instances.num_rows == sum(row["status"] == "indexed" for row in files)
        assert scanned.findings.filter(pc.is_in(scanned.findings["code"], untyped))["raw"].null_count == 0


def test_real_files(real_files: dict[str, Path], scans_of_real_files: tuple[Scanned, Scanned]) -> None:
    """Over the real files, with the standard columns and a user's; findings about values agree too."""
    native, pydicom = scans_of_real_files
    found = _differences(real_files, native, pydicom)
    _check(found, "real/")
    alike = {str(path) for name, path in real_files.items() if name not in found}
    assert _value_findings(native, alike) == _value_findings(pydicom, alike)
    assert pydicom.instances.num_rows > 0.9 * len(real_files)


def test_samples(tmp_path: Path) -> None:
    """Over a sample archive, its planted defects among them."""
    write_sample(tmp_path / "archive")
    paths = sorted(path for path in (tmp_path / "archive").rglob("*") if path.is_file())
    files = {f"samples/{path.relative_to(tmp_path / 'archive')}": path for path in paths}
    _check(_differences(files, *_scans(files)), "samples/")


@pytest.mark.parametrize("seed", range(4))
def test_files_made_at_random(tmp_path: Path, seed: int) -> None:
    """Over files made at random of sound structure, in every transfer syntax, with values that are wrong in some places."""
    random = Random(f"sound {seed}")
    files = {}
    for number in range(250):
        path = tmp_path / f"{number:03}"
        path.write_bytes(FileMaker(random, user_columns.MADE_COLUMNS, random.choice([4, 14, 30]), trouble=0, sound=True).file())
        files[f"made-{seed}/{path.name}"] = path
    _check(_differences(files, *_scans(files)), f"made-{seed}/")
