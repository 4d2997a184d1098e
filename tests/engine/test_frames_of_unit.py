"""Frames of several files of one unit, and sequences that are given twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.extract.inside import frames as frames_module
from dicomlake.limits import FrameLimits
from dicomlake.schema import LakeSchema
from tests.engine.builder import E, with_elements
from tests.engine.conftest import ENGINES, listing
from tests.engine.crafted import write
from tests.engine.crafted.frames import FRAMES

pytestmark = [pytest.mark.usefixtures("lenient_pydicom"), pytest.mark.filterwarnings("ignore")]

TILED = [name for name, case in FRAMES.items() if case.choice.tiled_full]


@pytest.mark.parametrize("engine", ENGINES)
def test_slides_with_and_without_an_origin(engine: str, tmp_path: Path) -> None:
    """One of two slides in a unit lacks the origin of its pixel matrix: its tiles have places in the matrix, and none on the glass."""
    with_origin = next(dataset for name in TILED if "TotalPixelMatrixOriginSequence" in (dataset := FRAMES[name].make()))
    without = next(dataset for name in TILED if "TotalPixelMatrixOriginSequence" in (dataset := FRAMES[name].make()))
    del without.TotalPixelMatrixOriginSequence
    without.SOPInstanceUID = "1.2.3.99"
    paths = [write(with_origin, tmp_path / "with"), write(without, tmp_path / "without")]
    request = ScanRequest(LakeSchema.build(), frames=FrameLimits(tiled_full=True))
    rows = make_engine(engine).scan(listing([str(path) for path in paths], [path.stat().st_size for path in paths]), request).frames
    places = {Path(url).name: [] for url in rows["url"].to_pylist()}
    for row in rows.select(["url", "ColumnPositionInTotalImagePixelMatrix", "XOffsetInSlideCoordinateSystem"]).to_pylist():
        places[Path(row["url"]).name].append((row["ColumnPositionInTotalImagePixelMatrix"], row["XOffsetInSlideCoordinateSystem"] is None))
    assert {column for column, _ in places["with"]} == {column for column, _ in places["without"]}
    assert {lacks for _, lacks in places["with"]} == {False}
    assert {lacks for _, lacks in places["without"]} == {True}


def test_frames_are_made_portion_by_portion(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However few are made at a time, the rows are the same."""
    paths = [write(FRAMES[name].make(), tmp_path / name) for name in FRAMES if not FRAMES[name].choice.attributes[53:]]
    files = listing([str(path) for path in paths], [path.stat().st_size for path in paths])
    request = ScanRequest(LakeSchema.build())
    whole = make_engine("native").scan(files, request).frames
    monkeypatch.setattr(frames_module, "_FRAMES_AT_ONCE", 2)
    assert make_engine("native").scan(files, request).frames.equals(whole)
    assert whole.num_rows > 20


@pytest.mark.parametrize("engine", ENGINES)
def test_of_functional_groups_given_twice_the_last_counts(engine: str, tmp_path: Path) -> None:
    """The items of the first copy are no frames, and its shared values are not those of the second."""

    def thickness(value: str) -> bytes:
        return E.sequence("PixelMeasuresSequence", E.element("SliceThickness", value))

    def positions(*heights: int) -> bytes:
        items = [E.sequence("PlanePositionSequence", E.element("ImagePositionPatient", f"0\\0\\{height}")) for height in heights]
        return E.sequence("PerFrameFunctionalGroupsSequence", *items)

    shared = [E.sequence("SharedFunctionalGroupsSequence", thickness(value)) for value in ("1", "2")]
    path = tmp_path / "file"
    path.write_bytes(with_elements(E.element("NumberOfFrames", "2"), *shared, positions(7, 8, 9), positions(1, 2)))
    rows = make_engine(engine).scan(listing([str(path)], [path.stat().st_size]), ScanRequest(LakeSchema.build())).frames
    found = rows.select(["frame_number", "ImagePositionPatient", "SliceThickness"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [(1, [0.0, 0.0, 1.0], 2.0), (2, [0.0, 0.0, 2.0], 2.0)]
