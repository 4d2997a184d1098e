"""Settings: what the file says is what runs, and what can't be meant is an error that names its key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from dicomlake.config import Settings, load_settings
from dicomlake.errors import ConfigurationError

CONFIGS = Path(__file__).parent.parent / "configs"
SIEMENS_B_VALUE = "(0019,xx0C)[SIEMENS MR HEADER]"
POSITIONS = "PerFrameFunctionalGroupsSequence[*].PlanePositionSequence[0].ImagePositionPatient"


def settings_of(folder: Path, text: str, **overrides: Any) -> Settings:
    """Settings from YAML text; ``__`` in a keyword stands for the dot of its key."""
    file = folder / "settings.yaml"
    file.write_text(text, "utf-8")
    return load_settings(file, {key.replace("__", "."): value for key, value in overrides.items()})


def test_default_file_is_the_coded_defaults() -> None:
    """configs/default.yaml has every key that the code has, no other, each with the coded default."""
    assert yaml.safe_load((CONFIGS / "default.yaml").read_text("utf-8")) == Settings().model_dump(mode="json")
    assert load_settings(CONFIGS / "default.yaml") == load_settings() == Settings()


def test_default_file_explains_every_key() -> None:
    """Above each key of configs/default.yaml stands a comment at the same depth."""
    lines = (CONFIGS / "default.yaml").read_text("utf-8").splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r" *[a-z_]+:", line)]
    sections = Settings().model_dump().values()
    assert len(keys) == len(sections) + sum(len(section) for section in sections if isinstance(section, dict))
    for number in keys:
        depth = len(lines[number]) - len(lines[number].lstrip())
        assert lines[number - 1].startswith(" " * depth + "# "), lines[number]


def test_examples_in_default_file_work(tmp_path: Path) -> None:
    """The columns and storage options shown in comments of configs/default.yaml load once the comment signs are gone."""
    text = (CONFIGS / "default.yaml").read_text("utf-8")
    examples = "\n".join(line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   "))
    settings = settings_of(tmp_path, examples)
    names = [column.name for column in settings.schema_of_lake().columns if column.group == "user"]
    assert names == [
        "DateOfSecondaryCapture",
        "Beam_BeamName",
        "PlanePosition_ImagePositionPatient",
        "first_referenced_image",
        "siemens_b_value",
    ]
    assert settings.storage_options["s3"]["key"] == "${STORE_KEY}"


def test_nightly_file_loads() -> None:
    """configs/nightly.yaml reads the same rows as the defaults do, and ends in time."""
    settings = load_settings(CONFIGS / "nightly.yaml")
    assert settings.running.time_limit_seconds == 5.5 * 3600
    assert settings.lake.missing_limit < Settings().lake.missing_limit
    assert settings.digest() == Settings().digest()


def test_cluster_file_loads() -> None:
    """configs/cluster.yaml names a scheduler and reads the same rows as the defaults do."""
    settings = load_settings(CONFIGS / "cluster.yaml")
    assert settings.running.scheduler == "tcp://127.0.0.1:8786"
    assert settings.digest() == Settings().digest()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colums: []", "key 'colums' is unknown"),
        ("lake: {missing_limt: 1}", "key 'lake.missing_limt' is unknown"),
        ("columns: [{path: PatientID, nam: x}]", "key 'columns.0.nam' is unknown"),
        ("lake: {missing_limit: 1.5}", "key 'lake.missing_limit': input should be less than or equal to 1"),
        ("lake: {missing_limit: 10%}", "key 'lake.missing_limit': input should be a valid number"),
        ("running: {workers: -1}", "key 'running.workers'"),
        ("running: {workers: true}", "key 'running.workers'"),
        ("running: {workers: '4'}", "key 'running.workers'"),
        ("reading: {file_seconds_limit: .inf}", "key 'reading.file_seconds_limit'"),
        ("reading: {file_seconds_limit: .nan}", "key 'reading.file_seconds_limit'"),
        ("reading: {header_limit: 0}", "key 'reading.header_limit'"),
        ("listing: {unit_files: 0}", "key 'listing.unit_files'"),
        ("engine: dcmtk", "key 'engine': input should be 'native' or 'pydicom'"),
        ("headers: perhaps", "key 'headers'"),
        ("lake: 5", "key 'lake' must hold keys and values"),
        ("columns: {path: PatientID}", "key 'columns' must hold a list"),
        ("columns: [{name: x}]", "key 'columns.0.path': field required"),
        ("1: 2", "key '1'"),
        ("- engine", "must hold keys and values"),
        ("engine: [", "is not YAML: "),
        ("lake: {missing_limit: 2, commit_units: 0}", "(and 1 more)"),
        ("lake: {partition_by: PatientSize}", "partition_by 'PatientSize'"),
    ],
)
def test_what_can_not_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """A wrong key or value is one line that names the file and the key."""
    with pytest.raises(ConfigurationError, match=re.escape(message)) as caught:
        settings_of(tmp_path, text)
    assert str(tmp_path / "settings.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_file_that_can_not_be_read(tmp_path: Path) -> None:
    """A file that is not there, or is not text, is a configuration error too."""
    with pytest.raises(ConfigurationError, match="can't be read: No such file"):
        load_settings(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"engine: \xe9")
    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        load_settings(tmp_path / "latin.yaml")


@pytest.mark.parametrize("text", ["storage_options: {key: &: hunter2", "storage_options: [hunter2]", "storage_options: {hunter2: \x01}"])
def test_errors_repeat_no_credential(tmp_path: Path, text: str) -> None:
    """What stands in a file that can't be used may be a credential, so no message repeats it."""
    with pytest.raises(ConfigurationError) as caught:
        settings_of(tmp_path, text)
    assert "hunter2" not in str(caught.value)


