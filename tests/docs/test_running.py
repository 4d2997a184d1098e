"""A page that does not tell the truth makes its test fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomlake.errors import ConfigurationError
from tests.docs import pages
from tests.docs.pages import Page
from tests.docs.running import Command, Reader, commands_of


@pytest.fixture
def page_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Page]:
    """Pages may stand in a folder of the test."""
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    return Page


def _do(page: type[Page], text: str) -> None:
    file = Path("page.md").absolute()
    file.write_text(text, "utf-8")
    Reader({"PATH": "/usr/bin:/bin"}, in_process=True).do(page.read(file))


def test_a_page_is_cut_into_blocks(page_of: type[Page]) -> None:
    """With headings, with what it begins with, and with the reason why a block is left out."""
    file = Path("page.md").absolute()
    left_out = "## Two\n<!-- not run: it rains -->\n```console\n$ echo wet\n```\n```text\n```\n"
    file.write_text(f"<!-- begins with: archive, lake -->\n# One\n```sql\nselect 1\n```\n{left_out}", "utf-8")
    page = page_of.read(file)
    assert page.begins_with == {"archive", "lake"}
    assert [(block.language, block.heading, block.not_run) for block in page.blocks] == [
        ("sql", "One", None),
        ("console", "Two", "it rains"),
        ("text", "Two", None),
    ]
    _do(page_of, left_out)


def test_a_block_without_an_end_is_refused(page_of: type[Page]) -> None:
    """The rest of the page would not be run."""
    with pytest.raises(AssertionError, match=r"line 1 has no end"):
        _do(page_of, "```sql\nselect 1\n")


@pytest.mark.parametrize(
    "shown",
    [
        "$ echo one\ntwo",
        "$ echo one\n",
        "$ echo one\none ... two",
        "$ dicomlake --version\ndicomlake\n",
        "$ dicomlake --version | cat\ndicomlake\n",
        "$ dicomlake schema nothing\n",
    ],
)
def test_wrong_output_fails(page_of: type[Page], shown: str) -> None:
    """In a shell and in this process."""
    with pytest.raises(pytest.fail.Exception):
        _do(page_of, f"```console\n{shown}\n```\n")


def test_right_output_passes(page_of: type[Page]) -> None:
    """Dots stand for anything, and a command may have several lines."""
    _do(page_of, "```console\n$ echo one two \\\n>   three\none ... three\n$ dicomlake schema files --format csv\n...\nurl,...\n...\n```\n")


def test_wrong_configuration_fails(page_of: type[Page]) -> None:
    """It is loaded as a run does."""
    with pytest.raises(ConfigurationError, match="mising_limit"):
        _do(page_of, "```yaml\nlake: {mising_limit: 1}\n```\n")


def test_wrong_python_fails(page_of: type[Page]) -> None:
    """Blocks share their names."""
    with pytest.raises(ZeroDivisionError):
        _do(page_of, "```python\nnothing = 0\n```\n\n```python\n1 / nothing\n```\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('dicomlake query lake "select count(*) from files"', ["query", "lake", "select count(*) from files"]),
        ("dicomlake query lake \"select 'a|b'\"", ["query", "lake", "select 'a|b'"]),
        ("dicomlake schema | grep Spacing", None),
        ("dicomlake index a --lake b || echo $?", None),
        ("dicomlake index $HOME --lake b", None),
        ("dicomlake index *.dcm --lake b", None),
        ("cp -r a b", None),
    ],
)
def test_only_plain_calls_run_in_this_process(text: str, expected: list[str] | None) -> None:
    """All that a shell has to understand goes to a shell."""
    (command,) = commands_of(f"$ {text}")
    assert command == Command(text)
    assert command.arguments() == expected
