"""A slow disk: many files on their way at one time, and the same rows as from a fast one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import dicomlake
from tests.corpus import write_corpus
from tests.slow_disk import NoSlowDiskError, slow_disk

FILES = 600
MILLISECONDS = 25.0
ONE_BY_ONE_SECONDS = FILES * 2 * MILLISECONDS / 1000
"""The least that opening and reading takes, one file after the other: side by side it takes a tenth, on a busy machine too."""


@pytest.mark.long
@pytest.mark.parametrize("attributes", [True, False])
def test_index_of_a_slow_disk(tmp_path: Path, *, attributes: bool) -> None:
    """The lake equals that of the folder itself, and took a fraction of the time of one request after the other."""
    archive = tmp_path / "archive"
    write_corpus(archive, FILES)
    try:
        with slow_disk(archive, MILLISECONDS, attributes=attributes) as mounted:
            began = time.perf_counter()
            dicomlake.index(str(mounted), lake=str(tmp_path / "slow"))
            took = time.perf_counter() - began
            slow = _rows(tmp_path / "slow", mounted)
    except NoSlowDiskError as reason:
        pytest.skip(f"no slow disk: {reason}")
    dicomlake.index(str(archive), lake=str(tmp_path / "fast"))
    assert slow == _rows(tmp_path / "fast", archive)
    assert took < ONE_BY_ONE_SECONDS / 2


def _rows(lake: Path, archive: Path) -> list[dict[str, object]]:
    rows = dicomlake.Lake(str(lake)).instances.sort("SOPInstanceUID").collect().to_dicts()
    return [{**row, "url": os.path.relpath(row["url"], archive)} for row in rows]
