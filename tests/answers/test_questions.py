"""Ready questions: each runs, says what its rows are, and has the columns that it promises."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import dicomlake
from dicomlake.answers.questions import questions, sql_of
from dicomlake.answers.sql.answer import ask
from dicomlake.errors import UsageError

_CONTRACT = Path(__file__).parents[3] / "shared" / "idc_columns.csv"
_TYPES = {"string": {"VARCHAR"}, "integer": {"BIGINT"}, "float": {"DOUBLE"}, "boolean": {"BOOLEAN"}}


def _promised() -> dict[str, list[tuple[str, str, str]]]:
    promised: dict[str, list[tuple[str, str, str]]] = {}
    for row in csv.DictReader(_CONTRACT.read_text("utf-8").splitlines()):
        promised.setdefault(row["idc_table"], []).append((row["column"], row["type"], row["mode"]))
    return promised


@pytest.mark.skipif(not _CONTRACT.is_file(), reason="the columns of the Imaging Data Commons do not stand beside this checkout")
def test_columns_are_those_of_the_imaging_data_commons(lake: dicomlake.Lake) -> None:
    """Names, their order and types; a column that is repeated there is a list here."""
    promised = _promised()
    assert sum(map(len, promised.values())) == 168
    assert promised.keys() <= questions().keys()
    for table, columns in promised.items():
        answer = ask(lake, f"@{table}")
        assert list(answer.names) == [name for name, _, _ in columns], table
        for found, (name, kind, mode) in zip(answer.types, columns, strict=True):
            assert found.endswith("[]") == (mode == "repeated"), (table, name)
            assert found.removesuffix("[]") in _TYPES[kind], (table, name, found)
        answer.close()


@pytest.mark.parametrize("name", questions())
def test_every_question_runs_and_says_what_its_rows_are(lake: dicomlake.Lake, name: str) -> None:
    """The first line of its file is a sentence; the rows are ordered, so an answer is the same each time."""
    question = questions()[name]
    assert question.help.startswith("A row for each ")
    assert question.help.endswith(".")
    assert "order by" in question.sql
    rows = lake.sql(f"@{name}").collect()
    assert rows.equals(lake.sql(f" @{name}\n").collect())


def test_a_name_that_no_question_has() -> None:
    """The nearest name is told, or all of them."""
    with pytest.raises(UsageError, match="did you mean @ct_index"):
        sql_of("@ct_indx")
    with pytest.raises(UsageError, match="the names are @ann_group_index, "):
        sql_of("@")
