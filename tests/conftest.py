"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_CLONE = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def package_sources() -> Path:
    """The folder of the package's sources; skips where the tests run beside an installed copy (`make test-installed`)."""
    folder = _CLONE / "pipeline" / "dicomlake"
    if not folder.is_dir():
        pytest.skip(f"the sources of the package are not at {folder}: an installed copy is tested")
    return folder


@pytest.fixture(scope="session")
def real_files_folder() -> Path:
    """The folder of real DICOM files: DICOMLAKE_REAL_FILES, else ``../shared/dicom`` beside the clone; skips where there is none."""
    folder = Path(os.environ.get("DICOMLAKE_REAL_FILES", _CLONE.parent / "shared" / "dicom"))
    if not folder.is_dir():
        pytest.skip(f"the folder of real files is not at {folder}; set DICOMLAKE_REAL_FILES to it")
    return folder
