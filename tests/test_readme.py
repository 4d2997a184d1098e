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
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
_TALK = re.compile(r"^dicomlake: (?!error).*\n", re.MULTILINE)
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
        assert language == "console", language
        for command in commands_of(block):
            ran = subprocess.run(
                ["bash", "-c", command.text], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
            )
            # What a run says every ten seconds is no part of what the README shows; a machine may be slow.
            shown = _TALK.sub("", ran.stdout).strip()
            if command.expected().fullmatch(shown) is None:
                pytest.fail(f"$ {command.text}\n{ran.stdout}", pytrace=False)


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
