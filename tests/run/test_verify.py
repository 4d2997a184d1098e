"""What `verify` looks for, it finds: each rule of a lake broken once."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import closing
from importlib import import_module

import polars as pl
import pytest

from dicomlake.lake import LakeWriter, verify
from tests.run.conftest import Nights

BROKEN: dict[str, tuple[str, Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "a key twice": ("instances", lambda rows: pl.concat([rows, rows.head(1)]), "1 rows more than there are values of SOPInstanceUID"),
    "a patient twice": ("patients", lambda rows: pl.concat([rows, rows.head(1)]), "1 rows more than there are values of patient_key"),
    "no url": ("files", lambda rows: rows.with_columns(url=pl.lit(None, pl.String)), "rows without url"),
    "no status": ("files", lambda rows: rows.with_columns(status=pl.lit(None, pl.String)), "rows without status"),
    "no code": ("files", lambda rows: rows.with_columns(status=pl.lit("failed"), code=pl.lit(None, pl.String)), "have no code"),
    "a finding of nothing": ("findings", lambda rows: rows.clear(1), "1 rows without code"),
    "a row too few": ("instances", lambda rows: rows.head(rows.height - 1), "1 indexed rows of files have no counterpart"),
    "a file too few": ("files", lambda rows: rows.filter(~pl.col("url").str.ends_with("/a/1")), "1 rows of instances have no counterpart"),
    "a wrong count": (
        "studies",
        lambda rows: rows.with_columns(NumberOfStudyRelatedInstances=pl.col("NumberOfStudyRelatedInstances") + 1),
        "rows whose NumberOfStudyRelatedInstances is not what `instances` has",
    ),
    "a series too few": ("series", lambda rows: rows.head(0), "instances have no counterpart among rows of series"),
    "a patient too many": (
        "patients",
        lambda rows: pl.concat([rows, rows.head(1).with_columns(patient_key=pl.lit("X"))]),
        "1 rows of patients have no counterpart among instances (by patient_key)",
    ),
    "a copy of nothing": (
        "files",
        lambda rows: rows.with_columns(duplicate_of=pl.when(pl.col("status") == "duplicate").then(pl.lit("/nowhere"))),
        "1 duplicates whose kept copy is not an indexed file",
    ),
}


@pytest.fixture
def filled(nights: Nights) -> Nights:
    """A lake of three instances, one of which has a copy, and of a file that is no DICOM."""
    for name, number in (("a/1", 1), ("a/2", 2), ("b/3", 3), ("c/2", 2)):
        header = {"SOPInstanceUID": f"1.{number}", "SeriesInstanceUID": "2", "StudyInstanceUID": "3", "PatientID": "P", "Modality": "CT"}
        nights.archive.write(name, **header)
    nights.archive.write_text("d", "no JSON")
    nights.run()
    return nights


@pytest.mark.parametrize("broken", BROKEN)
def test_each_broken_rule_is_found(filled: Nights, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Whether the lake is small enough to be read once for all checks or not."""
    table, change, said = BROKEN[broken]
    change_table(filled, table, change)
    at_once = verify(filled.location)
    assert any(said in defect for defect in at_once.defects)
    monkeypatch.setattr(import_module("dicomlake.lake.upkeep.verify"), "_ROWS_IN_MEMORY", 1)  # the room has a function of that name
    one_by_one = verify(filled.location)
    assert (one_by_one.defects, one_by_one.checked) == (at_once.defects, at_once.checked)


def test_table_once_opened_is_kept_and_news_is_seen(filled: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pinned version is opened once and does not follow the lake; a frame or a Lake that travels opens it again as it was."""
    lake = filled.lake
    before = lake.files.collect()
    assert lake.snapshots.collect().height == 1
    filled.archive.write("e", SOPInstanceUID="1.9", SeriesInstanceUID="2", StudyInstanceUID="3", PatientID="P", Modality="MR")
    filled.run()
    sent = pickle.loads(pickle.dumps((lake, lake.files)))  # noqa: S301 - it is our own
    assert [frame.collect().equals(before) for frame in (lake.files, sent[0].files, sent[1])] == [True] * 3
    monkeypatch.setattr("dicomlake.lake.log.table_cache.open_delta", None)
    assert lake.files.collect().equals(before)
    assert sum(part.rows for part in lake.parts("files")) == before.height


def change_table(nights: Nights, name: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Write a table anew with other rows, and a snapshot that pins it."""
    row = nights.lake.row
    with closing(LakeWriter.open(nights.location, nights.settings.schema_of_lake())) as writer:
        table = writer.tables[name]
        rows = nights.lake.table(name).collect()
        table.commit(table.write(change(rows)), list(table.parts.values()), writer.next_number())
        writer.write_snapshot({**row, "snapshot": row["snapshot"] + 1}, {})
