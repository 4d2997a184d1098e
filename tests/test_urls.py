r"""Paths are bytes and urls are text: each byte name survives the way there and back."""

from __future__ import annotations

import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dicomlake.urls import is_local, path_of_url, url_of_path


@pytest.mark.parametrize(
    ("path", "url"),
    [
        (b"/a/b.dcm", "/a/b.dcm"),
        ("/M\u00fcller/\u65e5\u672c".encode(), "/M\u00fcller/\u65e5\u672c"),
        (b"/a/\xff", "/a/\\xff"),
        (b"/a\\b", "/a\\\\b"),
        (b"/a\\xff", "/a\\\\xff"),
        (b"/\\\xff\\", "/\\\\\\xff\\\\"),
        (b"/\xed\xa0\x80", "/\\xed\\xa0\\x80"),
    ],
)
def test_examples(path: bytes, url: str) -> None:
    """The escapes of DESIGN section 3."""
    assert url_of_path(path) == url
    assert url_of_path(os.fsdecode(path)) == url
    assert path_of_url(url) == path


@given(st.binary() | st.lists(st.sampled_from([b"\\", b"x", b"f", b"\xff", b"/", b"\xc3"])).map(b"".join))
@example(b"\\x41")
def test_every_path_survives(path: bytes) -> None:
    """Decoding undoes encoding, and urls are valid UTF-8."""
    url = url_of_path(path)
    url.encode("utf-8")
    assert path_of_url(url) == path


@given(st.lists(st.binary().filter(lambda name: b"/" not in name)))
def test_names_can_be_escaped_one_by_one(names: list[bytes]) -> None:
    """The url of a path is the urls of its names."""
    assert url_of_path(b"/".join(names)) == "/".join(url_of_path(name) for name in names)


def test_a_backslash_written_by_hand_stands_for_itself() -> None:
    """What is no escape is tolerated."""
    assert path_of_url("/a\\b\\xg") == b"/a\\b\\xg"


def test_local_urls_begin_with_a_slash() -> None:
    """All others have a protocol."""
    assert is_local("/a")
    assert not is_local("s3://a")
