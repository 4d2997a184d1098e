"""`--log-format json`: one JSON object a line, whatever happens."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dicomlake.cli.output.log_format import wants_json
from dicomlake.cli.output.log_lines import PROGRESS_SECONDS, LogLines, LogTalker, log_lines_on
from dicomlake.lake.write.lock import LakeLock
from dicomlake.parts import Location
from dicomlake.run import Progress
from dicomlake.samples import MANIFEST_NAME
from tests.cli.conftest import Run

if TYPE_CHECKING:
    import subprocess

AS_JSON = ("--log-format", "json")


def _objects(text: str) -> list[dict[str, Any]]:
    """The objects; each has what every one has, and nothing that a reader of lines or a terminal would stumble over."""
    objects = [json.loads(line) for line in text.splitlines()]
    for entry in objects:
        assert list(entry)[:4] == ["time", "level", "event", "message"]
        assert datetime.fromisoformat(entry["time"]).tzinfo == UTC
        assert entry["level"] in {"info", "warning", "error"}
        assert entry["message"].isprintable()
    text.encode("utf-8")
    assert all(line.isprintable() for line in text.splitlines())
    return objects


def test_a_run_from_start_to_finish(run: Run, archive: Path, tmp_path: Path) -> None:
    """Stages begin and end, commits are told, the end has the summary; stdout is what it always is, and no patient is named."""
    ran = run("index", archive, "--lake", tmp_path / "lake", "--workers", 0, *AS_JSON, "--json", "--fail-on", "truncated")
    assert ran.code == 3
    entries = _objects(ran.err)
    assert [entries[0]["event"], entries[-1]["event"]] == ["run-started", "finished"]
    assert entries[0]["lake"] == str(tmp_path / "lake")
    begun = [entry["stage"] for entry in entries if entry["event"] == "stage-begun"]
    ended = [entry["stage"] for entry in entries if entry["event"] == "stage-ended"]
    assert sorted(begun) == sorted(ended)
    assert {"opening the lake", "listing and reading", "committing", "rolling up"} <= set(begun)
    committed = [entry for entry in entries if entry["event"] == "committed"]
    assert sum(entry["files"] for entry in committed) == committed[-1]["files_committed"] == ran.json["files_listed"]
    last = entries[-1]
    assert {name: last[name] for name in ran.json} == ran.json
    assert (last["exit_status"], last["codes"]["truncated"]) == (3, 1)
    instances = json.loads((archive / MANIFEST_NAME).read_text("utf-8"))["instances"]
    for word in {value for instance in instances for value in (instance["PatientID"], instance["PatientName"])}:
        assert word not in ran.err


def test_hostile_names_make_no_line_of_their_own(run: Run, archive: Path, tmp_path: Path) -> None:
    """Line breaks, escapes of terminals, quotes and bytes that are no UTF-8, in what is listed and in what is refused."""
    folder = os.fsencode(tmp_path) + b'/a\n{"event": "forged"}\x1b[2J\xff"'
    shutil.copytree(os.fsencode(archive / "P001"), folder)
    name = os.fsdecode(folder)
    entries = _objects(run("index", name, "--lake", tmp_path / "lake", "--workers", 0, *AS_JSON).err)
    assert entries[-1]["event"] == "finished"
    shutil.rmtree(folder)
    entries = _objects(run("index", name, "--lake", tmp_path / "lake", "--workers", 0, *AS_JSON).err)
    assert (entries[-1]["event"], entries[-1]["level"], entries[-1]["exit_status"]) == ("refused", "error", 1)
    assert "no longer there" in entries[-1]["message"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--wrokers", "2"], "--wrokers"),
        (["--wait", "2 hours"], "30min"),
        (["--time-limit", "soon"], "--time-limit"),
        (["--fail-on", "anything"], "'failed'"),
        (["--full", "--time-limit", "1h"], "full and a time limit"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_usage_errors_are_objects_too(run: Run, archive: Path, arguments: list[str], words: str) -> None:
    """Also where the command line was not understood."""
    ran = run("index", archive, "--lake", "lake", *arguments, "--log-format=json")
    assert ran.code == 2
    last = _objects(ran.err)[-1]
    assert (last["event"], last["level"], last["exit_status"]) == ("usage-error", "error", 2)
    assert words in last["message"]


def test_quiet_says_nothing_but_errors(run: Run, archive: Path, own_lake: Path) -> None:
    """A run that went well is silent in this format too."""
    assert run("index", archive, "--lake", own_lake, "--workers", 0, "--quiet", *AS_JSON).err == ""


def test_interrupt_while_waiting_for_another_writer(start: Callable[..., subprocess.Popen[bytes]], archive: Path, own_lake: Path) -> None:
    """A line names the other writer at once; Ctrl-C ends the wait with 130."""
    holder = LakeLock(Location.of(own_lake))
    holder.acquire()
    process = start("index", archive, "--lake", own_lake, "--workers", 0, "--wait", "1h", *AS_JSON)
    assert process.stderr is not None
    seen = ""
    while "waiting for it" not in seen:
        line = process.stderr.readline().decode()
        assert line, seen
        seen += line
    process.send_signal(signal.SIGINT)
    seen += process.stderr.read().decode()
    assert process.wait() == 130
    entries = _objects(seen)
    assert (entries[-1]["event"], entries[-1]["exit_status"]) == ("interrupted", 130)
    assert sum(f"process {os.getpid()} " in entry["message"] for entry in entries) == 1


def test_progress_comes_after_each_pause() -> None:
    """Its figures stand as fields, and messages go before it."""
    progress = Progress(stage="listing and reading", listing_ended=True, files_listed=50, files_to_read=40, files_read=10)
    progress.messages.append("an earlier run was undone")
    stream = io.StringIO()
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) > 2

    LogTalker(progress, LogLines(stream, lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))).talk(pause)
    assert pauses == [PROGRESS_SECONDS] * 3
    message, first, second = _objects(stream.getvalue())
    assert (message["event"], message["level"], message["message"]) == ("message", "warning", "an earlier run was undone")
    assert first["event"] == second["event"] == "progress"
    assert (first["time"], first["files_read"], first["files_to_read"]) == ("2026-01-02T03:04:05.000Z", 10, 40)


def test_what_libraries_say_is_counted_and_not_passed_on() -> None:
    """A library's warning may quote a header."""
    stream = io.StringIO()
    with log_lines_on(Progress(), stream, "lake", lambda _: True):
        sys.stderr.write("Doe^Jane\n")
    assert "Doe" not in stream.getvalue()
    assert "libraries wrote " in _objects(stream.getvalue())[-1]["message"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["index", "--log-format", "json"], True),
        (["index", "--log-format=json", "--"], True),
        (["index", "--log-format", "text"], False),
        (["index", "--", "--log-format", "json"], False),
        (["--log-format"], False),
        ([], False),
    ],
)
def test_format_is_known_before_the_command_line_is_parsed(arguments: list[str], wanted: bool) -> None:  # noqa: FBT001 - a table of cases
    """Words after `--` are not options."""
    assert wants_json(arguments) is wanted
