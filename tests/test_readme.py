"""The README is run: every block, in order, in one folder, with each command in a process of its own."""

from __future__ import annotations

import pytest

from tests.docs.conftest import Begin, begin, environment, prepared
from tests.docs.pages import ROOT, Page
from tests.docs.running import RUN_LANGUAGES, Reader

__all__ = ["begin", "environment", "prepared"]

README = Page.read(ROOT / "README.md")
LONGEST = 90
"""Lines: a screen and a half."""


@pytest.mark.long
def test_every_block_does_what_it_says(begin: Begin) -> None:
    """A reader who follows the README sees what it shows."""
    assert len(README.blocks) >= 2
    assert README.begins_with == frozenset()
    assert {block.language for block in README.blocks} <= RUN_LANGUAGES
    Reader(begin(README), in_process=False).do(README)


def test_it_is_short() -> None:
    """All that is longer stands in docs/."""
    assert len(README.path.read_text("utf-8").splitlines()) <= LONGEST
