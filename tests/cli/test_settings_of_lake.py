"""Settings that change rows belong to the lake: a run without a configuration takes them, and one with others says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import dicomlake
import dicomlake.run.planning
import dicomlake.schema
from dicomlake.config import load_settings
from dicomlake.run import Progress
from tests.cli.conftest import Run
from tests.corpus import write_corpus

CONFIGURATION = """\
columns:
  - {path: PatientBirthTime}
  - {path: "(0019,xx0C)[SIEMENS MR HEADER]", name: b_value, vr: IS, units: s/mm2}
reading: {header_limit: 1048576}
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A few synthetic files."""
    write_corpus(tmp_path / "archive", 12)
    return tmp_path / "archive"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration that changes rows."""
    path = tmp_path / "my.yaml"
    path.write_text(CONFIGURATION, "utf-8")
    return path


def _index(archive: Path, lake: Path, **more: object) -> tuple[dicomlake.Summary, Progress]:
    progress = Progress()
    return dicomlake.index(archive, lake=lake, workers=0, progress=progress, **more), progress  # type: ignore[arg-type]


def test_a_forgotten_configuration_changes_nothing(archive: Path, config: Path, tmp_path: Path) -> None:
    """The columns stay, and nothing is read again."""
    lake = tmp_path / "lake"
    _index(archive, lake, config=config, headers=True)
    summary, progress = _index(archive, lake)
    assert (summary.files_unchanged, summary.requests, progress.warnings) == (12, 0, [])
    instances = dicomlake.Lake(lake).instances.collect()
    assert {"b_value", "PatientBirthTime"} <= set(instances.columns)
    assert instances["header_json"].null_count() == 0


def test_other_settings_are_named_and_read_again(archive: Path, config: Path, tmp_path: Path, run: Run) -> None:
    """One line says which settings differ; the run reads every file; a quiet run says it too."""
    lake = tmp_path / "lake"
    _index(archive, lake, config=config)
    (tmp_path / "other.yaml").write_text("headers: true\n", "utf-8")
    summary, progress = _index(archive, lake, config=tmp_path / "other.yaml")
    assert progress.warnings == [
        "settings differ from those of snapshot 1 (columns, headers, reading.header_limit): every file is read again"
    ]
    assert summary.files_unchanged + summary.files_changed == 12
    assert summary.files_indexed == 12
    quiet = run("index", archive, "--lake", lake, "--config", config, "--workers", 0, "--quiet")
    assert quiet.err.splitlines() == [
        "dicomlake: settings differ from those of snapshot 2 (columns, headers, reading.header_limit): every file is read again"
    ]


def test_a_release_reads_nothing_again_and_a_rows_version_does(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of dicomlake is told in `snapshots`, and does not count."""
    lake = tmp_path / "lake"
    _index(archive, lake)
    for module in ("planning", "stages"):
        monkeypatch.setattr(f"dicomlake.run.{module}.engine_version", lambda name: f"{name} 99.0")
    summary, progress = _index(archive, lake)
    assert (summary.files_unchanged, summary.files_indexed, progress.warnings) == (12, 0, [])
    assert dicomlake.Lake(lake).row["engine"] == "native 99.0"
    monkeypatch.setattr(dicomlake.run.planning, "ROWS_VERSION", dicomlake.schema.ROWS_VERSION + 1)
    summary, progress = _index(archive, lake)
    assert summary.files_indexed == 12
    assert "another meaning than snapshot 2" in progress.warnings[0]


def test_settings_are_printed_as_a_configuration(archive: Path, config: Path, tmp_path: Path, run: Run) -> None:
    """Given back as a configuration, they are the settings of the lake."""
    lake = tmp_path / "lake"
    _index(archive, lake, config=config)
    printed = run("info", lake, "--settings")
    assert printed.code == 0
    again = tmp_path / "again.yaml"
    again.write_text(printed.out, "utf-8")
    assert load_settings(again).of_rows() == load_settings(config).of_rows() == yaml.safe_load(printed.out)
    summary, progress = _index(archive, lake, config=again)
    assert (summary.files_indexed, progress.warnings) == (0, [])


def test_no_credential_is_kept(archive: Path, tmp_path: Path) -> None:
    """Options of stores do not change rows, and stay out."""
    _index(archive, tmp_path / "lake", storage_options={"secret": "made-up-secret"})
    assert "made-up-secret" not in str(dicomlake.Lake(tmp_path / "lake").row)
