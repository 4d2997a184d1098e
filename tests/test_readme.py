"""The README is run: every ``console`` and ``python`` block, in order, in one folder.

In a ``console`` block, ``$`` begins a command and ``>`` goes on with it; what follows is its output, stderr included, in which
``...`` stands for anything. A ``python`` block sees the names of those before it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dicomlake.cli.application import command_line
from dicomlake.cli.options import span_of
from dicomlake.cli.output.metrics import metrics_text
from dicomlake.config import load_settings
from dicomlake.run import Progress, Summary

README = Path(__file__).resolve().parents[1] / "README.md"
_TALK = re.compile(r"^dicomlake: (?!error).*\n", re.MULTILINE)
CHECKED_APART = {"cron", "ini"}
"""Blocks that only a machine's administrator can run: their commands and names are checked."""
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Command:
    """A command of a console block, and the output that the README promises."""

    text: str
    output: list[str] = field(default_factory=list)

    def expected(self) -> re.Pattern[str]:
        """The output, where ``...`` is anything and runs of blanks beside it are too."""
        pieces = re.split(r"\s*\.\.\.\s*", "\n".join(self.output).strip())
        return re.compile(r"(?s)" + r"[\s\S]*?".join(re.escape(piece) for piece in pieces))


def commands_of(block: str) -> list[Command]:
    """The commands of a console block."""
    commands: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            commands.append(Command(line[2:]))
        elif line.startswith(">") and not commands[-1].output:
            commands[-1].text += "\n" + line[2:]
        else:
            commands[-1].output.append(line)
    return commands


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose ``dicomlake`` is the one under test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "dicomlake"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dicomlake "$@"\n', "utf-8")
    script.chmod(0o755)
    path = os.pathsep.join(path for path in sys.path if path)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": path, "LC_ALL": "C.UTF-8"}


def test_every_block_does_what_it_says(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever follows the README sees what it shows."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {"__name__": "__main__"}
    blocks = _BLOCK.findall(README.read_text("utf-8"))
    assert len(blocks) > 5
    for language, block in blocks:
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - it is ours
            continue
        if language in CHECKED_APART:
            continue
        assert language == "console", language
        for command in commands_of(block):
            ran = subprocess.run(
                ["bash", "-c", command.text], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
            )
            # What a run says every ten seconds is no part of what the README shows; a machine may be slow.
            shown = _TALK.sub("", ran.stdout).strip()
            if command.expected().fullmatch(shown) is None:
                pytest.fail(f"$ {command.text}\n{ran.stdout}", pytrace=False)


def _blocks(wanted: str) -> list[str]:
    return [block for language, block in _BLOCK.findall(README.read_text("utf-8")) if language == wanted]


def _check_command(command: str) -> str:
    """The name of a command whose options exist, whose spans are spans, and whose configuration loads."""
    program, name, *arguments = shlex.split(command.partition(">>")[0])
    assert program.endswith("/dicomlake")
    parsed = command_line().commands[name].make_context(name, arguments).params
    for option in ("wait", "time_limit", "keep"):
        if parsed.get(option) is not None:
            span_of(parsed[option], option)
    if parsed.get("config") is not None:
        assert load_settings(README.parent / "configs" / Path(parsed["config"]).name).running.time_limit_seconds is not None
    return name


def test_cron_lines_name_commands_that_exist() -> None:
    """Five times, a user and a command; a percent sign would end it."""
    (block,) = _blocks("cron")
    lines = [line for line in block.splitlines() if not line.startswith("#")]
    assert "%" not in block
    assert [_check_command(line.split(maxsplit=6)[6]) for line in lines] == ["index"]


def _write_units(folder: Path) -> list[Path]:
    """The units of systemd that the README shows, by their names; a program that is there stands for ours."""
    (block,) = _blocks("ini")
    pieces = re.split(r"^# /etc/systemd/system/(\S+)\n", block, flags=re.MULTILINE)[1:]
    files = []
    for name, text in zip(pieces[::2], pieces[1::2], strict=True):
        file = folder / name
        file.write_text(text.replace("ExecStart=/opt/dicomlake/bin/dicomlake", "ExecStart=/bin/true"), "utf-8")
        files.append(file)
    return files


def test_systemd_units_name_commands_that_exist(tmp_path: Path) -> None:
    """A service that indexes, and its timer."""
    assert [file.name for file in _write_units(tmp_path)] == ["dicomlake.service", "dicomlake.timer"]
    (command,) = re.findall(r"^ExecStart=(.*)$", _blocks("ini")[0], re.MULTILINE)
    assert _check_command(command) == "index"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_understands_its_units(tmp_path: Path) -> None:
    """No unknown section, key or value."""
    files = _write_units(tmp_path)
    ran = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False)
    said = [line for line in ran.stderr.splitlines() if any(file.name in line for file in files)]
    assert said == []


def test_metrics_in_it_are_written() -> None:
    """Who alerts on a name that nobody writes is never alerted."""
    summary = Summary(**dict.fromkeys(Summary.__dataclass_fields__, 0))
    progress = Progress(codes=Counter(unreadable=1), stage_seconds={"rolling up": 1.0})
    written = metrics_text("lake", 1.0, 2.0, 0, progress, summary)
    shown = set(re.findall(r"(dicomlake_run_[a-z_]+)(?![a-z_(])", README.read_text("utf-8")))
    assert len(shown) >= 4
    for name in shown:
        assert f"\n{name}{{" in written, name


def test_nothing_of_a_machine_stands_in_it() -> None:
    """Paths in the README are anybody's."""
    assert not re.search(r"/(home|root|tmp|work|Users)/", README.read_text("utf-8"))


def test_figures_are_those_of_the_record() -> None:
    """Every figure of speed is the least of the record that stands beside it."""
    text = README.read_text("utf-8")
    (name,) = set(re.findall(r"benchmarks/records/(scan-[\d-]+\.json)", text))
    record = json.loads((README.parent / "benchmarks" / "records" / name).read_text("utf-8"))
    measured = [reader["least_microseconds_a_file"] for reader in record["readers"]]
    shown = re.search(r"\| reader \| µs a file \|\n\|---\|---\|\n((?:\|.*\n)+)", text)
    assert shown is not None
    figures = re.findall(r"\| ([\d.]+) \|", shown[1])
    assert len(figures) == 7
    for figure in figures:
        digits = len(figure.partition(".")[2])
        assert any(f"{least:.{digits}f}" == figure for least in measured), figure
