"""Tasks of rolling up, over part files as earlier versions wrote them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa

from dicomlake.parts import Location, read_part, write_sorted
from dicomlake.rollup.task import RollUpTask, run_roll_up
from dicomlake.schema import LakeSchema, entity_key

SCHEMA = LakeSchema.build()


def test_part_files_that_lack_columns_of_today(tmp_path: Path) -> None:
    """Columns that came since are null in them: the slices are numbered, and `series` has its geometry."""
    keys = {"patient_key": entity_key(None, "P"), "study_key": entity_key("1"), "series_key": entity_key("1", "1.1")}
    rows = [
        {
            **keys,
            "url": f"/{number}",
            "SOPInstanceUID": f"1.1.{number}",
            "SeriesInstanceUID": "1.1",
            "StudyInstanceUID": "1",
            "PatientID": "P",
            "Modality": "CT",
            "Rows": 64,
            "Columns": 64,
            "ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            "ImagePositionPatient": [0.0, 0.0, 2.5 * number],
            "PixelSpacing": [1.0, 1.0],
            "snapshot": 1,
        }
        for number in range(3)
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA.table("instances")).drop_columns(["stack", "DiffusionGradientOrientation"])
    location = Location.of(tmp_path)
    parts = write_sorted(location, "instances", table, ["SOPInstanceUID"], partition_by="Modality")
    result = run_roll_up(RollUpTask("series", pl.DataFrame([keys]).select("series_key"), tuple(parts), (), SCHEMA, location, 2))
    assert result.moved_instances is not None
    assert sorted(result.moved_instances.iter_rows()) == [("/0", 1), ("/1", 1), ("/2", 1)]
    (series,), (stack,) = result.parts, result.stacks
    assert read_part(location, series, ["stack_count", "regularly_spaced_3d_volume"]).rows() == [(1, True)]
    assert read_part(location, stack, ["slice_count", "slice_spacing"]).rows() == [(3, 2.5)]
