"""The queries of the cookbook are run: on the sample archive, on real files, and beside polars."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import dicomlake
from tests.docs.asking import Asking
from tests.docs.cookbook import FOLDER, Query, accessions, asking, queries, sample_lake, show_answer, special_lake
from tests.docs.expressions import EXPRESSIONS
from tests.docs.pages import Page

QUERIES = queries()
WITH_EXPRESSIONS = [query for query in QUERIES if query.question in EXPRESSIONS]
NOTHING_IN_THE_SAMPLE = {
    "Which patients could be one person under two IDs?",
    "Which series have no study date or no patient ID?",
}
"""Questions about defects that the sample archive does not have."""


def _name(query: Query) -> str:
    return f"{query.page}: {query.question}"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> dicomlake.Lake:
    """A lake of the sample archive."""
    return sample_lake(tmp_path_factory.mktemp("cookbook"))


@pytest.fixture(scope="module")
def special(tmp_path_factory: pytest.TempPathFactory) -> dicomlake.Lake:
    """A lake of the special studies."""
    return special_lake(tmp_path_factory.mktemp("special"))


@pytest.fixture
def shown(query: Query, request: pytest.FixtureRequest) -> dicomlake.Lake:
    """The lake whose answers stand on the page of a query."""
    lake: dicomlake.Lake = request.getfixturevalue("special" if query.is_special else "sample")
    return lake


@pytest.fixture(scope="module")
def real(real_files_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dicomlake.Lake:
    """A lake of real files."""
    lake = tmp_path_factory.mktemp("real") / "lake"
    dicomlake.index(real_files_folder, lake=lake, headers=True, workers=0)
    return dicomlake.Lake(lake)


@pytest.fixture(scope="module")
def ask_sample(sample: dicomlake.Lake) -> Asking:
    """Asks the sample."""
    return asking(sample)


@pytest.fixture(scope="module")
def ask_sample_backwards(sample: dicomlake.Lake) -> Asking:
    """Asks the sample with its rows in the opposite order."""
    return asking(sample, backwards=True)


@pytest.fixture(scope="module")
def ask_special(special: dicomlake.Lake) -> Asking:
    """Asks the special studies."""
    return asking(special)


@pytest.fixture(scope="module")
def ask_special_backwards(special: dicomlake.Lake) -> Asking:
    """Asks the special studies with their rows in the opposite order."""
    return asking(special, backwards=True)


@pytest.fixture
def ask_shown(query: Query, request: pytest.FixtureRequest) -> Asking:
    """Asks the lake whose answers stand on the page of a query."""
    ask: Asking = request.getfixturevalue("ask_special" if query.is_special else "ask_sample")
    return ask


@pytest.fixture
def ask_shown_backwards(query: Query, request: pytest.FixtureRequest) -> Asking:
    """Asks that lake with its rows in the opposite order."""
    ask: Asking = request.getfixturevalue("ask_special_backwards" if query.is_special else "ask_sample_backwards")
    return ask


@pytest.fixture(scope="module")
def ask_real(real: dicomlake.Lake) -> Asking:
    """Asks the real files."""
    return asking(real)


@pytest.fixture(scope="module")
def ask_real_backwards(real: dicomlake.Lake) -> Asking:
    """Asks the real files with their rows in the opposite order."""
    return asking(real, backwards=True)


def test_there_are_enough_queries_and_each_has_a_question_of_its_own() -> None:
    """At least thirty queries, at least twenty of them with an expression beside them; no expression is for a query that is gone."""
    questions = [query.question for query in QUERIES]
    assert len(questions) == len(set(questions)) >= 30
    assert len(WITH_EXPRESSIONS) == len(EXPRESSIONS) >= 20


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.stem)
def test_each_heading_asks_one_thing(page: Path) -> None:
    """Below each question stand one query and its answer."""
    blocks = [block for block in Page.read(page).blocks if block.language != "console"]
    assert [block.language for block in blocks] == ["sql", "text"] * (len(blocks) // 2)
    headings = [block.heading for block in blocks]
    assert headings[::2] == headings[1::2]
    assert all(heading.endswith("?") for heading in headings)


@pytest.mark.parametrize("query", QUERIES, ids=_name)
def test_answers_are_those_of_the_sample(query: Query, ask_shown: Asking, ask_shown_backwards: Asking) -> None:
    """The text below a query is its answer, and the order of the rows in the tables does not change it."""
    assert query.answer == show_answer(ask_shown, query.sql)
    assert query.answer == show_answer(ask_shown_backwards, query.sql)
    assert (query.answer == "no rows\n") == (query.question in NOTHING_IN_THE_SAMPLE)


@pytest.mark.parametrize("query", QUERIES, ids=_name)
def test_lake_answers_the_same_under_lock(query: Query, shown: dicomlake.Lake, ask_shown: Asking) -> None:
    """`Lake.sql`, which lets a query read nothing but the lake, gives the same."""
    _assert_same(shown.sql(query.sql, accessions=accessions(shown)).collect(), ask_shown(query.sql))


@pytest.mark.parametrize("query", QUERIES, ids=_name)
def test_real_files_answer_too(query: Query, ask_real: Asking, ask_real_backwards: Asking) -> None:
    """Real headers, with all that is absent and wrong in them, make no query fail; the order of the rows changes no answer."""
    _assert_same(ask_real(query.sql), ask_real_backwards(query.sql))


@pytest.mark.parametrize("query", WITH_EXPRESSIONS, ids=_name)
def test_sample_gives_what_polars_gives(query: Query, sample: dicomlake.Lake, ask_sample: Asking) -> None:
    """SQL and expressions agree on the sample."""
    _assert_same(ask_sample(query.sql), EXPRESSIONS[query.question](sample).collect())


@pytest.mark.parametrize("query", WITH_EXPRESSIONS, ids=_name)
def test_real_files_give_what_polars_gives(query: Query, real: dicomlake.Lake, ask_real: Asking) -> None:
    """SQL and expressions agree on real files."""
    _assert_same(ask_real(query.sql), EXPRESSIONS[query.question](real).collect())


def _assert_same(answer: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Both have the same columns and the same rows in the same order; numbers may differ in their last digits."""
    assert answer.columns == expected.columns
    assert answer.height == expected.height
    for row, wanted in zip(answer.iter_rows(), expected.iter_rows(), strict=True):
        assert all(map(_same, row, wanted)), (row, wanted)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, float) and isinstance(wanted, float):
        return math.isclose(value, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return type(value) is type(wanted) and bool(value == wanted)
