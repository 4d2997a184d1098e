"""The rows that stand inside headers are those of the oracle for files made at random, with values that are odd in some places."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pydicom
import pytest

from tests.engine.agreement import same
from tests.engine.conftest import both_engines, scan
from tests.engine.oracle.content_items import content_items
from tests.engine.oracle.references import references
from tests.engine.oracle.segments import segments
from tests.engine.random_inside import random_file

pytestmark = [pytest.mark.usefixtures("engine", "lenient_pydicom"), pytest.mark.filterwarnings("ignore")]

ORACLE = {"instance_references": references, "segments": segments, "content_items": content_items}


@both_engines
@pytest.mark.parametrize("seed", range(2))
def test_files_made_at_random(tmp_path: Path, seed: int) -> None:
    """Every cell of every row."""
    random = Random(f"inside {seed}")
    paths = [tmp_path / f"{number:02}" for number in range(25)]
    for path in paths:
        path.write_bytes(random_file(random))
    scanned = scan([str(path) for path in paths])
    assert scanned.files["code"].null_count == len(paths)
    datasets = [(str(path), pydicom.dcmread(path, stop_before_pixels=True)) for path in paths]
    for table, rows_of in ORACLE.items():
        rows = scanned.tables[table].to_pylist()
        expected = [{"url": url, **row} for url, dataset in datasets for row in rows_of(dataset)]
        assert [row["url"] for row in rows] == [row["url"] for row in expected]
        different = [
            (number, name, row[name], other[name])
            for number, (row, other) in enumerate(zip(rows, expected, strict=True))
            for name in other
            if not same(row[name], other[name])
        ]
        assert different == []
        assert rows
