"""`index` and `sample` from the command line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

import dicomlake.run.index
from dicomlake.cli.application import command_line
from dicomlake.lake.write.lock import LakeLock
from dicomlake.parts import Location
from dicomlake.run.feed import UnitFeed
from dicomlake.samples import MANIFEST_NAME
from tests.cli.conftest import Run

JSON_KEYS = [
    "snapshot",
    "files_listed",
    "files_new",
    "files_changed",
    "files_unchanged",
    "files_missing",
    "files_indexed",
    "files_failed",
    "files_not_dicom",
    "files_skipped",
    "files_duplicate",
    "bytes_read",
    "requests",
    "seconds",
    "files_per_second",
    "files_left",
    "listing_ended",
]


def test_sample_says_what_it_wrote(run: Run, tmp_path: Path) -> None:
    """The counts are the manifest's, and the next step is named."""
    ran = run("sample", tmp_path / "archive", "--studies", 1, "--seed", 7)
    counts = json.loads((tmp_path / "archive" / MANIFEST_NAME).read_text("utf-8"))["counts"]
    assert ran.code == 0
    assert ran.out.startswith(f"{counts['files'] + 1} files in ")
    assert f"{counts['instances']} instances" in ran.out
    assert "dicomlake index" in ran.err


def test_sample_into_a_folder_with_things_in_it_is_refused(run: Run, tmp_path: Path) -> None:
    """Nobody's files are mixed with invented ones."""
    (tmp_path / "mine").touch()
    run("sample", tmp_path).assert_one_line_error(2, str(tmp_path))


def test_json_is_one_object_with_the_keys_of_the_contract(run: Run, archive: Path, tmp_path: Path) -> None:
    """Counts are those of the manifest; files alone come as JSON, and all talk goes to stderr."""
    ran = run("index", archive, "--lake", tmp_path / "lake", "--workers", 0, "--json")
    counts = json.loads((archive / MANIFEST_NAME).read_text("utf-8"))["counts"]
    assert ran.code == 0
    assert list(ran.json) == JSON_KEYS
    assert ran.json["snapshot"] == 1
    assert ran.json["files_listed"] == ran.json["files_new"] == counts["files"] + 1
    statuses = {name: ran.json[f"files_{name}"] for name in counts["status"]}
    assert statuses == counts["status"]
    assert "status" in ran.err


def test_second_run_reads_nothing(run: Run, archive: Path, own_lake: Path) -> None:
    """Unchanged files are not opened, and the run is still a snapshot."""
    ran = run("index", archive, "--lake", own_lake, "--workers", 0, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["snapshot"], ran.json["files_unchanged"], ran.json["requests"]) == (2, ran.json["files_listed"], 0)


def test_result_line_and_closing_tables(run: Run, archive: Path, tmp_path: Path) -> None:
    """Without --json stdout has one line, and stderr the counts by status and code."""
    ran = run("index", archive, "--lake", tmp_path / "lake", "--workers", 0)
    assert ran.out.startswith("snapshot 1: ")
    assert ran.out.count("\n") == 1
    for word in ("indexed", "duplicate", "truncated", "missing-key", "failed files: dicomlake query"):
        assert word in ran.err


def test_talk_names_no_patient(run: Run, archive: Path, tmp_path: Path) -> None:
    """Nothing of a header is said while indexing."""
    instances = json.loads((archive / MANIFEST_NAME).read_text("utf-8"))["instances"]
    ran = run("index", archive, "--lake", tmp_path / "lake", "--workers", 0)
    for word in {value for instance in instances for value in (instance["PatientID"], instance["PatientName"])}:
        assert word not in ran.err + ran.out


def test_quiet_says_nothing(run: Run, archive: Path, own_lake: Path) -> None:
    """A nightly job that went well sends no mail."""
    ran = run("index", archive, "--lake", own_lake, "--workers", 0, "--quiet", "--full")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_fail_on_failed(run: Run, archive: Path, tmp_path: Path) -> None:
    """Failed files are rows, and an exit code for those who ask."""
    ran = run("index", archive, "--lake", tmp_path / "lake", "--workers", 0, "--fail-on", "failed", "--json")
    assert ran.json["files_failed"] > 0
    assert ran.code == 3
    (tmp_path / "empty").mkdir()
    assert run("index", tmp_path / "empty", "--lake", tmp_path / "other", "--workers", 0, "--fail-on", "failed").code == 0


