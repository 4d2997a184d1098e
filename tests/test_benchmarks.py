"""Every benchmark runs, at toy size: each checks its own answers, and none is judged by its figures here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
RUNNABLE = sorted(path.stem for path in BENCHMARKS.glob("*.py") if "def main() -> int" in path.read_text("utf-8"))


def test_there_are_benchmarks() -> None:
    """The list is made from the folder, and is not empty by mistake."""
    assert {"scan", "main_job", "nightly_scale", "nights", "archives", "object_store", "bucket_listing", "bucket_writers", "query"} <= set(
        RUNNABLE
    )


@pytest.mark.long
@pytest.mark.parametrize("name", RUNNABLE)
def test_toy_run(name: str, tmp_path: Path) -> None:
    """The answers are right, and no record is left."""
    records = sorted((BENCHMARKS / "records").iterdir())
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--toy", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert sorted((BENCHMARKS / "records").iterdir()) == records