def test_settings_show_no_credential(tmp_path: Path) -> None:
    """Settings that end up in a message or a log leave the storage options out."""
    settings = settings_of(tmp_path, "storage_options: {secret: hunter2}")
    assert settings.storage_options == {"secret": "hunter2"}
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)


@pytest.mark.parametrize("text", ["", "# nothing yet", "lake:\n  # missing_limit: 0.5\ncolumns:\nstorage_options:"])
def test_empty_sections_mean_defaults(tmp_path: Path, text: str) -> None:
    """A file, or a section, of which every line is commented out changes nothing."""
    assert settings_of(tmp_path, text) == Settings()


def test_overrides_go_over_the_file(tmp_path: Path) -> None:
    """An override replaces its own key only, also where the file lacks or empties the section."""
    settings = settings_of(tmp_path, "lake: {missing_limit: 0.5, commit_units: 2}\nrunning:", lake__missing_limit=1, running__workers=3)
    assert (settings.lake.missing_limit, settings.lake.commit_units, settings.running.workers) == (1, 2, 3)
    assert load_settings(None, {"engine": "pydicom", "storage_options": {"anon": True}}).storage_options == {"anon": True}


@pytest.mark.parametrize(("key", "value"), [("lake.missing_limt", 1), ("lak.missing_limit", 1), ("running.workers", "many")])
def test_wrong_overrides_are_refused(key: str, value: object) -> None:
    """An override is held to the same rules as a key of the file."""
    with pytest.raises(ConfigurationError, match=key.split(".", maxsplit=1)[0]):
        load_settings(None, {key: value})


def test_override_does_not_hide_a_wrong_section(tmp_path: Path) -> None:
    """A value where a section belongs stays an error when an override names a key of that section."""
    with pytest.raises(ConfigurationError, match="key 'lake' must hold keys and values"):
        settings_of(tmp_path, "lake: 5", lake__missing_limit=1)


