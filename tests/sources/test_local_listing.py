"""Folders of this machine: order, special files, errors."""

# Names that are no UTF-8, and folders deeper than any path, are no business of pathlib.

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomlake.config import ListingSettings
from dicomlake.errors import AccessDenied, SourceNotFound
from dicomlake.sources import batches, open_source
from dicomlake.sources.local import folder as local
from dicomlake.urls import url_of_path

List = Callable[..., list[dict[str, Any]]]


def put(path: Path, content: bytes = b"") -> Path:
    """Write a file, and the folders it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def codes(rows: list[dict[str, Any]], root: Path) -> dict[str, tuple[str | None, str | None]]:
    """Code and message of each row, by its url below a folder."""
    return {row["url"].removeprefix(f"{root}/"): (row["code"], row["message"]) for row in rows}


def test_files_have_size_and_modified_time(tmp_path: Path, listed: List) -> None:
    """Modified is in whole microseconds, rounded down."""
    file = put(tmp_path / "a" / "b.dcm", b"12345")
    os.utime(file, ns=(0, 1_600_000_000_123_456_999))
    (row,) = listed(tmp_path)
    assert (row["url"], row["file_size"], row["etag"], row["code"], row["message"]) == (str(file), 5, None, None, None)
    assert row["modified"].timestamp() == pytest.approx(1_600_000_000.123456, abs=1e-7)
    assert row["modified"].microsecond == 123456


NAMES = st.lists(
    st.text(st.sampled_from("a0. -_/\\Zé日"), min_size=1, max_size=6).map(str.encode)
    | st.lists(st.sampled_from([b"a", b"\xff", b"\x80", b"\\", b"x", b"/", b"\n"]), min_size=1, max_size=5).map(b"".join),
    max_size=12,
)


@given(NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_file_is_listed_in_byte_order(tmp_path_factory: pytest.TempPathFactory, listed: List, names: list[bytes]) -> None:
    """The listing equals a naive walk, sorted."""
    root = os.fsencode(tmp_path_factory.mktemp("tree"))
    for name in names:
        path = os.path.normpath(root + b"/" + name.replace(b"..", b"."))
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        except OSError:
            continue
    expected = [url_of_path(folder + b"/" + name) for folder, _, files in os.walk(root) for name in files]
    rows = listed(os.fsdecode(root))
    assert [row["url"] for row in rows] == sorted(expected, key=str.encode)


def test_what_is_no_file_is_a_row(tmp_path: Path, listed: List) -> None:
    """A FIFO or a socket neither hangs nor goes missing."""
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(".", os.O_RDONLY)
        os.chdir(tmp_path)  # the address of a socket is at most 108 bytes
        server.bind("socket")
        os.fchdir(here)
        os.close(here)
        found = codes(listed(tmp_path), tmp_path)
    assert found == {"fifo": ("not-regular", "a FIFO"), "socket": ("not-regular", "a socket")}


def test_a_device_as_source_is_a_row(listed: List) -> None:
    """Also where the SOURCE itself is none."""
    (row,) = listed("/dev/null")
    assert (row["url"], row["code"], row["message"]) == ("/dev/null", "not-regular", "a character device")


def test_links(tmp_path: Path, listed: List) -> None:
    """A link to a file is that file under its own name; one to a folder is a row; one to nothing too, and one to itself."""
    put(tmp_path / "away" / "file", b"123")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").symlink_to(tmp_path / "away" / "file")
    (root / "b").symlink_to(tmp_path / "away")
    (root / "c").symlink_to("nothing")
    (root / "d").symlink_to("d")
    rows = listed(root)
    assert rows[0]["file_size"] == 3
    assert codes(rows, root) == {
        "a": (None, None),
        "b": ("not-regular", "link to a folder; not followed"),
        "c": ("unreadable", "No such file or directory"),
        "d": ("unreadable", "Too many levels of symbolic links"),
    }


def test_links_to_folders_are_followed_on_request(tmp_path: Path, listed: List) -> None:
    """Urls go through the link; what leads back to a folder above is a row."""
    put(tmp_path / "away" / "file")
    root = tmp_path / "root"
    put(root / "x" / "y" / "file")
    (root / "b").symlink_to(tmp_path / "away")
    (root / "x" / "back").symlink_to(root)
    (root / "x" / "y" / "up").symlink_to("..")
    (root / "nothing").symlink_to("nowhere")
    found = codes(listed(root, follow=True), root)
    loop = ("not-regular", "link loop: leads back to a folder above; not followed")
    assert found == {
        "b/file": (None, None),
        "nothing": ("unreadable", "No such file or directory"),
        "x/back": loop,
        "x/y/file": (None, None),
        "x/y/up": loop,
    }


def test_a_loop_through_a_folder_above_the_source_ends(tmp_path: Path, listed: List) -> None:
    """The walk goes round once at most."""
    put(tmp_path / "root" / "file")
    (tmp_path / "root" / "up").symlink_to(tmp_path)
    found = codes(listed(tmp_path / "root", follow=True), tmp_path / "root")
    assert list(found) == ["file", "up/root"]
    assert found["up/root"][0] == "not-regular"


def test_the_source_may_be_a_link(tmp_path: Path, listed: List) -> None:
    """Its own path is kept."""
    put(tmp_path / "real" / "file")
    (tmp_path / "link").symlink_to("real")
    assert [row["url"] for row in listed(tmp_path / "link")] == [f"{tmp_path}/link/file"]


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """A function that makes a folder refuse to be listed, even to root."""
    scandir = os.scandir
    refused = set()

    def refusing(path: str) -> object:
        if path in refused:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(local._Ahead, "_open_plain", lambda *_: None)
    monkeypatch.setattr(os, "scandir", refusing)
    return lambda path: refused.add(str(path))


def test_a_folder_without_permission_is_one_row_in_order(tmp_path: Path, listed: List, locked: Callable[[Path], None]) -> None:
    """Its url, without a slash, sorts before names that its files would follow."""
    for name in ("a", "b/file", "b-c", "b.d", "b0"):
        put(tmp_path / name)
    locked(tmp_path / "b")
    found = codes(listed(tmp_path), tmp_path)
    assert list(found) == ["a", "b", "b-c", "b.d", "b0"]
    assert found["b"] == ("unreadable", "folder can't be listed: Permission denied")


def test_a_source_without_permission_is_refused(tmp_path: Path, listed: List, locked: Callable[[Path], None]) -> None:
    """An empty listing would mean that everything vanished."""
    source = open_source(str(tmp_path), ListingSettings(), {})
    locked(tmp_path)
    with pytest.raises(AccessDenied, match="Permission denied"):
        listed(tmp_path)
    with pytest.raises(AccessDenied, match="Permission denied"):
        list(source.batches())


def test_a_source_that_vanishes_before_it_is_listed(tmp_path: Path) -> None:
    """Is said to be gone, not listed as empty."""
    folder = tmp_path / "a"
    folder.mkdir()
    source = open_source(str(folder), ListingSettings(), {})
    folder.rmdir()
    with pytest.raises(SourceNotFound, match="disk is mounted"):
        list(source.batches())


def test_a_folder_that_breaks_off_keeps_what_came_before(tmp_path: Path, listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input error in the middle of a folder is a row beside the names that were read."""
    put(tmp_path / "broken" / "a")
    put(tmp_path / "z")
    monkeypatch.setattr(local._Ahead, "_open_plain", lambda *_: None)
    scandir = os.scandir

    class Breaking:
        def __init__(self, path: str) -> None:
            self.entries = scandir(path)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.entries.close()

        def __iter__(self) -> Iterator[os.DirEntry[str]]:
            yield from self.entries
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "scandir", lambda path: Breaking(path) if str(path).endswith("broken") else scandir(path))
    found = codes(listed(tmp_path), tmp_path)
    assert found == {"broken": ("unreadable", "folder can't be listed: Input/output error"), "broken/a": (None, None), "z": (None, None)}


