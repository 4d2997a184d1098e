"""A sample archive and a lake of it, made once, and ways to run the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import dicomlake
from dicomlake.cli import main
from dicomlake.samples import write_sample


@dataclass(frozen=True)
class Ran:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.out)

    def assert_one_line_error(self, code: int, *words: str) -> None:
        """It failed with this code and one plain line that holds these words."""
        assert (self.code, self.out) == (code, "")
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("dicomlake: error: ")
        for word in words:
            assert word in lines[0]


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process."""

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a command in a process of its own, which ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        process = subprocess.Popen([sys.executable, "-m", "dicomlake", *map(str, arguments)], env=environment, **pipes)
        started.append(process)
        return process

    yield start
    for process in started:
        with process:  # closes its pipes
            process.kill()


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample archive; tests that change something copy it."""
    folder = tmp_path_factory.mktemp("sample") / "archive"
    write_sample(folder)
    return folder


@pytest.fixture(scope="session")
def lake(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of the sample archive; tests that change something copy it."""
    folder = tmp_path_factory.mktemp("lakes") / "lake"
    dicomlake.index(archive, lake=folder, workers=0)
    return folder


@pytest.fixture
def own_lake(lake: Path, tmp_path: Path) -> Path:
    """A copy of the lake, to be changed."""
    return Path(shutil.copytree(lake, tmp_path / "lake"))
