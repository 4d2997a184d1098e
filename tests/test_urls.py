"""Names are bytes and urls are text: each name survives the way there and back."""

from __future__ import annotations

import os

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dicomlake.urls import END_OF_MEMBERS, archive_of, is_local, member_url, path_of_url, place_of, places_of, url_of_path


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
    """A byte that is not UTF-8 is written out, and a backslash is doubled."""
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


@pytest.mark.parametrize(
    ("url", "local"),
    [("/a/b.dcm", True), ("a/b", True), ("/a:b//c", True), ("s3://b/k", False), ("zip://m::s3://b/a.zip", False), ("zip::/a", False)],
)
def test_local_or_not(url: str, *, local: bool) -> None:
    """A url without a scheme is a path."""
    assert is_local(url) == local


_NAMES = st.binary(min_size=1) | st.lists(st.sampled_from([b":", b"\\", b"x3a", b"\0", b"\xff", b"/", b"a"]), min_size=1).map(b"".join)


@given(
    _NAMES,
    st.sampled_from(["zip", "tar"]),
    st.binary().map(lambda path: url_of_path(b"/" + path))
    | st.sampled_from(["s3://bucket/a.zip", "gs://b/a.tar::x", "memory://a", "simplecache::s3://bucket/a.zip"]),
)
@example(b"a::b:", "zip", "s3://bucket/a.zip")
def test_every_member_survives(name: bytes, scheme: str, archive: str) -> None:
    """A url of a member, chained to any archive, gives back the archive and the name in it."""
    url = member_url(scheme, name, archive)
    url.encode("utf-8")
    assert archive_of(url) == archive
    assert not is_local(url)
    assert path_of_url(url.removeprefix(f"{scheme}://").removesuffix(f"::{archive}")) == name
    assert place_of(archive) < place_of(url) < archive + END_OF_MEMBERS
    assert places_of(pa.array([url, archive], pa.string())).to_pylist() == [place_of(url), place_of(archive)]


@pytest.mark.parametrize("url", ["/a/zip", "zip://a", "s3://zip://a::b", "memory://a"])
def test_other_urls_are_no_members(url: str) -> None:
    """Their place is the url itself."""
    assert archive_of(url) is None
    assert place_of(url) == url
