"""What each night adds stays bounded without anybody's doing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from dicomlake.lake import Lake
from tests.run.conftest import Nights


def test_snapshots_do_not_scatter(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reader opens all part files of `snapshots`, so they become one now and then; no row is lost, and a reader loses none."""
    monkeypatch.setattr("dicomlake.lake.write.writer.SNAPSHOT_PARTS", 3)
    nights.archive.write("a", SOPInstanceUID="1", SeriesInstanceUID="2", StudyInstanceUID="3", PatientID="P", Modality="CT")
    rows: list[pl.DataFrame] = []
    for number in range(1, 8):
        nights.run()
        rows.append(nights.lake.snapshots.filter(pl.col("snapshot") == number).collect())
        assert nights.lake.snapshots.collect().equals(pl.concat(rows))
        assert len(list(Path(nights.location.url, "snapshots").glob("*.parquet"))) == number
        assert nights.lake.at(1).snapshot == 1
        assert len(_parts_of_snapshots(nights.lake)) <= 3


def _parts_of_snapshots(lake: Lake) -> list[str]:
    return [part.path for part in lake.parts("snapshots")]
