"""Completion in the shell: its script is printed and installed without a network, and it answers what may come next."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHELL = shutil.which("bash")


def _ran(tmp_path: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command below a shell of its own, since the shell is found out from the processes above."""
    assert SHELL is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("_TYPER")}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **variables}
    command = [SHELL, "-c", '"$@"; exit $?', "bash", sys.executable, "-m", "dicomlake", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_completion_is_shown_and_installed(tmp_path: Path) -> None:
    """What is installed is what is shown, and the shell's own file reads it."""
    shown = _ran(tmp_path, "--show-completion")
    assert (shown.returncode, shown.stderr) == (0, "")
    installed = _ran(tmp_path, "--install-completion")
    assert installed.returncode == 0, installed.stderr
    script = tmp_path / ".bash_completions" / "dicomlake.sh"
    assert script.read_text("utf-8").strip() == shown.stdout.strip()
    assert str(script) in (tmp_path / ".bashrc").read_text("utf-8")
    assert str(script) in installed.stdout


@pytest.mark.parametrize(
    ("typed", "answers"),
    [
        ("dicomlake in", ["index", "info", "inspect"]),
        ("dicomlake index --fa", ["--fail-on"]),
        ("dicomlake query lake --form", ["--format"]),
        ("dicomlake nothing", []),
    ],
)
def test_what_may_come_next(tmp_path: Path, typed: str, answers: list[str]) -> None:
    """The words that begin as what was typed."""
    place = str(len(typed.split()) - 1)
    ran = _ran(tmp_path, COMP_WORDS=typed, COMP_CWORD=place, _DICOMLAKE_COMPLETE="complete_bash")
    assert (ran.returncode, ran.stdout.split(), ran.stderr) == (0, answers, "")
