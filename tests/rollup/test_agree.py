"""Agreeing upon a value: the fast way against an obviously right one."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomlake.rollup.agree import WEIGHT, agreed_values, differing_names

_KEYS = ("study", "series")
_TEXT = st.sampled_from([None, "a", "b", "ä", ""])
_ROW = st.fixed_dictionaries(
    {
        "study": st.sampled_from([None, "1", "2"]),
        "series": st.sampled_from([None, "1"]),
        "text": _TEXT,
        "number": st.sampled_from([None, 0.5, -1.0, 7.25]),
        "steady": st.none(),
        "list": st.one_of(st.none(), st.lists(_TEXT, min_size=1, max_size=2)),
        WEIGHT: st.integers(1, 3),
    }
)
_SCHEMA: dict[str, Any] = {
    "study": pl.String,
    "series": pl.String,
    "text": pl.String,
    "number": pl.Float64,
    "steady": pl.Float64,
    "list": pl.List(pl.String),
    WEIGHT: pl.Int64,
}
_COLUMNS = ("text", "number", "steady", "list")


def _order(value: Any) -> Any:
    return [(item is not None, item or "") for item in value] if isinstance(value, list) else value


def _slow_twin(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, tuple[Any, bool]]]:
    """Count every value of every column in every group."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in _KEYS), []).append(row)
    answer: dict[tuple[Any, ...], dict[str, tuple[Any, bool]]] = {}
    for key, members in groups.items():
        answer[key] = {}
        for name in _COLUMNS:
            counts: Counter[Any] = Counter()
            for row in members:
                if row[name] is not None:
                    counts[tuple(row[name]) if isinstance(row[name], list) else row[name]] += row[WEIGHT]
            if not counts:
                answer[key][name] = (None, False)
                continue
            most = max(counts.values())
            tied = [list(value) if isinstance(value, tuple) else value for value, count in counts.items() if count == most]
            answer[key][name] = (min(tied, key=_order), len(counts) > 1)
    return answer


@settings(max_examples=150, deadline=None)
@given(st.lists(_ROW, min_size=1, max_size=14))
def test_the_most_frequent_value_is_chosen_and_the_smallest_of_a_tie(rows: list[dict[str, Any]]) -> None:
    """Values and differences equal those of a twin that counts everything, also where the rows of a group stand side by side."""
    # One column has one value throughout each group, as most have in a series.
    rows = [{**row, "steady": {None: None, "1": -0.0, "2": 3.5}[row["study"]]} for row in rows]
    for ordered in (rows, sorted(rows, key=lambda row: tuple(row[key] or "" for key in _KEYS))):
        _assert_as_the_twin(ordered)


def _assert_as_the_twin(rows: list[dict[str, Any]]) -> None:
    values, spread = agreed_values(pl.DataFrame(rows, schema=_SCHEMA), _KEYS, _COLUMNS)
    expected = _slow_twin(rows)
    assert values.height == spread.height == len(expected)
    for value_row, spread_row in zip(values.iter_rows(named=True), spread.iter_rows(named=True), strict=True):
        key = tuple(value_row[name] for name in _KEYS)
        assert key == tuple(spread_row[name] for name in _KEYS)
        found = {name: (value_row[name], spread_row.get(name, False)) for name in _COLUMNS}
        assert found == expected[key]


def test_zero_has_no_sign() -> None:
    """Which of 0.0 and -0.0 is shown does not depend on the order of rows, nor on the way in which they are compared."""
    for numbers in ([-0.0, -0.0], [0.0, -0.0], [-0.0, None]):
        rows = pl.DataFrame({"key": ["a"] * 2, "number": numbers, WEIGHT: [1, 1]})
        values, spread = agreed_values(rows, ["key"], ["number"])
        assert math.copysign(1, values["number"][0]) == 1
        assert spread.columns == ["key"]


def test_names_that_differ_are_sorted_and_null_where_there_is_none() -> None:
    """A group without differences has null, not an empty list."""
    spread = pl.DataFrame({"key": ["x", "y"], "b": [True, False], "a": [True, False], "c": [False, False]})
    assert differing_names(spread, ["b", "a", "c"]).to_list() == [["a", "b"], None]
    assert differing_names(spread, ["c"]).to_list() == [None, None]
