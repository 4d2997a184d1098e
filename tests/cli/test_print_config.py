"""`index --print-config`: the configuration in force, as YAML that loads again."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from dicomlake.config import Settings, load_settings
from tests.cli.conftest import Run

PATH = "PerFrameFunctionalGroupsSequence[*].PlanePositionSequence[0].ImagePositionPatient"


def _loaded(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "printed.yaml"
    path.write_text(text, "utf-8")
    return load_settings(path)


def test_without_anything_it_is_the_file_of_the_package(run: Run) -> None:
    """An installed copy has the file that explains every key; neither a source nor a lake is needed."""
    ran = run("index", "--print-config")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == resources.files("dicomlake").joinpath("default.yaml").read_text("utf-8")


def test_what_is_printed_loads_as_what_is_in_force(run: Run, tmp_path: Path) -> None:
    """Values of a file and of options stand at their keys, under the same comments."""
    config = tmp_path / "my.yaml"
    config.write_text(
        f"columns:\n- {{path: '{PATH}', type: list<string>}}\n- {{path: '(0019,xx0C)[X: #1]', name: x, vr: LO, units: s/mm²}}\n"
        "lake: {keep: null, missing_limit: 1}\nrunning: {scheduler: 'tcp://host:8786', dashboard_address: null}\n",
        "utf-8",
    )
    ran = run("index", "--config", config, "--engine", "pydicom", "--workers", 2, "--time-limit", "2h", "--print-config")
    printed = _loaded(tmp_path, ran.out)
    assert printed == load_settings(
        config, {"engine": "pydicom", "running.workers": 2, "running.scheduler": "x", "running.time_limit_seconds": 7200.0}
    ).model_copy(update={"running": printed.running})
    assert (printed.running.workers, printed.running.scheduler, printed.running.time_limit_seconds) == (2, None, 7200.0)
    comments = [line for line in ran.out.splitlines() if line.lstrip().startswith("#")]
    explained = resources.files("dicomlake").joinpath("default.yaml").read_text("utf-8").splitlines()
    assert comments[1:] == [line for line in explained if line.lstrip().startswith("#")][1:]


def test_settings_of_the_lake_are_in_force(run: Run, own_lake: Path, archive: Path, tmp_path: Path) -> None:
    """A run without a configuration takes those of the lake."""
    config = tmp_path / "my.yaml"
    config.write_text("columns: [{path: PatientBirthTime}]\n", "utf-8")
    assert run("index", archive, "--lake", own_lake, "--workers", 0, "--config", config).code == 0
    printed = _loaded(tmp_path, run("index", "--lake", own_lake, "--print-config").out)
    assert [column.path for column in printed.columns] == ["PatientBirthTime"]


def test_credentials_are_not_printed(run: Run, tmp_path: Path) -> None:
    """Storage options may hold a key, so only their name is shown."""
    config = tmp_path / "my.yaml"
    config.write_text("storage_options: {s3: {key: ABC, secret: hunter2}}\n", "utf-8")
    ran = run("index", "--config", config, "--print-config")
    assert "hunter2" not in ran.out
    assert "ABC" not in ran.out
    assert "is not shown" in ran.out
    assert _loaded(tmp_path, ran.out).storage_options == {}


@pytest.mark.parametrize("text", ["lake: {mising_limit: 1}", "lake: 5", "- 1"])
def test_errors_name_what_an_installed_copy_has(run: Run, tmp_path: Path, text: str) -> None:
    """No message sends the user to a file of the repository."""
    config = tmp_path / "my.yaml"
    config.write_text(text, "utf-8")
    run("index", "--config", config, "--print-config").assert_one_line_error(2, "'dicomlake index --print-config' shows every key")
