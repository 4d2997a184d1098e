"""Public docstrings show examples, and the examples are true."""

from __future__ import annotations

import doctest
import inspect
import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import dicomlake
from dicomlake.samples import write_sample

MODULES = (
    "dicomlake.api",
    "dicomlake.answers.open",
    "dicomlake.config",
    "dicomlake.extract.engine",
    "dicomlake.geometry.division",
    "dicomlake.geometry.of_series",
    "dicomlake.geometry.slices",
    "dicomlake.geometry.stacks",
    "dicomlake.html",
    "dicomlake.lake.read.diff",
    "dicomlake.lake.read.reader",
    "dicomlake.run.progress",
)
_MAKES_THE_LAKE = "dicomlake.api.index"


def _examples() -> Iterator[Any]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in MODULES:
        module = import_module(name)
        yield from (found for found in finder.find(module, name) if found.examples)


EXAMPLES = list(_examples())


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sample archive, and a lake of it with two snapshots."""
    folder = tmp_path_factory.mktemp("examples")
    write_sample(folder / "archive")
    for _ in range(2):
        dicomlake.index(folder / "archive", lake=folder / "lake", workers=0)
    return folder


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples_are_true(example: Any, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example runs where `archive` and `lake` are, and gives what it shows."""
    os.symlink(sample / "archive", tmp_path / "archive")
    if example.name != _MAKES_THE_LAKE:
        shutil.copytree(sample / "lake", tmp_path / "lake")
    monkeypatch.chdir(tmp_path)
    example.globs = {**example.globs, "dicomlake": dicomlake}
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE).run(example, out=said.append)
    assert result.failed == 0, "".join(said)


def test_everything_public_shows_an_example() -> None:
    """A name that the package offers has a docstring with an example; so has each method of a lake that is a question."""
    offered = [name for name in dicomlake.__all__ if name not in ("__version__", "errors")]
    for name in offered:
        assert "Example:" in (inspect.getdoc(getattr(dicomlake, name)) or ""), name
    for method in ("at", "diff", "open", "open_file"):
        assert "Example:" in (inspect.getdoc(getattr(dicomlake.Lake, method)) or ""), method
    for error in vars(dicomlake.errors).values():
        if inspect.isclass(error) and issubclass(error, dicomlake.errors.DicomlakeError):
            assert error.__doc__
