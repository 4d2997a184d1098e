"""Two writers and several readers at once, each a process: no error but the documented refusal, and every count of one snapshot.

``DICOMLAKE_BESIDE_SECONDS=60 DICOMLAKE_BESIDE_READERS=10`` plays it for longer; ``-s`` prints what each process did.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dicomlake.lake import verify
from dicomlake.parts import Location
from dicomlake.samples import write_sample

SECONDS = os.environ.get("DICOMLAKE_BESIDE_SECONDS", "3")
READERS = int(os.environ.get("DICOMLAKE_BESIDE_READERS", "3"))
_CLONE = Path(__file__).resolve().parents[2]


@pytest.mark.long
def test_every_reader_sees_one_snapshot(tmp_path: Path) -> None:
    """Runs, optimizes and vacuums that keep nothing go on beside readers that open the lake again and again, and hold it open."""
    write_sample(tmp_path / "archive", studies=1)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(_CLONE)])}
    kinds = ["writer"] * 2 + ["reader"] * READERS
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.run.beside", kind, str(tmp_path / "lake"), str(tmp_path / "archive"), SECONDS, str(seed)],
            env=environment,
            cwd=_CLONE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for seed, kind in enumerate(kinds)
    ]
    ended = [process.communicate() for process in processes]
    done: dict[str, Counter[str]] = {"writer": Counter(), "reader": Counter()}
    for kind, process, (out, error) in zip(kinds, processes, ended, strict=True):
        assert process.returncode == 0, error.decode()
        done[kind].update(json.loads(out))
    sys.stdout.write(json.dumps(done))
    assert done["writer"]["index"] >= 2
    assert done["reader"]["read"] >= READERS
    assert verify(Location.of(tmp_path / "lake")).defects == []
