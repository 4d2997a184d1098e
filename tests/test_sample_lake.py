"""The lake of the sample archive, held against what the archive's manifest says was planted."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dicomlake.lake import Lake, verify
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, run_index
from dicomlake.runner import SerialRunner
from dicomlake.samples import MANIFEST_NAME, write_sample


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample archive."""
    folder = tmp_path_factory.mktemp("sample") / "archive"
    write_sample(folder)
    return folder


@pytest.fixture(scope="module")
def manifest(archive: Path) -> dict[str, Any]:
    """What was planted, as the file beside the archive says it."""
    manifest: dict[str, Any] = json.loads((archive / MANIFEST_NAME).read_text("utf-8"))
    return manifest


@pytest.fixture(scope="module")
def lake(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake of the archive."""
    folder = tmp_path_factory.mktemp("sample-lake") / "lake"
    run_index(IndexRequest((str(archive),), Location.of(folder)), SerialRunner)
    assert verify(Location.of(folder)).defects == []
    return Lake(folder)


def test_every_file_has_the_status_that_was_planted(archive: Path, manifest: dict[str, Any], lake: Lake) -> None:
    """Status, code, key and kept copy of each file; the manifest itself is no DICOM."""
    rows = {row["url"]: row for row in lake.files.collect().to_dicts()}
    assert len(rows) == manifest["counts"]["files"] + 1
    assert rows[str(archive / MANIFEST_NAME)]["status"] == "not_dicom"
    for planted in manifest["files"]:
        row = rows[str(archive / planted["path"])]
        found = {name: row[name] for name in ("status", "code", "SOPInstanceUID")}
        assert found == {name: planted[name] for name in found}, planted["path"]
        kept = planted["duplicate_of"]
        assert row["duplicate_of"] == (None if kept is None else str(archive / kept))
    assert dict(Counter(row["status"] for row in rows.values())) == {
        status: count for status, count in manifest["counts"]["status"].items() if count
    }


def test_every_instance_is_there_once_with_its_keys(archive: Path, manifest: dict[str, Any], lake: Lake) -> None:
    """Identifiers, modality, transfer syntax and the name as people write it."""
    names = ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "IssuerOfPatientID", "Modality", "PatientName"]
    names += ["TransferSyntaxUID", "SOPClassUID"]
    rows = {row["url"]: row for row in lake.instances.collect().to_dicts()}
    planted_urls = {str(archive / planted["path"]) for planted in manifest["instances"]}
    assert rows.keys() == planted_urls
    for planted in manifest["instances"]:
        row = rows[str(archive / planted["path"])]
        assert {name: row[name] for name in names} == {name: planted[name] for name in names}
        assert (row["NumberOfFrames"] or 1) == planted["number_of_frames"]
        assert row["is_multiframe"] == planted["is_multiframe"]


def test_the_levels_count_what_was_planted(manifest: dict[str, Any], lake: Lake) -> None:
    """Patients, studies, series and instances."""
    counts = {name: lake.table(name).select(pl.len()).collect().item() for name in ("patients", "studies", "series", "instances")}
    assert counts == {name: manifest["counts"][name] for name in counts}


def test_every_planted_defect_was_found(archive: Path, manifest: dict[str, Any], lake: Lake) -> None:
    """Each has the findings that the manifest expects, with attribute and raw text where a value is wrong."""
    findings = lake.findings.collect()
    looked_at = 0
    for defect in manifest["defects"]:
        for code in defect["finding_codes"]:
            own = findings.filter(pl.col("code") == code)
            if defect["level"] in ("file", "value"):
                own = own.filter(pl.col("url") == str(archive / defect["path"]))
            else:
                own = own.filter(pl.col("level") == defect["level"])
            if defect["keyword"] and code != "irregular-geometry":
                own = own.filter(pl.col("element_path") == defect["keyword"])
            assert own.height >= 1, (defect["kind"], code)
            if defect["raw"] is not None and defect["level"] == "value":
                assert defect["raw"] in own["raw"].to_list()
            looked_at += 1
    assert looked_at >= 8


def test_no_defect_was_found_that_was_not_planted(archive: Path, manifest: dict[str, Any], lake: Lake) -> None:
    """Good files have no findings: whatever is found belongs to a planted defect."""
    planted = {str(archive / defect["path"]) for defect in manifest["defects"]}
    found = lake.findings.filter(pl.col("level").is_in(["file", "value"])).collect()
    assert set(found["url"]) - planted == set()
    entities = lake.findings.filter(~pl.col("level").is_in(["file", "value"])).collect()
    expected = {defect["keyword"] for defect in manifest["defects"] if defect["level"] in ("patient", "study", "series")}
    assert set(entities["element_path"].drop_nulls()) <= expected


def test_markup_in_a_name_is_just_a_name(archive: Path, manifest: dict[str, Any], lake: Lake) -> None:
    """It comes out as it went in; whoever shows it escapes it."""
    (defect,) = [defect for defect in manifest["defects"] if defect["kind"] == "markup-name"]
    names = lake.instances.filter(pl.col("url").str.starts_with(str(archive / defect["path"]))).collect()["PatientName"].unique().to_list()
    assert names == [defect["raw"]]
    assert "<script" in defect["raw"]