def test_dry_run_makes_no_snapshot(run: Run, archive: Path, own_lake: Path) -> None:
    """Only what would be done is said."""
    ran = run("index", archive, "--lake", own_lake, "--workers", 0, "--dry-run")
    assert ran.code == 0
    assert ran.out.startswith("dry run, nothing was read: ")
    assert run("info", own_lake, "--json").json["snapshot"] == 1


def test_missing_limit(run: Run, archive: Path, tmp_path: Path) -> None:
    """A source that lost most of its files stops the run, until told that this is meant."""
    copy = Path(shutil.copytree(archive, tmp_path / "archive"))
    lake = tmp_path / "lake"
    assert run("index", copy, "--lake", lake, "--workers", 0).code == 0
    for folder in sorted(copy.iterdir())[1:]:
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    run("index", copy, "--lake", lake, "--workers", 0).assert_one_line_error(1, "missing_limit", "--missing-limit 1")
    ran = run("index", copy, "--lake", lake, "--workers", 0, "--missing-limit", 1, "--json")
    assert ran.code == 0
    assert ran.json["files_missing"] > 0


def test_configuration_file(run: Run, archive: Path, tmp_path: Path) -> None:
    """A column of the user's is in the lake; options go over the file."""
    config = tmp_path / "my.yaml"
    config.write_text("columns:\n  - path: PatientBirthTime\nrunning:\n  workers: 4\n", "utf-8")
    assert run("index", archive, "--lake", tmp_path / "lake", "--config", config, "--workers", 0).code == 0
    assert "PatientBirthTime" in run("schema", "instances", "--lake", tmp_path / "lake", "--format", "csv").out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("listing:\n  unit_flies: 3\n", ["listing.unit_flies", "dicomlake index --print-config"]),
        ("lake: {missing_limit: 2}\n", ["lake.missing_limit"]),
        ("columns: [{path: PatientName}]\n", ["PatientName", "exists"]),
        ("a: [\n", ["YAML"]),
        ("- 1\n", ["keys and values"]),
    ],
)
def test_wrong_configuration_is_one_line_and_2(run: Run, archive: Path, tmp_path: Path, text: str, words: list[str]) -> None:
    """An unknown key is named with its path, and nothing is made."""
    config = tmp_path / "my.yaml"
    config.write_text(text, "utf-8")
    run("index", archive, "--lake", tmp_path / "lake", "--config", config).assert_one_line_error(2, *words)
    assert not (tmp_path / "lake").exists()


def test_wrong_paths_are_one_line_and_2(run: Run, archive: Path, tmp_path: Path) -> None:
    """A SOURCE or a configuration that is not there, and a LAKE that is something else."""
    run("index", tmp_path / "nowhere", "--lake", tmp_path / "lake").assert_one_line_error(2, "nowhere")
    run("index", archive, "--lake", tmp_path / "lake", "--config", tmp_path / "no.yaml").assert_one_line_error(2, "no.yaml")
    run("index", archive, "--lake", archive).assert_one_line_error(2, "not a lake")
    run("index", archive, "--lake", tmp_path / "lake", "--engine", "magic").assert_one_line_error(2, "engine")


def test_options_of_the_contract() -> None:
    """Names of options are promises."""
    options = {name for parameter in command_line().commands["index"].params for name in parameter.opts}
    assert options >= {
        "--lake",
        "--config",
        "--workers",
        "--scheduler",
        "--engine",
        "--headers",
        "--full",
        "--complete",
        "--dry-run",
        "--json",
    }
    assert options >= {"--fail-on", "--missing-limit", "--quiet", "-q"}
    assert options >= {"--wait", "--time-limit", "--metrics", "--log-format"}


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        (["failed"], 3),
        (["truncated"], 3),
        (["invalid-date"], 3),
        (["inconsistent-attribute"], 3),
        (["conflicting-duplicate"], 3),
        (["timed-out", "odd-length"], 0),
        (["timed-out", "not-dicom"], 3),
    ],
)
def test_fail_on_codes(run: Run, archive: Path, tmp_path: Path, codes: list[str], code: int) -> None:
    """Codes of files, of values, of entities and of copies, any of several; results of an earlier run do not count."""
    options = [word for name in codes for word in ("--fail-on", name)]
    index = ["index", archive, "--lake", tmp_path / "lake", "--workers", 0, "--quiet", *options]
    assert run(*index).code == code
    assert run(*index).code == 0


