"""Start-up: a command imports only the packages that it needs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dicomlake.version import VERSION

ROOT = Path(__file__).parents[2]

HEAVY = ("typer", "pydantic", "polars", "pyarrow", "duckdb", "deltalake", "dask", "distributed", "pydicom", "importlib.metadata", "yaml")

PROBE = """
import os, sys
def end(code):
    sys.stdout.flush()
    print(" ".join(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
    os.kill(os.getpid(), 9)
os._exit = end
sys.argv = ["dicomlake", *{arguments!r}]
from dicomlake.cli import main
main()
"""


def imported_by(*arguments: str) -> set[str]:
    """The heavy packages in memory when a command ends."""
    program = PROBE.format(heavy=HEAVY, arguments=arguments)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return set(ended.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--version"], set()),
        (["--help"], {"typer"}),
        (["index", "--help"], {"typer"}),
        (["query", "--rows", "3", "--format", "csv", "no-lake", "select 1"], {"typer", "duckdb", "deltalake", "importlib.metadata"}),
    ],
)
def test_a_command_imports_what_it_needs(arguments: list[str], expected: set[str]) -> None:
    """An import that a command does not need is time that it takes from everybody."""
    assert imported_by(*arguments) <= expected


def test_the_version_is_that_of_the_package() -> None:
    """`--version`, the module and `pyproject.toml` say one version."""
    ended = subprocess.run([sys.executable, "-m", "dicomlake", "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout == f"dicomlake {VERSION}\n"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["version"] == VERSION


@pytest.mark.skipif(not (ROOT / "pipeline" / "core" / "Cargo.toml").is_file(), reason="the sources of the core are not beside the tests")
def test_the_core_has_the_same_version() -> None:
    """`Cargo.toml` says it too."""
    core = tomllib.loads((ROOT / "pipeline" / "core" / "Cargo.toml").read_text("utf-8"))
    assert core["package"]["version"] == VERSION
