"""Copies of one instance: which is kept, and which differ."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomlake.duplicates.key_index import STORED_KEYS, KeyIndex
from dicomlake.duplicates.resolution import COPY_COLUMNS, conflict_findings, resolve


def _copies(*rows: tuple[str, str, str | None, str]) -> pl.DataFrame:
    columns = {"url": [row[0] for row in rows], "SOPInstanceUID": [row[1] for row in rows]}
    columns |= {"code": [row[2] for row in rows], "header_digest": [row[3] for row in rows]}
    columns |= {"status": ["indexed"] * len(rows), "duplicate_of": [None] * len(rows)}
    return pl.DataFrame(columns, schema=dict.fromkeys(COPY_COLUMNS, pl.String))


def _decided(copies: pl.DataFrame) -> dict[str, tuple[str, str | None, bool]]:
    rows = resolve(copies).select("url", "new_status", "new_duplicate_of", "conflicts").iter_rows()
    return {url: (status, kept, conflicts) for url, status, kept, conflicts in rows}


def test_the_smallest_url_is_kept() -> None:
    """The others are duplicates of it; one whose header differs conflicts."""
    assert _decided(_copies(("c", "1", None, "x"), ("a", "1", None, "x"), ("b", "1", None, "y"), ("d", "2", None, "z"))) == {
        "a": ("indexed", None, False),
        "b": ("duplicate", "a", True),
        "c": ("duplicate", "a", False),
        "d": ("indexed", None, False),
    }


def test_a_copy_that_was_read_to_its_end_goes_before_a_smaller_url() -> None:
    """Only where no copy was read to its end does the url alone decide."""
    assert _decided(_copies(("a", "1", "truncated", "x"), ("b", "1", None, "y"))) == {
        "a": ("duplicate", "b", True),
        "b": ("indexed", None, False),
    }
    assert _decided(_copies(("b", "1", "corrupt-element", "x"), ("a", "1", "truncated", "x")))["a"] == ("indexed", None, False)


def test_findings_name_the_copy_that_differs() -> None:
    """One finding of level file for each."""
    findings = conflict_findings(resolve(_copies(("a", "1", None, "x"), ("b", "1", None, "y"), ("c", "1", None, "x"))), 7)
    (row,) = findings.to_dicts()
    assert (row["level"], row["code"], row["url"], row["SOPInstanceUID"], row["snapshot"]) == ("file", "conflicting-duplicate", "b", "1", 7)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 30).map(str), max_size=8), max_size=40),
    st.lists(st.integers(0, 40).map(str), max_size=20),
    st.sampled_from([1, 7, STORED_KEYS]),
)
def test_the_index_finds_what_was_added(parts: list[list[str]], asked: list[str], stored: int) -> None:
    """Every part file that holds a UID is answered, however many were merged, and however many wait on disk."""
    index = KeyIndex()
    with patch("dicomlake.duplicates.key_index.STORED_KEYS", stored):
        for number, uids in enumerate(parts):
            index.add(KeyIndex.hashes(pl.Series(uids, dtype=pl.String)), number)
    known, part_numbers = index.find(KeyIndex.hashes(pl.Series(asked, dtype=pl.String)))
    assert known.tolist() == [any(uid in part for part in parts) for uid in asked]
    assert part_numbers == {number for number, part in enumerate(parts) if set(part) & set(asked)}
    assert known.dtype == np.bool_
