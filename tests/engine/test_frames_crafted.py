"""The meaning of rows of `frames`, by data sets made for it: the oracle answers the rows that are written down."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from tests.engine.crafted import SYNTAXES, write
from tests.engine.crafted.frames import FRAMES
from tests.engine.oracle.frames import frames, has_frame_count_finding

pytestmark = [pytest.mark.usefixtures("lenient_pydicom"), pytest.mark.filterwarnings("ignore")]

CASES = [(name, way) for name in FRAMES for way in SYNTAXES if (name, way) != ("private", "implicit")]
"""Of a private sequence without a VR only undefined length tells that it is one (PS3.5 6.2.2)."""


@pytest.mark.parametrize(("name", "way"), CASES)
def test_oracle(name: str, way: str, tmp_path: Path) -> None:
    """The oracle answers the rows that are written down, however the file is encoded."""
    case = FRAMES[name]
    path = write(case.make(), tmp_path / "file", way)
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    rows = frames(dataset, path, case.choice)
    expected = case.rows
    if way == "deflated":
        expected = [{**cells, **{column: None for column in ("frame_length", "frame_offset") if column in cells}} for cells in expected]
    assert [{column: row[column] for column in cells} for row, cells in zip(rows, expected, strict=True)] == expected
    assert has_frame_count_finding(dataset, path, case.choice) == case.is_finding


def test_offsets(tmp_path: Path) -> None:
    """The bytes of each frame stand where its offset says."""
    dataset = FRAMES["plain"].make()
    dataset.PixelData = bytes(range(46))
    path = write(dataset, tmp_path / "file")
    content = path.read_bytes()
    found = frames(pydicom.dcmread(path, stop_before_pixels=True), path)
    assert [content[row["frame_offset"] :][: row["frame_length"]] for row in found] == [bytes(range(at, at + 15)) for at in (0, 15, 30)]
