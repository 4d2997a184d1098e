"""`--metrics`: a file that Prometheus' own parser reads, at the end of every run."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dicomlake.cli.output.metrics import metrics_text
from dicomlake.run import Progress
from tests.cli.conftest import Run

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def _parsed(text: str, lake: str) -> Samples:
    """Every sample by its name and its labels other than `lake`, which all of them have."""
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("lake") == lake
            key = (sample.name.removeprefix("dicomlake_run_"), frozenset(labels.items()))
            assert key not in samples
            samples[key] = sample.value
    return samples


def _of(samples: Samples, name: str) -> dict[str, float]:
    """The samples of a family that has one label."""
    return {value: sample for (family, labels), sample in samples.items() if family == name for _, value in labels}


def test_a_finished_run(run: Run, archive: Path, tmp_path: Path) -> None:
    """The figures are those of --json, the file is whole, readable by the collector whatever the umask, and alone in its folder."""
    (tmp_path / "collector").mkdir()
    file = tmp_path / "collector" / "dicomlake.prom"
    former = os.umask(0o077)
    try:
        ran = run("index", archive, "--lake", tmp_path / "lake", "--workers", 0, "--metrics", file, "--json", "--fail-on", "failed")
    finally:
        os.umask(former)
    assert ran.code == 3
    samples = _parsed(file.read_text("utf-8"), str(tmp_path / "lake"))
    for kind, count in _of(samples, "files").items():
        if kind != "read":
            assert count == ran.json[f"files_{kind}"], kind
    plain = {name: value for (name, labels), value in samples.items() if not labels}
    assert (plain["success"], plain["exit_status"], plain["snapshot"], plain["listing_ended"]) == (0, 3, 1, 1)
    assert (plain["read_bytes"], plain["requests"]) == (ran.json["bytes_read"], ran.json["requests"])
    assert 0 < plain["duration_seconds"] == pytest.approx(plain["finish_time_seconds"] - plain["start_time_seconds"], abs=1e-3)
    assert plain["peak_resident_memory_bytes"] > 1 << 20
    assert _of(samples, "files_with_code")["truncated"] == 1
    assert _of(samples, "findings")["inconsistent-attribute"] == _of(samples, "findings")["conflicting-duplicate"] == 1
    assert "rolling up" in _of(samples, "stage_seconds")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert os.listdir(file.parent) == [file.name]


def test_a_refused_run_replaces_the_file(run: Run, archive: Path, tmp_path: Path) -> None:
    """A job that fails must not leave the figures of one that went well."""
    copy, lake, file = tmp_path / "copy", tmp_path / "lake", tmp_path / "dicomlake.prom"
    shutil.copytree(archive / "P001", copy)
    assert run("index", copy, "--lake", lake, "--workers", 0, "--metrics", file).code == 0
    assert "dicomlake_run_success{" in file.read_text("utf-8")
    shutil.rmtree(copy)
    run("index", copy, "--lake", lake, "--workers", 0, "--metrics", file).assert_one_line_error(1, "no longer there")
    samples = _parsed(file.read_text("utf-8"), str(lake))
    assert (samples["success", frozenset()], samples["exit_status", frozenset()]) == (0, 1)
    assert ("snapshot", frozenset()) not in samples


def test_an_interrupted_run_is_told(run: Run, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one that our own bug ended."""
    file = tmp_path / "dicomlake.prom"
    for error, status in ((KeyboardInterrupt(), 130), (ValueError("a bug"), 1)):

        def end(*_: object, error: BaseException = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("dicomlake.api.run_index", end)
        assert run("index", archive, "--lake", tmp_path / "lake", "--metrics", file).code == status
        assert _parsed(file.read_text("utf-8"), str(tmp_path / "lake"))["exit_status", frozenset()] == status


def test_a_place_where_no_file_can_be(run: Run, archive: Path, tmp_path: Path) -> None:
    """It is refused before anything is done."""
    for place in (tmp_path / "nowhere" / "x.prom", "/dev/null"):
        run("index", archive, "--lake", tmp_path / "lake", "--metrics", place).assert_one_line_error(2, "--metrics", str(place))
    assert not (tmp_path / "lake").exists()


def test_a_file_that_can_not_be_written_at_the_end(run: Run, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is finished, and the job hears that nobody will see it; nothing half written stays."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dicomlake.cli.output.metrics.os.fchmod", full)
    ran = run("index", archive / "P001", "--lake", tmp_path / "lake", "--workers", 0, "--metrics", tmp_path / "x.prom", "--quiet")
    ran.assert_one_line_error(1, "x.prom", "No space left on device")
    assert os.listdir(tmp_path) == ["lake"]


@pytest.mark.parametrize("lake", ['a"b', "a\\b", "a\\nb", "x{}= y", "ümläut"])
def test_labels_are_escaped(lake: str) -> None:
    """Whatever a lake and a stage are called, the file is well-formed and says so."""
    progress = Progress(stage_seconds={lake: 1.0})
    samples = _parsed(metrics_text(lake, 1.0, 2.0, 0, progress, None), lake)
    assert _of(samples, "stage_seconds") == {lake: 1.0}


@pytest.mark.parametrize("lake", ["a\nb", "\x1b[2J", os.fsdecode(b"a\xff")])
def test_labels_hold_nothing_that_is_not_drawn(lake: str) -> None:
    """A line break and bytes that are no UTF-8 stand escaped."""
    text = metrics_text(lake, 1.0, 2.0, 0, Progress(), None)
    text.encode("utf-8")
    names = {sample.labels["lake"] for family in text_string_to_metric_families(text) for sample in family.samples}
    assert len(names) == 1
    assert names.pop().isprintable()
