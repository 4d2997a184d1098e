"""Rows of series, studies and patients, by hand."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from dicomlake.rollup.levels import columns_needed, condense, roll_up
from dicomlake.schema import LakeSchema, entity_key

SCHEMA = LakeSchema.build()


def _instances(*rows: dict[str, Any]) -> pl.DataFrame:
    arrow = SCHEMA.table("instances")
    empty = pl.DataFrame(arrow.empty_table())
    common = {"PatientID": "P", "StudyInstanceUID": "1", "SeriesInstanceUID": "1.1", "file_size": 10}
    frame = pl.DataFrame([_with_keys({**common, **row}) for row in rows], infer_schema_length=None)
    return pl.concat([empty, frame.cast({name: empty.schema[name] for name in frame.columns})], how="diagonal")


def _with_keys(row: dict[str, Any]) -> dict[str, Any]:
    study, series = row["StudyInstanceUID"], row["SeriesInstanceUID"]
    patient = entity_key(row.get("IssuerOfPatientID"), row["PatientID"])
    return {**row, "patient_key": patient, "study_key": entity_key(study), "series_key": entity_key(study, series)}


def _roll_up(level: str, *rows: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    needed = _instances(*rows).select(columns_needed(SCHEMA, level))
    rolled_up = roll_up(condense(needed, level), SCHEMA, level)
    return rolled_up.rows.to_dicts(), rolled_up.findings.to_dicts()


def test_a_series_counts_its_instances_frames_and_bytes() -> None:
    """NumberOfFrames counts as 1 where it is absent."""
    rows, findings = _roll_up(
        "series",
        {"SOPClassUID": "b", "NumberOfFrames": 5, "TransferSyntaxUID": "x", "acquisition_datetime": datetime(2020, 1, 2)},
        {"SOPClassUID": "a", "acquisition_datetime": datetime(2020, 1, 1)},
        {"SOPClassUID": "a", "TransferSyntaxUID": "x"},
    )
    assert findings == []
    (row,) = rows
    assert row["NumberOfSeriesRelatedInstances"] == 3
    assert row["number_of_frames"] == 7
    assert row["total_file_size"] == 30
    assert row["sop_classes"] == ["a", "b"]
    assert row["transfer_syntaxes"] == ["x"]
    assert (row["first_acquisition_datetime"], row["last_acquisition_datetime"]) == (datetime(2020, 1, 1), datetime(2020, 1, 2))
    assert row["SOPClassUID"] == "a"
    assert row["inconsistent_attributes"] is None
    assert row["varying_attributes"] == ["SOPClassUID"]


def test_numbers_of_an_acquisition_come_with_their_range() -> None:
    """x-ray, mr and nuclear numbers have ``_min`` and ``_max``; the value itself is the most frequent."""
    (row,), findings = _roll_up("series", {"KVP": 120.0}, {"KVP": 80.0}, {"KVP": 120.0}, {"KVP": None})
    assert (row["KVP"], row["KVP_min"], row["KVP_max"]) == (120.0, 80.0, 120.0)
    assert row["varying_attributes"] == ["KVP"]
    assert findings == []


def test_what_must_not_differ_in_a_series_is_inconsistent_and_a_finding() -> None:
    """Attributes of series and equipment, and the keys of parents."""
    (row,), findings = _roll_up("series", {"Manufacturer": "b", "PatientID": "Q"}, {"Manufacturer": "a"}, {})
    assert row["Manufacturer"] == "a"
    assert row["PatientID"] == "P"
    assert row["inconsistent_attributes"] == ["Manufacturer", "PatientID"]
    assert [(finding["level"], finding["code"], finding["element_path"], finding["tag"]) for finding in findings] == [
        ("series", "inconsistent-attribute", "Manufacturer", "(0008,0070)"),
        ("series", "inconsistent-attribute", "PatientID", "(0010,0020)"),
    ]
    assert {finding["SeriesInstanceUID"] for finding in findings} == {"1.1"}


def test_one_series_uid_in_two_studies_is_two_series() -> None:
    """A series is keyed within its study."""
    rows, _ = _roll_up("series", {"StudyInstanceUID": "1"}, {"StudyInstanceUID": "2"}, {"StudyInstanceUID": None})
    assert sorted((row["StudyInstanceUID"] or "", row["NumberOfSeriesRelatedInstances"]) for row in rows) == [("", 1), ("1", 1), ("2", 1)]


def test_a_study_carries_its_modalities_and_its_time() -> None:
    """The date and time of the study make one timestamp; nulls make none."""
    (row,), findings = _roll_up(
        "studies",
        {"Modality": "MR", "StudyDate": date(2021, 2, 3), "StudyTime": "10:11:12.500000", "SeriesInstanceUID": "a"},
        {"Modality": "CT", "StudyDate": date(2021, 2, 3), "SeriesInstanceUID": "b", "patient_age_years": 40.0},
        {"Modality": None, "SeriesInstanceUID": None},
    )
    assert row["ModalitiesInStudy"] == ["CT", "MR"]
    assert row["NumberOfStudyRelatedSeries"] == 3
    assert row["NumberOfStudyRelatedInstances"] == 3
    assert row["study_datetime"] == datetime(2021, 2, 3, 10, 11, 12, 500000)
    assert row["patient_age_years"] == 40.0
    assert findings == []


def test_a_study_of_two_patients_is_inconsistent() -> None:
    """The study belongs to the patient of most of its instances."""
    (row,), findings = _roll_up("studies", {"PatientID": "A"}, {"PatientID": "B"}, {"PatientID": "B"})
    assert row["PatientID"] == "B"
    assert row["inconsistent_attributes"] == ["PatientID"]
    assert [finding["level"] for finding in findings] == ["study"]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        # PatientID and issuer are agreed upon apart, and the patient is the one that has both.
        ([("A", "x"), ("A", "x"), ("B", "y"), ("B", "y"), ("B", None)], ("B", "x")),
        ([("A", "x"), ("B", "x"), ("B", "y"), ("C", "x")], ("B", "x")),
        ([("A", "x"), ("A", "x"), ("A", None), ("A", None), ("A", None)], ("A", "x")),
        ([(None, None), (None, None), ("A", None)], ("A", None)),
    ],
)
def test_parents_have_keys_that_join(pairs: list[tuple[str | None, str | None]], expected: tuple[str, str | None]) -> None:
    """The patient of a study or series is one of its instances', of the agreed PatientID and issuer where there is such a one."""
    keys = [entity_key(issuer, patient) for patient, issuer in pairs]
    for level in ("series", "studies"):
        (row,), _ = _roll_up(level, *({"PatientID": patient, "IssuerOfPatientID": issuer} for patient, issuer in pairs))
        assert (row["PatientID"], row["IssuerOfPatientID"]) == expected
        agreed = entity_key(expected[1], expected[0])
        most = min(keys, key=lambda key: (-keys.count(key), key))
        assert row["patient_key"] == (agreed if expected in pairs else most)
        assert row["study_key"] == entity_key("1")
    patients, _ = _roll_up("patients", *({"PatientID": patient, "IssuerOfPatientID": issuer} for patient, issuer in pairs))
    assert {row["patient_key"] for row in patients} == set(keys)