def test_time_limit(run: Run, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many files are left is said on stderr, in the result line and in the summary."""
    config = tmp_path / "my.yaml"
    config.write_text("listing: {unit_files: 50}\nrunning: {time_limit_seconds: 3600}\n", "utf-8")
    index = ["index", archive, "--lake", tmp_path / "lake", "--workers", 0, "--config", config]
    ticks = iter([0.0, 0.0, *[1e6] * 100])
    limit = dicomlake.run.index.TimeLimit
    units = UnitFeed.__iter__

    def units_when_listed(feed: UnitFeed) -> Iterator[pa.Table]:
        feed._thread.join()
        return units(feed)

    monkeypatch.setattr(UnitFeed, "__iter__", units_when_listed)
    monkeypatch.setattr("dicomlake.run.index.TimeLimit", lambda seconds, _: limit(seconds, lambda: next(ticks)))
    ran = run(*index)
    assert (ran.code, ran.out.startswith("snapshot 1: 221 files listed: ")) == (0, True)
    assert "; 50 read, 0 failed, 171 left for the next run, in " in ran.out
    assert "dicomlake: the time limit of 3,600 s has passed: 171 files are left for the next run" in ran.err.splitlines()
    monkeypatch.undo()
    assert run(*index, "--json").json["files_left"] == 0


@pytest.mark.parametrize("command", ["index", "optimize", "vacuum"])
def test_wait(run: Run, archive: Path, own_lake: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """A second writer is told who writes, waits as long as it is asked to, and then does its work."""
    arguments = ["index", archive, "--lake", own_lake, "--workers", 0] if command == "index" else [command, own_lake]
    holder = LakeLock(Location.of(own_lake))
    holder.acquire()
    run(*arguments).assert_one_line_error(1, f"process {os.getpid()} on ", " since ", "--wait")
    pauses: list[float] = []
    monkeypatch.setattr("dicomlake.lake.write.lock.time", SimpleNamespace(monotonic=lambda: sum(pauses), sleep=pauses.append))
    ran = run(*arguments, "--wait", "10min")
    assert ran.code == 1
    waiting, refused = ran.err.splitlines()
    assert waiting.startswith("dicomlake: lake ")
    assert waiting.endswith("waiting for it, 600 s at most")
    assert "waited 600 s for it" in refused
    monkeypatch.setattr("dicomlake.lake.write.lock.time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: holder.release()))
    ran = run(*arguments, "--wait", "10min")
    assert (ran.code, ran.err.count("waiting for it")) == (0, 1)


def test_glob_that_matches_nothing(run: Run, archive: Path, tmp_path: Path) -> None:
    """It is an error before a lake is made; a glob of which the lake has files stands under the limit for missing files."""
    lake = tmp_path / "lake"
    for options in ([], ["--dry-run"]):
        ran = run("index", archive / "*.dicom", "--lake", lake, "--workers", 0, *options)
        ran.assert_one_line_error(2, f"source {archive}/*.dicom: no file matches")
        assert not lake.exists()
    folder = tmp_path / "folder"
    folder.mkdir()
    image = folder / "image.dcm"
    shutil.copy(next(archive.rglob("*.dcm")), image)
    index = ["index", folder / "*.dcm", "--lake", lake, "--workers", 0]
    assert run(*index).code == 0
    image.unlink()
    run(*index).assert_one_line_error(1, "1 of 1 files", "missing_limit")
    assert run(*index, "--missing-limit", 1).code == 0
