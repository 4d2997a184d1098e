"""The script that says how far `make` is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "pipeline" / "core" / "scripts" / "say_progress.py"

TALKING = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("say_progress", sys.argv.pop(1))
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.LINE_SECONDS = 0.05
sys.exit(module.main())
"""


def _run(command: str, *options: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", TALKING, str(SCRIPT), "compiling", *options, "--", "bash", "-c", command]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def test_a_command_that_is_silent_is_talked_about() -> None:
    """The newest crate has its number, and lines come also while the command says nothing."""
    ran = _run("echo '   Compiling foo v1.0'; echo noise; echo '   Compiling bar-baz v2.1 (/x)'; sleep 0.5", "--crates", "9")
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert sum(line.startswith("  compiling: bar-baz (2 of 9), ") for line in lines) >= 3
    assert lines[-1].startswith("  compiling: done in ")
    assert "noise" not in ran.stdout


def test_a_command_that_fails_shows_everything() -> None:
    """Its exit status is passed on."""
    ran = _run("echo one; echo two >&2; exit 7")
    assert ran.returncode == 7
    assert ran.stderr == "one\ntwo\n"
