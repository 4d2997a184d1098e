"""A lake of the sample archive, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import dicomlake
from dicomlake import Lake
from dicomlake.samples import write_sample


@pytest.fixture(scope="session")
def lake_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a lake; tests that change something copy it."""
    folder = tmp_path_factory.mktemp("answers")
    write_sample(folder / "archive")
    dicomlake.index(folder / "archive", lake=folder / "lake", workers=0)
    return folder / "lake"


@pytest.fixture
def own_folder(lake_folder: Path, tmp_path: Path) -> Path:
    """A copy of that lake, to be changed."""
    return Path(shutil.copytree(lake_folder, tmp_path / "lake"))


@pytest.fixture
def lake(lake_folder: Path) -> Lake:
    """The lake at its last snapshot."""
    return Lake(lake_folder)