def test_files_and_folders_that_vanish_while_listing_are_rows(tmp_path: Path, listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the folder's names and the file's ``stat``."""
    for name in ("a", "b", "c/d"):
        put(tmp_path / name)
    scandir = os.scandir

    def removing(path: str) -> object:
        if str(path) != str(tmp_path):
            return scandir(path)
        with scandir(path) as entries:
            found = list(entries)
        (tmp_path / "b").unlink(missing_ok=True)
        (tmp_path / "c" / "d").unlink(missing_ok=True)
        (tmp_path / "c").rmdir()
        return Once(found)

    class Once(list[Any]):
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing is open."""

    source = open_source(str(tmp_path), ListingSettings(), {})
    monkeypatch.setattr(local._Ahead, "_open_plain", lambda *_: None)
    root = local._Ahead.open
    monkeypatch.setattr(local._Ahead, "open", lambda *given: (monkeypatch.setattr(os, "scandir", removing), root(*given))[1])
    rows = [row for batch in source.batches() for row in batch.to_pylist()]
    assert codes(rows, tmp_path) == {
        "a": (None, None),
        "b": ("unreadable", "No such file or directory"),
        "c": ("unreadable", "folder can't be listed: No such file or directory"),
    }


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A function that makes a folder so many deep, with a file in the last one; made and removed from within, for no path reaches it."""
    here = os.getcwd()
    made = 0

    def make(depth: int) -> Path:
        nonlocal made
        os.chdir(tmp_path)
        for _ in range(depth):
            os.mkdir("d")
            os.chdir("d")
            made += 1
        Path("file").touch()
        return tmp_path

    yield make
    Path("file").unlink()
    for _ in range(made):
        os.chdir("..")
        os.rmdir("d")
    os.chdir(here)


def test_a_folder_1500_deep_is_listed(deep: Callable[[int], Path], listed: List) -> None:
    """No recursion."""
    root = deep(1500)
    (row,) = listed(root)
    assert row["url"] == f"{root}{'/d' * 1500}/file"
    assert row["code"] is None


def test_a_path_too_long_for_the_system_is_a_row(deep: Callable[[int], Path], listed: List) -> None:
    """5,000 folders deep no path can be opened; the first that can't is the row."""
    (row,) = listed(deep(5000))
    assert (row["code"], row["message"]) == ("unreadable", "folder can't be listed: File name too long")


def test_the_lake_below_the_source_is_left_out(tmp_path: Path, listed: List) -> None:
    """However the source was reached; siblings whose names begin alike stay."""
    for name in ("real/a", "real/lake/part.parquet", "real/lake2/b"):
        put(tmp_path / name)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "again").symlink_to("lake")
    excluded = [str(tmp_path / "real" / "lake"), "s3://elsewhere/lake"]
    for root in (tmp_path / "real", tmp_path / "link"):
        assert [row["url"] for row in listed(root, exclude=excluded)] == [f"{root}/a", f"{root}/again", f"{root}/lake2/b"]
        assert [row["url"] for row in listed(root, exclude=excluded, follow=True)] == [f"{root}/a", f"{root}/lake2/b"]


def test_the_first_batch_comes_before_the_last_folder_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing streams."""
    monkeypatch.setattr(batches, "BATCH_ROWS", 4)
    for folder in "abc":
        for name in range(5):
            put(tmp_path / folder / str(name))
    seen = []
    monkeypatch.setattr(local._Ahead, "_open_plain", lambda *_: None)
    scandir = os.scandir

    def noting(path: str) -> object:
        seen.append(os.path.basename(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noting)
    stream = open_source(str(tmp_path), ListingSettings(), {}).batches()
    assert next(stream).num_rows == 4
    assert "a" in seen
    assert "c" not in seen
    assert [batch.num_rows for batch in stream] == [4, 4, 3]


def test_no_file_is_ever_opened(tmp_path: Path, listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing looks at names and ``stat`` only."""
    put(tmp_path / "a")

    def refused(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("builtins.open", refused)
    monkeypatch.setattr(os, "open", refused)
    assert len(listed(tmp_path)) == 1
