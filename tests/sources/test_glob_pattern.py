"""Globs: what they match, and what they never open."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.errors import SourceNotFound
from dicomlake.sources.pattern import Pattern

FILES = ("a.dcm", "a.txt", ".hidden.dcm", "p1/s1/1.dcm", "p1/s1/1.txt", "p1/s2/2.dcm", "p2/x.dcm/inside", "p2/3.dcm", "q/s1/deep/er/4.dcm")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.dcm", [".hidden.dcm", "a.dcm"]),
        ("**/*.dcm", [".hidden.dcm", "a.dcm", "p1/s1/1.dcm", "p1/s2/2.dcm", "p2/3.dcm", "p2/x.dcm/inside", "q/s1/deep/er/4.dcm"]),
        ("p?/s1/*", ["p1/s1/1.dcm", "p1/s1/1.txt"]),
        ("p*", ["p1/s1/1.dcm", "p1/s1/1.txt", "p1/s2/2.dcm", "p2/3.dcm", "p2/x.dcm/inside"]),
        ("*/s1/**/*.dcm", ["p1/s1/1.dcm", "q/s1/deep/er/4.dcm"]),
        ("**/s1", ["p1/s1/1.dcm", "p1/s1/1.txt", "q/s1/deep/er/4.dcm"]),
        ("p1/**", ["p1/s1/1.dcm", "p1/s1/1.txt", "p1/s2/2.dcm"]),
        ("[!p]*/**/[0-9].dcm", ["q/s1/deep/er/4.dcm"]),
        ("*.nothing", []),
    ],
)
def test_examples(tmp_path: Path, listed: Callable[..., Any], pattern: str, expected: list[str]) -> None:
    """A folder that matches brings what is in it."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [os.path.relpath(row["url"], tmp_path) for row in listed(f"{tmp_path}/{pattern}")] == expected


def naive(pattern: list[str], names: list[str]) -> bool:
    """Whether a path or a folder above it matches, by a regular expression over the whole path."""
    parts = ["(?:[^/]+/)*" if part == "**" else part.replace("*", "[^/]*").replace("?", "[^/]") + "/" for part in pattern]
    whole = re.compile("".join(parts))
    return any(whole.fullmatch("".join(f"{name}/" for name in names[:end])) for end in range(len(names) + 1))


@given(
    st.lists(st.sampled_from(["**", "*", "a", "a*", "?b"]), min_size=1, max_size=5),
    st.lists(st.sampled_from(["a", "ab", "b"]), min_size=1, max_size=5),
)
def test_walking_down_equals_matching_the_whole_path(pattern: list[str], names: list[str]) -> None:
    """The slow twin matches the path at once."""
    place = Pattern(pattern)
    for name in names[:-1]:
        place = place.below(name)
    assert place.matches(names[-1]) == naive(pattern, names)


def test_folders_that_lead_nowhere_are_never_opened(tmp_path: Path, listed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The pattern prunes."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    seen = set()
    scandir = os.scandir

    def noting(path: str) -> object:
        seen.add(os.path.relpath(path, tmp_path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noting)
    listed(f"{tmp_path}/p*/s1/*.dcm")
    assert seen == {".", "p1", "p1/s1", "p2"}


def test_an_existing_path_is_no_glob(tmp_path: Path, listed: Callable[..., Any]) -> None:
    """Neither whole nor as the beginning of one."""
    for name in ("a[1]/x.dcm", "a1/y.dcm"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    for text in ("a[1]", "a[1]/*.dcm", "a[1]/x.dcm"):
        assert [row["url"] for row in listed(tmp_path / text)] == [f"{tmp_path}/a[1]/x.dcm"]
    assert [row["url"] for row in listed(f"{tmp_path}/a[0-9]")] == [f"{tmp_path}/a1/y.dcm"]


def test_names_that_are_no_utf8_match(tmp_path: Path, listed: Callable[..., Any]) -> None:
    """And a backslash is a letter."""
    for name in (b"\xff.dcm", b"a\\b.dcm"):
        os.close(os.open(os.fsencode(tmp_path) + b"/" + name, os.O_CREAT))
    assert [row["url"] for row in listed(f"{tmp_path}/?.dcm")] == [f"{tmp_path}/\\xff.dcm"]
    assert [row["url"] for row in listed(f"{tmp_path}/a*.dcm")] == [f"{tmp_path}/a\\\\b.dcm"]


def test_a_folder_to_look_in_that_is_missing(tmp_path: Path, listed: Callable[..., Any]) -> None:
    """Is said, not taken for nothing found."""
    with pytest.raises(SourceNotFound, match="is not there"):
        listed(f"{tmp_path}/gone/*.dcm")
    (tmp_path / "file").touch()
    with pytest.raises(SourceNotFound, match="not a folder"):
        listed(f"{tmp_path}/file/*.dcm")
