"""Every page is done as it stands: a reader who follows it sees what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.conftest import Begin
from tests.docs.pages import DOCS, PAGES, Page
from tests.docs.running import RUN_LANGUAGES, Reader

pytestmark = pytest.mark.long

READ = [Page.read(path) for path in PAGES]
IN_DOCS = [page for page in READ if page.path.is_relative_to(DOCS)]
CHECKED_APART = {"cron", "ini"}
"""Blocks that only a machine's administrator can run: test_operations.py checks their commands and names."""
REASONS = {
    "it installs packages from a network",
    "it is a picture in letters",
    "it needs a cluster",
    "it needs an account of Google or Azure",
    "it needs Spark, which needs Java",
}
"""Why a block may be left out."""


def _is_done(page: Page) -> bool:
    """Whether a reader can do something on a page."""
    languages = {block.language for block in page.blocks if block.not_run is None}
    return bool(languages & (RUN_LANGUAGES - ({"sql"} if page.is_cookbook else set())))


@pytest.mark.parametrize("page", [page for page in IN_DOCS if _is_done(page)], ids=lambda page: page.name)
def test_page_does_what_it_says(page: Page, begin: Begin) -> None:
    """Each command prints what stands below it, and each other block runs."""
    Reader(begin(page), in_process=True).do(page)


@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_no_block_is_left_out_without_a_reason(page: Page) -> None:
    """A block is run, checked apart, an answer in the cookbook, or has a reason that is known."""
    for block in page.blocks:
        if block.not_run is not None:
            assert block.not_run in REASONS, str(block)
        elif page.is_cookbook:
            assert block.language in {*RUN_LANGUAGES, "text"}, str(block)
        else:
            assert block.language in RUN_LANGUAGES | CHECKED_APART, str(block)


def test_each_reason_is_given_somewhere() -> None:
    """A reason that no block gives is taken out of the list."""
    assert {block.not_run for page in READ for block in page.blocks} - {None} == REASONS


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_nothing_of_a_machine_stands_in_it(path: Path) -> None:
    """Paths in pages are anybody's."""
    assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text("utf-8"))
