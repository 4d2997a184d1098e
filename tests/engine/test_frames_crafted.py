"""The meaning of rows of `frames`, by data sets made for it: the oracle answers what is written down, the engines what the oracle does."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.limits import FrameLimits
from dicomlake.schema import LakeSchema, standard_frame_attributes
from tests.engine.agreement import same
from tests.engine.conftest import ENGINES, listing
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


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("name", FRAMES)
def test_engines(name: str, engine_name: str, tmp_path: Path) -> None:
    """The engines answer what the oracle does, however the file is encoded."""
    case = FRAMES[name]
    own = case.choice.attributes[len(standard_frame_attributes()) :]
    limits = FrameLimits(limit=case.choice.limit, tiled_full=case.choice.tiled_full)
    request = ScanRequest(LakeSchema.build(user_frame_attributes=own), frames=limits)
    paths = [write(case.make(), tmp_path / way, way) for of_case, way in CASES if of_case == name]
    scanned = make_engine(engine_name).scan(listing([str(path) for path in paths], [path.stat().st_size for path in paths]), request)
    datasets = [(path, pydicom.dcmread(path, stop_before_pixels=True)) for path in paths]
    expected = [{"url": str(path), **row} for path, dataset in datasets for row in frames(dataset, path, case.choice)]
    rows = scanned.tables["frames"].to_pylist()
    assert [row["url"] for row in rows] == [row["url"] for row in expected]
    different = [
        (row["url"], column, row[column], other[column])
        for row, other in zip(rows, expected, strict=True)
        for column in other
        if not same(row[column], other[column])
    ]
    assert different == []
    told = [row["url"] for row in scanned.findings.to_pylist() if row["code"] == "frame-count"]
    assert told == [str(path) for path, dataset in datasets if has_frame_count_finding(dataset, path, case.choice)]
