"""References, segments and content items as `scan` answers them: what Python adds to the rows of an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.inside import finished, numbered
from dicomlake.extract.inside.relations import relation_of
from dicomlake.schema.columns import data_rows
from tests.engine.builder import E, part10, with_elements
from tests.engine.conftest import SCHEMA, scan

pytestmark = pytest.mark.usefixtures("engine")

CT, SEGMENTATION = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.66.4"
SAME_SERIES = "ReferencedSeriesSequence.ReferencedInstanceSequence"
IN_FRAMES = "PerFrameFunctionalGroupsSequence.DerivationImageSequence.SourceImageSequence"
IN_STRUCTURE_SET = "RTReferencedStudySequence.RTReferencedSeriesSequence.ContourImageSequence"

RELATIONS: list[tuple[str, str | None, str]] = [
    ("SourceImageSequence", CT, "source-image"),
    (IN_FRAMES, None, "source-image"),
    ("SourceInstanceSequence", CT, "source-image"),
    ("ReferencedImageSequence", CT, "referenced-image"),
    ("ReferencedStudySequence.ReferencedImageSequence", CT, "referenced-image"),
    (SAME_SERIES, CT, "referenced-image"),
    (SAME_SERIES, None, "referenced-image"),
    (SAME_SERIES, SEGMENTATION, "segmented-image"),
    (SAME_SERIES, "1.2.840.10008.5.1.4.1.1.66.7", "segmented-image"),
    (f"StudiesContainingOtherReferencedInstancesSequence.{SAME_SERIES}", SEGMENTATION, "segmented-image"),
    ("ROIContourSequence.ContourSequence.ContourImageSequence", CT, "structure-set-image"),
    (f"ReferencedFrameOfReferenceSequence.{IN_STRUCTURE_SET}", CT, "structure-set-image"),
    ("ReferencedFrameOfReferenceSequence.RTReferencedStudySequence", CT, "other"),
    ("ReferencedRTPlanSequence", CT, "referenced-plan"),
    ("ReferencedStructureSetSequence", CT, "referenced-structure-set"),
    ("ReferencedDoseSequence", CT, "referenced-dose"),
    ("CurrentRequestedProcedureEvidenceSequence.ReferencedSeriesSequence.ReferencedSOPSequence", CT, "evidence"),
    ("PertinentOtherEvidenceSequence", CT, "evidence"),
    ("ContentSequence.ContentSequence.ReferencedSOPSequence", CT, "evidence"),
    ("ReferencedSeriesSequence.ReferencedImageSequence", CT, "presentation"),
    ("GraphicAnnotationSequence.ReferencedImageSequence", CT, "presentation"),
    ("ReferencedImageSequence.ReferencedPresentationStateSequence", CT, "presentation"),
    ("RegistrationSequence.ReferencedImageSequence", CT, "registration"),
    ("DeformableRegistrationSequence.ReferencedImageSequence", CT, "registration"),
    ("ReferencedSpatialRegistrationSequence", CT, "registration"),
    ("ReferencedRealWorldValueMappingInstanceSequence", CT, "real-world-value-mapping"),
    ("ReferencedImageRealWorldValueMappingSequence.ReferencedImageSequence", CT, "real-world-value-mapping"),
    ("PredecessorDocumentsSequence.ReferencedSeriesSequence.ReferencedSOPSequence", CT, "predecessor"),
    ("PredecessorStructureSetSequence", CT, "predecessor"),
    ("ReferencedPerformedProcedureStepSequence", CT, "performed-procedure-step"),
    ("ReferencedStudySequence", CT, "other"),
    ("(0029,1001)", CT, "other"),
]


@pytest.mark.parametrize(("path", "sop_class", "relation"), RELATIONS)
def test_relation(path: str, sop_class: str | None, relation: str) -> None:
    """By the path, and by the SOP class where it tells two apart."""
    assert relation_of(path, sop_class) == relation


def test_relations_are_those_of_the_column() -> None:
    """Each relation that `tables.csv` names comes out of some path, and no other."""
    (meaning,) = [row["meaning"] for row in data_rows("tables.csv") if (row["table"], row["name"]) == ("instance_references", "relation")]
    named = {relation.strip() for relation in meaning.split(";")[0].split("·")}
    assert named == {relation for *_, relation in RELATIONS}


def _scan(folder: Path, *files: bytes) -> dict[str, list[dict[str, Any]]]:
    paths = [folder / str(number) for number in range(len(files))]
    for path, data in zip(paths, files, strict=True):
        path.write_bytes(data)
    return {name: table.to_pylist() for name, table in scan([str(path) for path in paths]).tables.items()}


def test_each_reference_has_the_relation_of_its_own_object(tmp_path: Path) -> None:
    """Objects of two SOP classes in one unit refer by the same path."""
    image = E.element("ReferencedSOPInstanceUID", "2.1")
    series = E.sequence("ReferencedSeriesSequence", E.sequence("ReferencedInstanceSequence", image) + E.element("SeriesInstanceUID", "1.5"))
    source = E.sequence("SourceImageSequence", image)
    segmentation = with_elements(E.element("SOPClassUID", SEGMENTATION), series, source)
    without_class = part10(E.element("SOPInstanceUID", "1.7") + series)
    tables = _scan(tmp_path, with_elements(series), segmentation, without_class)
    found = [(Path(row["url"]).name, row["element_path"].split(".")[-1], row["relation"]) for row in tables["instance_references"]]
    assert found == [
        ("0", "ReferencedInstanceSequence", "referenced-image"),
        ("1", "ReferencedInstanceSequence", "segmented-image"),
        ("1", "SourceImageSequence", "source-image"),
        ("2", "ReferencedInstanceSequence", "referenced-image"),
    ]
    (first, *_) = tables["instance_references"]
    assert (first["ReferencedSeriesInstanceUID"], first["times"]) == ("1.5", 1)
    assert (first["PatientID"], first["StudyInstanceUID"], first["SeriesInstanceUID"]) == ("P1", "1.2.3", "1.2.3.4")


def test_a_segment_without_a_number_of_its_own_has_no_row(tmp_path: Path) -> None:
    """It is one finding of the file; other files keep their rows, of the same numbers too."""
    labels = [(b"\2\0", "two"), (b"\1\0", "one"), (b"\2\0", "again"), (b"", "none"), (b"\1\0", "too")]
    segments = E.sequence(
        "SegmentSequence", *(E.element("SegmentNumber", number) + E.element("SegmentLabel", text) for number, text in labels)
    )
    sound = E.sequence("SegmentSequence", *(E.element("SegmentNumber", number) for number in (b"\1\0", b"\2\0")))
    tables = _scan(tmp_path, with_elements(sound), with_elements(segments))
    assert [(Path(row["url"]).name, row["segment_number"], row["label"]) for row in tables["segments"]] == [
        ("0", 1, None),
        ("0", 2, None),
        ("1", 2, "two"),
        ("1", 1, "one"),
    ]
    (finding,) = tables["findings"]
    assert (finding["level"], finding["code"], Path(finding["url"]).name) == ("file", "repeated-number", "1")
    assert finding["series_key"] == tables["segments"][-1]["series_key"]
    assert finding["message"] == numbered.REPEATED_NUMBER_MESSAGE


def test_no_file_keeps_more_rows_than_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Rows beyond are left out, of this file alone, with a finding that names the table."""
    monkeypatch.setattr(numbered, "ROWS_LIMIT", 3)
    items = [E.element("TextValue", str(number)) for number in range(5)]
    few, many = (E.sequence("AcquisitionContextSequence", *items[:count]) for count in (3, 5))
    tables = _scan(tmp_path, with_elements(few), with_elements(many), with_elements(few))
    found = [(Path(row["url"]).name, row["value"]) for row in tables["content_items"]]
    assert found == [(file, value) for file in "012" for value in "012"]
    (finding,) = tables["findings"]
    assert (finding["code"], Path(finding["url"]).name) == ("too-many-rows", "1")
    assert "content_items" in finding["message"]


def test_tables_without_rows_stay_as_they_are() -> None:
    """A unit of files that have nothing inside costs no row."""
    request = ScanRequest(SCHEMA)
    tables = finished(request.empty_tables(), None, request)
    assert {name: (table.num_rows, table.schema) for name, table in tables.items()} == {
        name: (0, table.schema) for name, table in request.empty_tables().items()
    }
    assert all(isinstance(table, pa.Table) for table in tables.values())