def test_settings_are_frozen() -> None:
    """Settings that passed validation stay as they are."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().engine = "pydicom"


@pytest.mark.parametrize(
    ("column", "name", "type_name"),
    [
        ("{path: DateOfSecondaryCapture}", "DateOfSecondaryCapture", "date32"),
        ("{path: '(0018,1012)', name: capture_date}", "capture_date", "date32"),
        ("{path: 'BeamSequence[*].BeamName'}", "Beam_BeamName", "list<string>"),
        ("{path: 'BeamSequence[0].BeamName'}", "Beam_BeamName", "string"),
        ("{path: PatientSize, name: size_as_text, type: string}", "size_as_text", "string"),
        (f"{{path: '{SIEMENS_B_VALUE}', name: b_value}}", "b_value", "int64"),
        (f"{{path: '{SIEMENS_B_VALUE}', name: b_value, vr: DS, units: s/mm²}}", "b_value", "float64"),
        ("{path: '(0019,xx01)[NOBODY KNOWS]', name: unheard_of, vr: LO}", "unheard_of", "string"),
        ("{path: '(0019,xx0E)[SIEMENS MR HEADER]', name: gradient, vr: FD}", "gradient", "list<float64>"),
        ("{path: 'SegmentSequence[*].SegmentedPropertyTypeCodeSequence[*].CodeValue', name: types}", "types", "list<string>"),
        ("{path: 'ReferencedImageSequence[*].ImageType', name: types}", "types", "list<string>"),
        (f"{{path: '{POSITIONS}', type: list<string>}}", "PlanePosition_ImagePositionPatient", "list<string>"),
    ],
)
def test_user_columns(tmp_path: Path, column: str, name: str, type_name: str) -> None:
    """A column of the user's stands last among the header columns, with the type of its VR unless told otherwise."""
    added = settings_of(tmp_path, f"columns: [{column}]").schema_of_lake().columns[-1]
    assert (added.name, added.type, added.group) == (name, type_name, "user")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("{path: PatientID}", "column 'PatientID' exists already"),
        ("{path: PatientID, name: PATIENTNAME}", "column 'PATIENTNAME' exists already"),
        ("{path: PatientID, name: header_digest}", "column 'header_digest' exists already"),
        ("{path: PatientID, name: a}, {path: PatientName, name: A}", "column 'A' exists already"),
        ("{path: PatientID, name: two words}", "column name 'two words' can't be used"),
        ("{path: PatientID, name: x, vr: XX}", "'XX' is no VR"),
        ("{path: PatientID, name: x, type: decimal}", "type 'decimal' is unknown"),
        ("{path: PatientIdentifier}", "'PatientIdentifier' is not a keyword"),
        ("{path: '(0019,xx01)[NOBODY KNOWS]', name: x}", "needs a 'name' and a 'vr'"),
        (f"{{path: '{SIEMENS_B_VALUE}'}}", "needs a 'name' and a 'vr'"),
        ("{path: '(0019,100C)', name: x, vr: IS}", "a private element is named by its creator, as in (0019,xx0C)[CREATOR]"),
        ("{path: '(0018,xx0C)[EVEN]', name: x, vr: IS}", "group 0018 is even"),
        ("{path: BeamSequence}", "is a sequence"),
        ("{path: BeamSequence.BeamName}", "character 13"),
        ("{path: 'PatientName[0].BeamName'}", "PatientName is not a sequence"),
        ("{path: 'BeamSequence[*].BeamName', type: string}", "must be a list"),
        (f"{{path: '{POSITIONS}'}}", "several values (VM 3), for which 'list<float64>' has no room; give it 'type: list<string>'"),
        (f"{{path: '{POSITIONS}', type: list<float64>}}", "several values (VM 3)"),
        ("{path: 'ReferencedImageSequence[*].ReferencedFrameNumber'}", "several values (VM 1-n)"),
        ("{path: '(0021,xx10)[X][*].(0019,xx0E)[SIEMENS MR HEADER]', name: x, vr: FD}", "several values (VM 3)"),
        ("{path: PixelData}", "pixel data is never read"),
    ],
)
def test_user_columns_that_can_not_be(tmp_path: Path, columns: str, message: str) -> None:
    """A column that is taken, unknown or can't have a value is refused before any file is read."""
    with pytest.raises(ConfigurationError, match=re.escape(message)) as caught:
        settings_of(tmp_path, f"columns: [{columns}]")
    assert str(tmp_path / "settings.yaml") in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "columns: [{path: 'BeamSequence[0].BeamName'}]",
        "columns: [{path: 'BeamSequence[*].BeamName'}]",
        "columns: [{path: 'BeamSequence[*].BeamName', name: beams}]",
        "columns: [{path: PatientSize, name: size_as_text, type: string}]",
        f"columns: [{{path: '{SIEMENS_B_VALUE}', name: b_value}}]",
        f"columns: [{{path: '{SIEMENS_B_VALUE}', name: b_value, vr: DS}}]",
        "headers: true",
        "reading: {header_limit: 1000000}",
        "lake: {partition_by: Manufacturer}",
    ],
)
def test_digest_tells_what_changes_rows(tmp_path: Path, text: str) -> None:
    """Where rows would differ the digest does, so that the next run reads every file again."""
    assert settings_of(tmp_path, text).digest() != Settings().digest()


def test_digests_of_different_columns_differ(tmp_path: Path) -> None:
    """The item of a path, a column's name and its VR each tell two sets of columns apart."""
    path = f"path: '{SIEMENS_B_VALUE}'"
    columns = ["path: 'BeamSequence[0].BeamName'", "path: 'BeamSequence[*].BeamName'", "path: 'BeamSequence[1].BeamName'"]
    columns += [f"{path}, name: b", f"{path}, name: b_value", f"{path}, name: b, vr: DS", f"{path}, name: b, type: string"]
    assert len({settings_of(tmp_path, f"columns: [{{{column}}}]").digest() for column in columns}) == len(columns)


@pytest.mark.parametrize(
    "text",
    [
        "running: {workers: 3, dashboard_address: null, units_in_flight_per_worker: 1, worker_deaths_limit: 1}",
        "running: {scheduler: 'tcp://127.0.0.1:8786'}",
        "storage_options: {secret: hunter2}",
        "listing: {unit_files: 7}",
        "reading: {first_read: 4096, file_seconds_limit: 5}",
        "lake: {missing_limit: 1, commit_units: 1, rollup_rows: 5, log_retention_days: 30}",
    ],
)
def test_digest_leaves_out_what_changes_no_row(tmp_path: Path, text: str) -> None:
    """Other workers, addresses, credentials or sizes don't make a run read everything again."""
    assert settings_of(tmp_path, text).digest() == Settings().digest()


def test_digest_leaves_out_how_columns_are_put(tmp_path: Path) -> None:
    """The order of columns, their descriptions, and defaults that are spelled out don't change rows."""
    one = "columns: [{path: 'BeamSequence[0].BeamName'}, {path: DateOfSecondaryCapture}]"
    other = "columns: [{path: DateOfSecondaryCapture, vr: DA}, {path: 'BeamSequence[0].BeamName', name: Beam_BeamName, description: x}]"
    assert settings_of(tmp_path, one).digest() == settings_of(tmp_path, other).digest()
