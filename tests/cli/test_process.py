"""The command line as a process: signals, pipes, terminals, and errors of our own."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

import dicomlake.cli.invocation
from dicomlake.cli import main
from tests.cli.conftest import Run

pytestmark = pytest.mark.long

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_with_130_and_a_sound_lake(start: Start, run: Run, own_lake: Path, archive: Path, number: signal.Signals) -> None:
    """A run that is interrupted while it waits for its list says so in a line, and the lake is what it was."""
    process = start("index", "@-", "--lake", own_lake, "--workers", 0, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"%s\n" % bytes(archive / "manifest.json"))
    process.stdin.flush()
    _wait_until_it_waits(process)
    process.send_signal(number)
    assert process.wait() == 130
    out, err = process.stdout.read(), process.stderr.read()  # type: ignore[union-attr]
    assert out == b""
    assert err.decode().splitlines() == ["dicomlake: interrupted; what was committed stays, and the same command continues from there"]
    assert run("verify", own_lake).code == 0
    assert run("info", own_lake, "--json").json["snapshot"] == 1


def test_reader_that_has_seen_enough_ends_quietly(start: Start, lake: Path) -> None:
    """`| head` is not an error."""
    process = start("query", lake, "select a.* from instances a cross join series b", "--format", "csv")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_full_disk_behind_stdout_is_one_line(start: Start) -> None:
    """Output that can't be written is an error, and not a silent one."""
    with Path("/dev/full").open("wb") as full:
        process = start("schema", stdout=full)
        _, err = process.communicate()
    assert process.returncode == 1
    assert err.decode().splitlines() == ["dicomlake: error: No space left on device"]


def test_terminal_gets_a_bar_and_tables_that_fit(start: Start, archive: Path, tmp_path: Path) -> None:
    """On 80 columns the bar is drawn and goes away, and a table of every column is cut to the width."""
    lake = tmp_path / "lake"
    shown = _on_a_terminal(start, "index", archive, "--lake", lake, "--workers", 0)
    assert "\x1b[?25l" in shown  # the cursor hides while the bar moves
    assert shown.rstrip().splitlines()[-1].startswith("snapshot 1: ")
    shown = _on_a_terminal(start, "query", lake, "select * from instances")
    *table, rows_note, columns_note = shown.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    assert max(map(len, table)) <= 80
    assert rows_note.startswith("50 of ")
    assert " columns; " in columns_note
    assert "Parquet is not for a terminal" in _on_a_terminal(start, "query", lake, "select 1", "--format", "parquet")


def test_terminal_gets_no_escape_out_of_csv(start: Start, lake: Path) -> None:
    """A terminal obeys what a file merely keeps, so CSV is escaped there and nowhere else."""
    sql = "select '\x1b[2J' as name"
    assert "\\x1b[2J" in _on_a_terminal(start, "query", lake, sql, "--format", "csv")
    assert b"\x1b[2J" in start("query", lake, sql, "--format", "csv").communicate()[0]


def test_own_bug_is_one_line_and_a_traceback_on_demand(
    monkeypatch: pytest.MonkeyPatch, run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """An unexpected error is a line with advice on how to see more."""

    def broken(*_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("dicomlake.cli.application.command_line", broken)
    monkeypatch.delenv(dicomlake.cli.invocation.TRACEBACK_VARIABLE, raising=False)
    run("info", tmp_path).assert_one_line_error(1, "KeyError", "surprise", "DICOMLAKE_TRACEBACK=1")
    monkeypatch.setenv(dicomlake.cli.invocation.TRACEBACK_VARIABLE, "1")
    assert main(["info"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_signals_are_given_back() -> None:
    """A program that calls `main` keeps its own handlers."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    main(["--version"])
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def _wait_until_it_waits(process: subprocess.Popen[bytes]) -> None:
    """Until the process has read all that its stdin holds, and waits for more."""
    assert process.stdin is not None
    unread, state = 1, "R"
    while unread or state != "S":
        assert process.poll() is None
        unread = struct.unpack("i", fcntl.ioctl(process.stdin, termios.FIONREAD, b"    "))[0]
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        os.sched_yield()


def _on_a_terminal(start: Start, *arguments: object) -> str:
    """The output of a command on a terminal of 80 columns."""
    controller, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    process = start(*arguments, stdout=terminal, stderr=terminal)
    os.close(terminal)
    seen = b""
    try:
        while piece := os.read(controller, 1 << 16):
            seen += piece
    except OSError:
        pass  # Linux says EIO where the last writer has gone
    finally:
        os.close(controller)
    process.wait()
    return seen.decode()
