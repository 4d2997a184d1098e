"""The rows that stand inside headers are those of the oracle, cell by cell: real files, the sample, pydicom's own files.

A file is left out where an engine could not read its header to the end, or pydicom can't; the tests count these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pydicom
import pydicom.data
import pytest
from pydicom.dataset import Dataset

from dicomlake.samples import write_sample, write_special
from tests.engine.agreement import same
from tests.engine.conftest import scan
from tests.engine.oracle.content_items import content_items
from tests.engine.oracle.references import references
from tests.engine.oracle.segments import segments

pytestmark = [pytest.mark.usefixtures("engine", "lenient_pydicom"), pytest.mark.filterwarnings("ignore")]

Row = dict[str, Any]
OF_INSTANCE = ("patient_key", "study_key", "series_key", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "url")
ORACLE: dict[str, Callable[[Dataset], list[Row]]] = {
    "instance_references": references,
    "segments": segments,
    "content_items": content_items,
}
NOT_OF_THE_HEADER = {"relation", "in_lake", "stack"}
"""Columns that follow from others, or from the lake."""


def differences(rows: Row, dataset: Dataset) -> list[str]:
    """Where the rows of a file, by table, are not those of the oracle."""
    (instance,) = rows["instances"]
    keys = {name: instance[name] for name in OF_INSTANCE}
    found = []
    for table, rows_of in ORACLE.items():
        expected = [{**row, **keys} for row in rows_of(dataset)]
        if len(rows[table]) != len(expected):
            found.append(f"{table}: {len(rows[table])} rows, not {len(expected)}")
        for number, (row, other) in enumerate(zip(rows[table], expected, strict=False)):
            assert set(row) == set(other) | (set(row) & NOT_OF_THE_HEADER)
            found += [f"{table}[{number}].{name}: {row[name]!r}, not {other[name]!r}" for name in other if not same(row[name], other[name])]
    return found


def judge(paths: Sequence[Path]) -> tuple[Counter[str], dict[str, list[str]]]:
    """Compare files; answer how many rows of each table were compared, and the differences of files that have some."""
    scanned = scan([str(path) for path in paths])
    by_url: dict[str, Row] = {str(path): {table: [] for table in ("instances", *ORACLE)} for path in paths}
    for table in ("instances", *ORACLE):
        for row in scanned.tables[table].to_pylist():
            by_url[row["url"]][table].append(row)
    judged: Counter[str] = Counter()
    found = {}
    for file in scanned.files.to_pylist():
        if file["status"] != "indexed" or file["code"] is not None:
            judged["left out"] += 1
            continue
        rows = by_url[file["url"]]
        judged += Counter({table: len(rows[table]) for table in ORACLE})
        different = differences(rows, pydicom.dcmread(file["url"], stop_before_pixels=True, force=True))
        if different:
            found[file["url"]] = different
    return judged, found


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("engine", ["pydicom"], indirect=True, scope="module")
def test_sample(tmp_path: Path) -> None:
    """Over the sample archive and the special studies."""
    write_sample(tmp_path / "archive")
    write_special(tmp_path / "special")
    judged, found = judge(_files(tmp_path))
    assert found == {}
    assert judged["left out"] <= 7
    assert all(judged[table] for table in ORACLE)


@pytest.mark.parametrize("engine", ["pydicom"], indirect=True, scope="module")
def test_files_of_pydicom() -> None:
    """Over the files that pydicom brings along."""
    judged, found = judge(_files(Path(pydicom.data.__file__).parent / "test_files"))
    assert found == {}
    assert judged["left out"] <= 24
    assert all(judged[table] for table in ORACLE)


@pytest.mark.long
@pytest.mark.parametrize("engine", ["pydicom"], indirect=True, scope="module")
def test_real_files(real_files_folder: Path) -> None:
    """Over the real files."""
    judged, found = judge(_files(real_files_folder))
    assert found == {}
    assert judged["left out"] <= 75
    assert all(judged[table] > 50 for table in ORACLE)
