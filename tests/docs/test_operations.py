"""Lines of cron, units of systemd and names of metrics are checked, since only the administrator of a machine can run them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from dicomlake.cli.application import command_line
from dicomlake.cli.options import span_of
from dicomlake.cli.output.metrics import metrics_text
from dicomlake.config import load_settings
from dicomlake.run import Progress, Summary
from tests.docs.pages import DOCS, ROOT, Page

NIGHTLY = Page.read(DOCS / "how-to" / "nightly.md")


def _blocks(wanted: str) -> list[str]:
    return [block.text for block in NIGHTLY.blocks if block.language == wanted]


def _check_command(command: str) -> str:
    """The name of a command whose options exist, whose spans are spans, and whose configuration loads."""
    program, name, *arguments = shlex.split(command.partition(">>")[0])
    assert program.endswith("/dicomlake")
    parsed = command_line().commands[name].make_context(name, arguments).params
    for option in ("wait", "time_limit", "keep"):
        if parsed.get(option) is not None:
            span_of(parsed[option], option)
    if parsed.get("config") is not None:
        assert load_settings(ROOT / "configs" / Path(parsed["config"]).name).running.time_limit_seconds is not None
    return name


def test_cron_lines_name_commands_that_exist() -> None:
    """Five times, a user and a command; a percent sign would end it."""
    (block,) = _blocks("cron")
    lines = [line for line in block.splitlines() if not line.startswith("#")]
    assert "%" not in block
    assert [_check_command(line.split(maxsplit=6)[6]) for line in lines] == ["index"]


def _write_units(folder: Path) -> list[Path]:
    """The units of systemd that the page shows, by their names; a program that is there stands for ours."""
    (block,) = _blocks("ini")
    pieces = re.split(r"^# /etc/systemd/system/(\S+)\n", block, flags=re.MULTILINE)[1:]
    files = []
    for name, text in zip(pieces[::2], pieces[1::2], strict=True):
        file = folder / name
        file.write_text(text.replace("ExecStart=/opt/dicomlake/bin/dicomlake", "ExecStart=/bin/true"), "utf-8")
        files.append(file)
    return files


def test_systemd_units_name_commands_that_exist(tmp_path: Path) -> None:
    """A service that indexes, and its timer."""
    assert [file.name for file in _write_units(tmp_path)] == ["dicomlake.service", "dicomlake.timer"]
    (command,) = re.findall(r"^ExecStart=(.*)$", _blocks("ini")[0], re.MULTILINE)
    assert _check_command(command) == "index"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_understands_its_units(tmp_path: Path) -> None:
    """No unknown section, key or value."""
    files = _write_units(tmp_path)
    ran = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False)
    said = [line for line in ran.stderr.splitlines() if any(file.name in line for file in files)]
    assert said == []


def test_metrics_on_the_page_are_written() -> None:
    """An alert on a name that nobody writes never comes."""
    summary = Summary(**dict.fromkeys(Summary.__dataclass_fields__, 0))
    progress = Progress(codes=Counter(unreadable=1), stage_seconds={"rolling up": 1.0})
    written = metrics_text("lake", 1.0, 2.0, 0, progress, summary)
    shown = set(re.findall(r"(dicomlake_run_[a-z_]+)(?![a-z_(])", NIGHTLY.path.read_text("utf-8")))
    assert len(shown) >= 4
    for name in shown:
        assert f"\n{name}{{" in written, name
