"""Doing what a page shows, block after block, in a folder of the reader's.

In a ``console`` block, ``$`` begins a command and ``>`` goes on with it; what follows is its output, stderr included, in which
``...`` stands for anything. A ``python`` block sees the names of those before it. A ``yaml`` block is a configuration.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import dicomlake
from dicomlake.cli import main
from dicomlake.config import load_settings
from tests.docs.asking import Asking
from tests.docs.pages import Block, Page

_TALK = re.compile(r"^dicomlake: (?!error).*\n", re.MULTILINE)
_FOR_A_SHELL = set("|<>&;()$*`")


@dataclass
class Command:
    """A command of a console block, and the output that the page promises."""

    text: str
    output: list[str] = field(default_factory=list)

    def expected(self) -> re.Pattern[str]:
        """The output, where ``...`` is anything and runs of blanks beside it are too."""
        pieces = re.split(r"\s*\.\.\.\s*", "\n".join(self.output).strip())
        return re.compile(r"(?s)" + r"[\s\S]*?".join(re.escape(piece) for piece in pieces))

    def arguments(self) -> list[str] | None:
        """Those of a plain call of dicomlake; None for a command that needs a shell."""
        tokens = list(shlex.shlex(self.text, posix=False, punctuation_chars=True))
        needs_shell = any(set(token) & _FOR_A_SHELL and token[0] not in "\"'" for token in tokens) or "$" in self.text
        return None if needs_shell or tokens[0] != "dicomlake" else shlex.split(self.text)[1:]


def commands_of(block: str) -> list[Command]:
    """The commands of a console block."""
    commands: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            commands.append(Command(line[2:]))
        elif line.startswith(">") and not commands[-1].output:
            commands[-1].text += "\n" + line[2:]
        else:
            commands[-1].output.append(line)
    return commands


class Reader:
    """Somebody who does what pages show.

    Args:
        environment: the variables of the commands; ``dicomlake`` is found by them.
        in_process: whether plain calls of dicomlake run in this process, which is ten times as fast.
    """

    def __init__(self, environment: dict[str, str], *, in_process: bool) -> None:
        self._environment = environment
        self._in_process = in_process
        self._names: dict[str, Any] = {"__name__": "__main__"}

    def do(self, page: Page) -> None:
        """Do what a page shows, in the current folder."""
        for block in page.blocks:
            has_own_test = block.language == "sql" and page.is_cookbook
            if block.not_run is None and block.language in self._WAYS and not has_own_test:
                self._WAYS[block.language](self, block)

    def _console(self, block: Block) -> None:
        for command in commands_of(block.text):
            arguments = command.arguments() if self._in_process else None
            output = self._in_shell(command) if arguments is None else _in_this_process(arguments)
            # A run says every ten seconds how far it is. No page shows that, and a machine may be slow.
            shown = _TALK.sub("", output).strip()
            if command.expected().fullmatch(shown) is None:
                pytest.fail(f"{block}\n$ {command.text}\n{output}", pytrace=False)

    def _in_shell(self, command: Command) -> str:
        ran = subprocess.run(
            ["bash", "-c", command.text],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ran.stdout

    def _python(self, block: Block) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block.text, str(block), "exec"), self._names)  # noqa: S102 - it is ours

    def _yaml(self, block: Block) -> None:
        file = Path("block.yaml")
        file.write_text(block.text, "utf-8")
        load_settings(file)
        file.unlink()

    def _sql(self, block: Block) -> None:
        assert Asking(dicomlake.Lake("lake"))(block.text).height > 0, str(block)

    _WAYS = {"console": _console, "python": _python, "yaml": _yaml, "sql": _sql}  # noqa: RUF012 - nobody changes it


RUN_LANGUAGES = frozenset(Reader._WAYS)
"""The languages of blocks that a reader can do."""


def _in_this_process(arguments: list[str]) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        main(arguments)
    return output.getvalue()
