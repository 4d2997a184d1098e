"""Help, and what happens to a command line that makes no sense."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dicomlake.cli.application import command_line
from dicomlake.cli.commands import COMMANDS
from tests.cli.conftest import Run

NAMES = list(COMMANDS)


def test_commands_are_those_of_the_contract() -> None:
    """A command that is renamed breaks whoever calls it."""
    expected = ["sample", "index", "info", "diff", "query", "inspect", "schema", "optimize", "vacuum", "verify"]
    assert list(command_line().commands) == NAMES == expected


def test_help_lists_every_command(run: Run) -> None:
    """`--help` says in a line what each command does, without cutting it off."""
    ran = run("--help")
    assert ran.code == 0
    for name in NAMES:
        assert re.search(rf"^  {name}\s+[A-Z].*[^.]\.$", ran.out, re.MULTILINE), name


@pytest.mark.parametrize("name", NAMES)
def test_every_command_and_parameter_has_help(run: Run, name: str) -> None:
    """Nothing can be given to a command that its help does not explain."""
    ran = run(name, "--help")
    assert ran.code == 0
    command = command_line().commands[name]
    assert command.help
    assert not re.search(r"<(str|list|int|float|bool|path)\b", ran.out), "help shows a type of Python"
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name} {parameter.name}"
        assert (parameter.opts[0] if parameter.opts[0].startswith("-") else str(parameter.metavar)) in ran.out


@pytest.mark.parametrize("name", NAMES)
def test_some_page_shows_every_command(name: str) -> None:
    """A command that no page shows at work is not found."""
    root = Path(__file__).resolve().parents[2]
    assert any(f"$ dicomlake {name}" in page.read_text("utf-8") for page in (root / "docs").rglob("*.md"))


def test_version(run: Run) -> None:
    """`--version` is one line."""
    assert re.fullmatch(r"dicomlake \S+\n", run("--version").out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["Missing command", "dicomlake --help"]),
        (["indx"], ["'indx'", "Did you mean 'index'?"]),
        (["index"], ["SOURCE", "dicomlake index --help"]),
        (["index", "archive"], ["--lake", "dicomlake index --help"]),
        (["index", "archive", "--lake", "lake", "--wrokers", "2"], ["--wrokers", "--workers"]),
        (["index", "archive", "--lake", "lake", "--workers", "-1"], ["--workers"]),
        (["index", "archive", "--lake", "lake", "--workers", "1", "--scheduler", "tcp://x"], ["--workers", "--scheduler"]),
        (["index", "archive", "--lake", "lake", "--fail-on", "anything"], ["--fail-on", "'failed'"]),
        (["index", "archive", "--lake", "lake", "--fail-on", "truncatd"], ["'truncatd'", "did you mean 'truncated'?"]),
        (["index", "archive", "--lake", "lake", "--fail-on", "INVALID_DATE"], ["did you mean 'invalid-date'"]),
        (["query", "lake", "select 1", "--format", "xml"], ["--format", "xml"]),
        (["schema", "nothing"], ["'nothing'", "instances"]),
        (["schema", "--lake", "lake", "--config", "x.yaml"], ["--lake", "--config"]),
    ],
)
def test_usage_error_is_one_line_and_2(run: Run, arguments: list[str], words: list[str]) -> None:
    """A command line that makes no sense ends with 2 and says where help is."""
    run(*arguments).assert_one_line_error(2, *words)


def test_help_needs_no_heavy_package() -> None:
    """Help and version answer at once: polars, pyarrow, pydicom and Dask wait until they are needed."""
    code = (
        "import sys; from dicomlake.cli import main; main(['index', '--help']); main(['--version']); "
        "heavy = {'polars', 'pyarrow', 'pydicom', 'dask', 'distributed', 'deltalake'} & set(sys.modules); assert not heavy, heavy"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert ran.returncode == 0, ran.stderr