def test_findings_have_the_keys_of_their_entity() -> None:
    """Those of its parents too, and none of a lower level."""
    differing = [{"StudyDescription": text, "Manufacturer": text, "PatientSex": text} for text in "MF"]
    series, study, patient = (_roll_up(level, *differing)[1][0] for level in ("series", "studies", "patients"))
    keys = {"patient_key": entity_key(None, "P"), "study_key": entity_key("1"), "series_key": entity_key("1", "1.1")}
    for finding, expected in ((series, 3), (study, 2), (patient, 1)):
        assert {name: finding[name] for name in keys if name in finding} == dict(list(keys.items())[:expected])


def test_a_patient_counts_studies_series_and_instances() -> None:
    """Two issuers of one PatientID are two patients."""
    rows, findings = _roll_up(
        "patients",
        {"PatientBirthDate": date(1970, 1, 1), "StudyDate": date(2020, 1, 1), "Modality": "CT"},
        {"PatientBirthDate": date(1970, 1, 2), "StudyInstanceUID": "2", "StudyDate": date(2021, 1, 1), "Modality": "MR"},
        {"PatientBirthDate": date(1970, 1, 2), "StudyInstanceUID": "2", "SeriesInstanceUID": "2.1"},
        {"IssuerOfPatientID": "elsewhere"},
    )
    first, second = sorted(rows, key=lambda row: row["IssuerOfPatientID"] or "")
    assert (first["NumberOfPatientRelatedStudies"], first["NumberOfPatientRelatedSeries"]) == (2, 3)
    assert first["NumberOfPatientRelatedInstances"] == 3
    assert first["PatientBirthDate"] == date(1970, 1, 2)
    assert (first["first_study_date"], first["last_study_date"]) == (date(2020, 1, 1), date(2021, 1, 1))
    assert first["modalities"] == ["CT", "MR"]
    assert first["inconsistent_attributes"] == ["PatientBirthDate"]
    assert second["NumberOfPatientRelatedInstances"] == 1
    (finding,) = findings
    assert (finding["level"], finding["PatientID"], finding["element_path"]) == ("patient", "P", "PatientBirthDate")


def test_what_a_patient_is_must_not_differ_inside_a_study() -> None:
    """The attributes of the patient are held against each other there too, though a study does not carry them."""
    (row,), findings = _roll_up("studies", {"PatientSex": "F"}, {"PatientSex": "M"}, {"PatientSex": None})
    assert row["inconsistent_attributes"] == ["PatientSex"]
    assert "PatientSex" not in row
    assert [(finding["level"], finding["element_path"]) for finding in findings] == [("study", "PatientSex")]
