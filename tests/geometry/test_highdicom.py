"""highdicom judges the same stacks: its verdict and its spacing are ours, but for what a reviewed list explains."""

from __future__ import annotations

import csv
import math
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.geometry.crafted import one, slices
from tests.geometry.frames_by_pydicom import read_frames

import dicomlake
from dicomlake.geometry import Stacks, frame_columns, slices_of, stacks_of
from dicomlake.samples import write_sample

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from highdicom.spatial import get_volume_positions

_REVIEWED = Path(__file__).with_name("highdicom_disagreements.csv")


def _slices_below(folder: Path) -> pl.DataFrame:
    """The slices of all files, frames read by pydicom; ``url`` is the path below the folder of each one's file."""
    instances = pl.DataFrame(pl.from_arrow(dicomlake.scan([folder]).instances)).unique("SOPInstanceUID", keep="first", maintain_order=True)
    several = instances.filter(pl.col("NumberOfFrames").is_not_null()).select("SOPInstanceUID", "url")
    frames = read_frames([(instance, Path(url)) for instance, url in several.iter_rows()], frame_columns())
    paths = instances.select("SOPInstanceUID", url=pl.col("url").str.strip_prefix(f"{folder}/"))
    return slices_of(instances, frames.drop("FrameReferenceDateTime")).join(paths, on="SOPInstanceUID", how="left", maintain_order="left")


def _judged(found: pl.DataFrame, stacks: Stacks) -> Iterator[tuple[pl.DataFrame, dict[str, Any], float | None]]:
    """The stacks that highdicom can judge: their slices, their row, and the spacing by highdicom, None where they are no volume.

    It does not judge a stack of one position: it takes any such for a volume with a spacing of 1.
    """
    of_stacks = found.with_columns(stacks.numbers).drop_nulls("stack").partition_by("series_key", "stack", as_dict=True)
    for row in stacks.rows.iter_rows(named=True):
        inside = of_stacks[row["series_key"], row["stack"]]
        if row["position_count"] > 1:
            spacing, _ = get_volume_positions(inside["ImagePositionPatient"].to_list(), row["ImageOrientationPatient"])
            yield inside, row, spacing


def _disagreements(found: pl.DataFrame, stacks: Stacks) -> set[tuple[str, int]]:
    differing = set()
    for inside, row, spacing in _judged(found, stacks):
        same = row["regularly_spaced_3d_volume"] == (spacing is not None)
        # highdicom does not divide the normal by its length, and cosines of twelve digits leave an error of 1e-8 in that.
        if not same or (spacing is not None and row["slice_spacing"] != pytest.approx(spacing, rel=1e-6)):
            differing.add((min(inside["url"].to_list()), row["stack"]))
    return differing


def _reviewed(archive: str) -> set[tuple[str, int]]:
    with _REVIEWED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["reason"] for row in rows)
    return {(row["url"], int(row["stack"])) for row in rows if row["archive"] == archive}


def test_real_files(real_files_folder: Path) -> None:
    """Of every stack of the real files that highdicom can judge."""
    found = _slices_below(real_files_folder)
    stacks = stacks_of(found)
    assert sum(1 for _ in _judged(found, stacks)) > 30
    assert _disagreements(found, stacks) == _reviewed("real")


def test_sample(tmp_path: Path) -> None:
    """Of every stack of the synthetic archive."""
    write_sample(tmp_path / "archive")
    found = _slices_below(tmp_path / "archive")
    stacks = stacks_of(found)
    assert sum(1 for _ in _judged(found, stacks)) > 5
    assert _disagreements(found, stacks) == _reviewed("sample")


_SKEWED = [1.0, 0.0, 0.0, 0.6, 0.8, 0.0]

_CRAFTED = {
    "tilted by one degree": [one(z, ImagePositionPatient=[0.0, z * math.tan(math.radians(1)), z]) for z in range(20)],
    "shifted by 0.09 mm": [one(z, ImagePositionPatient=[0.09 * (z % 2), 0.0, z]) for z in range(5)],
    "skewed rows and columns": [one(z, ImageOrientationPatient=_SKEWED) for z in range(5)],
    "two pixel spacings": [one(z, PixelSpacing=[0.5, 0.5 + 0.1 * (z % 2)]) for z in range(5)],
    "regular": [one(z) for z in range(5)],
}


def test_crafted_slices() -> None:
    """Where the definitions differ, the list says how; it is true of each of its rows."""
    differing: set[tuple[str, int]] = set()
    for name, rows in _CRAFTED.items():
        found = slices(rows).with_columns(url=pl.lit(name))
        differing |= _disagreements(found, stacks_of(found))
    assert differing == _reviewed("crafted")


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.sampled_from([1.0, 1.0, 1.0, 1.005, 1.02, 2.0, 0.0]), min_size=1, max_size=8),
    size=st.sampled_from([0.1, 1.0, 5.0]),
    turn=st.sampled_from([[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [0.8, 0.6, 0.0, -0.6, 0.8, 0.0], [0.0, 0.6, 0.8, 1.0, 0.0, 0.0]]),
    seed=st.integers(0, 5),
)
def test_steps_of_any_width(steps: list[float], size: float, turn: list[float], seed: int) -> None:
    """Slices along their normal, in any order, with steps near and far from even ones."""
    a, b = turn[:3], turn[3:]
    normal = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    heights = [size * sum(steps[:count]) for count in range(len(steps) + 1)]
    positions = [[5.0 + height * part for part in normal] for height in heights]
    random.Random(seed).shuffle(positions)
    found = slices(one(0, ImagePositionPatient=position, ImageOrientationPatient=turn) for position in positions)
    assert _disagreements(found.with_columns(url=pl.lit("crafted")), stacks_of(found)) == set()
