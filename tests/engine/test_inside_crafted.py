"""Rows inside headers, by data sets made for their meaning: the oracle answers what is written down, the engines what the oracle does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydicom
import pytest

from tests.engine.conftest import both_engines
from tests.engine.crafted import SYNTAXES, Make, write
from tests.engine.crafted.content_items import CONTENT_ITEMS
from tests.engine.crafted.references import REFERENCES
from tests.engine.crafted.segments import SEGMENTS
from tests.engine.oracle.content_items import content_items
from tests.engine.oracle.references import references
from tests.engine.oracle.segments import has_repeated_numbers, segments
from tests.engine.test_against_oracle import judge

pytestmark = [pytest.mark.usefixtures("engine", "lenient_pydicom"), pytest.mark.filterwarnings("ignore")]

TABLES = {
    "instance_references": (REFERENCES, references),
    "segments": (SEGMENTS, segments),
    "content_items": (CONTENT_ITEMS, content_items),
}
CASES = [
    # Of a private sequence without a VR only undefined length tells that it is one (PS3.5 6.2.2).
    (table, name, way)
    for table, (cases, _) in TABLES.items()
    for name in cases
    for way in SYNTAXES
    if (name, way) != ("private sequence", "implicit")
]


def _case(table: str, name: str) -> tuple[Make, list[dict[str, Any]]]:
    return TABLES[table][0][name]


@pytest.mark.parametrize(("table", "name", "way"), CASES)
def test_oracle(table: str, name: str, way: str, tmp_path: Path) -> None:
    """The oracle answers the rows that are written down, however the file is encoded."""
    make, expected = _case(table, name)
    dataset = pydicom.dcmread(write(make(), tmp_path / "file", way), stop_before_pixels=True)
    rows = TABLES[table][1](dataset)
    assert [{column: row[column] for column in cells} for row, cells in zip(rows, expected, strict=False)] == expected
    assert len(rows) == len(expected)


def test_every_cell_is_written_down() -> None:
    """The first case of each table has a row with all columns."""
    for table, (cases, rows_of) in TABLES.items():
        make, expected = next(iter(cases.values()))
        assert set(expected[0]) == set(rows_of(make())[0]), table


def test_repeated_numbers() -> None:
    """Segments without a number, and with one that is taken, are told of."""
    assert {name: has_repeated_numbers(make()) for name, (make, _) in SEGMENTS.items()} == {
        "segmentation": True,
        "segmentation without frames": False,
        "structure set": True,
        "annotations": False,
    }


@both_engines
def test_engines(tmp_path: Path) -> None:
    """The engines answer what the oracle does, however files are encoded."""
    names = [f"{table}-{name}-{way}".replace(" ", "-") for table, name, way in CASES]
    paths = [write(_case(table, name)[0](), tmp_path / file, way) for file, (table, name, way) in zip(names, CASES, strict=True)]
    judged, found = judge(paths)
    assert found == {}
    assert judged["left out"] == 0
    assert sum(judged.values()) >= len(paths)
