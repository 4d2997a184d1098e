"""Where a stretch of files is cut into units."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.plan.cutting import LOOK_BACK, cut

_SERIES = [f"/archive/{patient}/{study}/{series}" for patient in "ab" for study in "12" for series in "xy"]
_PATIENTS = [f"{series}/{number}" for series in _SERIES for number in range(5)]


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (24, 20),  # between the patients
        (19, 15),  # no patient ends in the last quarter, nor does a study: after a series
        (14, 14),  # nothing does, but for a study that is out of reach
        (13, 10),  # after a study
        (3, 3),  # too few to give up any
    ],
)
def test_a_unit_ends_where_the_largest_entity_does(most: int, expected: int) -> None:
    """Among the last quarter of its places; it is as large as it may be where there is no folder's end."""
    assert cut(pl.Series(_PATIENTS), most) == expected


def test_of_several_such_places_the_last_is_taken() -> None:
    """Units are as large as they may be."""
    assert cut(pl.Series([f"/{number}/file" for number in range(20)]), 16) == 16
    assert cut(pl.Series(["/a/1"] * 13 + ["/b/1"] * 3 + ["/b/2"]), 16) == 13


@given(st.lists(st.text("ab/:", max_size=6), min_size=1, max_size=40), st.data())
def test_a_unit_is_never_empty_nor_too_large(urls: list[str], data: st.DataObject) -> None:
    """Whatever urls are like."""
    most = data.draw(st.integers(1, len(urls)))
    assert most - most // LOOK_BACK <= cut(pl.Series(urls), most) <= most
