"""Listing through fsspec, on filesystems that need no network."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.registry import _registry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomlake.config import ListingSettings
from dicomlake.errors import AccessDenied, ConfigurationError, DicomlakeError, SourceNotFound
from dicomlake.sources import batches, open_source

List = Callable[..., list[dict[str, Any]]]
MOMENT = datetime(2024, 2, 29, 12, 30, 45, tzinfo=UTC)
FOLDER = {"type": "directory", "size": 0}


class FakeStore(fsspec.AbstractFileSystem):
    """A store whose folders are a table; a folder that is an exception raises it. A request for a file would be a KeyError."""

    protocol: ClassVar[str] = "fake"
    cachable = False
    folders: ClassVar[dict[str, Any]] = {}
    calls: ClassVar[list[str]] = []
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        type(self).options = options

    def ls(self, path: str, **_: object) -> list[dict[str, Any]]:
        """List a folder of the table, and note that."""
        self.calls.append(path)
        found = self.folders[path]
        if isinstance(found, BaseException):
            raise found
        entries = [{"name": f"{path}/{name}", "type": "file", "size": 1, **more} for name, more in found.items()]
        self.dircache[path] = entries
        return entries

    def info(self, path: str, **_: object) -> dict[str, Any]:
        """Describe a folder of the table."""
        if isinstance(self.folders.get(path), BaseException):
            raise self.folders[path]
        if path not in self.folders:
            raise FileNotFoundError(path)
        return {"name": path, **FOLDER}


@pytest.fixture
def store() -> Iterator[type[FakeStore]]:
    """The fake store, empty."""
    fsspec.register_implementation("fake", FakeStore, clobber=True)
    FakeStore.folders, FakeStore.calls = {}, []
    yield FakeStore
    _registry.pop("fake")


def urls(rows: list[dict[str, Any]]) -> list[str]:
    """The column ``url``."""
    return [row["url"] for row in rows]


def test_memory(memory: fsspec.AbstractFileSystem, listed: List) -> None:
    """A folder, a file, a glob, with the urls that fsspec.open takes."""
    for name in ("/a/b/1.dcm", "/a/b/2.txt", "/a/b.c", "/a/é", "/x"):
        memory.pipe(name, b"123")
    rows = listed("memory://a/")
    assert urls(rows) == ["memory://a/b.c", "memory://a/b/1.dcm", "memory://a/b/2.txt", "memory://a/é"]
    assert {row["file_size"] for row in rows} == {3}
    assert all(row["modified"] is not None for row in rows)
    for row in rows:
        with fsspec.open(row["url"]) as file:
            assert file.read() == b"123"
    assert urls(listed("memory:///a/b/1.dcm")) == ["memory://a/b/1.dcm"]
    assert urls(listed("memory://a/**/*.dcm")) == ["memory://a/b/1.dcm"]
    assert urls(listed("memory://a/b")) == ["memory://a/b/1.dcm", "memory://a/b/2.txt"]
    assert len(listed("memory://")) == 5
    assert urls(listed("memory://a", exclude=["memory://a/b/", "/local"])) == ["memory://a/b.c", "memory://a/é"]
    with pytest.raises(SourceNotFound, match="memory://gone is not there"):
        listed("memory://gone")


@given(
    st.sets(
        st.lists(st.text(st.sampled_from("a0. -Z\\é\uffff\U0001f600"), min_size=1, max_size=3), min_size=1, max_size=4).map("/".join),
        max_size=15,
    )
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_key_is_listed_in_byte_order(memory: fsspec.AbstractFileSystem, listed: List, keys: set[str]) -> None:
    """Also where a key is a folder too, as object stores allow."""
    memory.store.clear()
    memory.pseudo_dirs[:] = ["", "/root"]
    keys = {key for key in keys if not any(other.startswith(f"{key}/") for other in keys)}
    for key in keys:
        memory.pipe(f"/root/{key}", b"")
    assert urls(listed("memory://root")) == sorted((f"memory://root/{key}" for key in keys), key=str.encode)


def test_what_object_stores_say(store: type[FakeStore], listed: List) -> None:
    """Size, time and etag under each store's names, without another request."""
    store.folders = {
        "b": {
            "s3": {"size": 5, "ETag": '"e1"', "LastModified": MOMENT},
            "azure": {"size": 5, "etag": "0x8D", "last_modified": MOMENT.replace(tzinfo=None)},
            "google": {"size": 5, "etag": "CAE=", "updated": "2024-02-29T12:30:45Z"},
            "web": {"size": 5, "Last-Modified": "Thu, 29 Feb 2024 12:30:45 GMT"},
            "sftp": {"size": 5, "mtime": MOMENT.timestamp()},
            "archive": {"size": 5, "date_time": (2024, 2, 29, 12, 30, 45)},
            "nothing": {"size": None, "mtime": "no time", "ETag": None},
            "folder": FOLDER,
        },
        "b/folder": {},
    }
    rows = {row["url"].removeprefix("fake://b/"): (row["file_size"], row["modified"], row["etag"]) for row in listed("fake://b")}
    assert rows.pop("nothing") == (None, None, None)
    etags = {"s3": "e1", "azure": "0x8D", "google": "CAE="}
    assert rows == {name: (5, MOMENT, etags.get(name)) for name in ("archive", "azure", "google", "s3", "sftp", "web")}
    assert store.calls == ["b", "b/folder"]


def test_oddities_of_object_stores(store: type[FakeStore], listed: List) -> None:
    """Folder markers go; a key below a nameless folder is a row; one name may be a key and a folder; half characters are spelt out."""
    store.folders = {
        "b": {"": {"size": 0}, "a": {}, "a/": FOLDER, "a.": {}, "odd": FOLDER, "half\udcff": {}, "other": {"type": "other"}},
        "b/a": {"/": FOLDER, "x": {}},
        "b/odd": {"": {"size": 3}},
    }
    rows = listed("fake://b")
    assert [(row["url"], row["code"]) for row in rows] == [
        ("fake://b/a", None),
        ("fake://b/a.", None),
        ("fake://b/a/", "not-regular"),
        ("fake://b/a/x", None),
        ("fake://b/half\\udcff", None),
        ("fake://b/odd/", None),
        ("fake://b/other", "not-regular"),
    ]


def test_a_folder_that_is_refused_or_gone_is_a_row(store: type[FakeStore], listed: List) -> None:
    """In order, and told apart from a key of the same name."""
    store.folders = {
        "b": {"a": FOLDER, "a.": {}, "c": {}, "c/": FOLDER, "c.": {}, "d": FOLDER},
        "b/a": PermissionError("secret"),
        "b/c": PermissionError("secret"),
        "b/d": FileNotFoundError("b/d"),
    }
    rows = listed("fake://b")
    refused = ("unreadable", "folder can't be listed: no access")
    assert [(row["url"].removeprefix("fake://b/"), row["code"], row["message"]) for row in rows] == [
        ("a", *refused),
        ("a.", None, None),
        ("c", None, None),
        ("c.", None, None),
        ("c/", *refused),
        ("d", "unreadable", "folder can't be listed: vanished while listing"),
    ]


class NoCredentialsError(Exception):
    """Named as in botocore."""


class UnreachableError(OSError):
    """As from a socket."""


class ClientError(Exception):
    """With a code, as in botocore."""

    def __init__(self, code: str) -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code}}


class WebError(Exception):
    """With a status, as in aiohttp."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status}, message")
        self.status = status


def not_found_because_of(cause: Exception) -> Exception:
    """Every error looks like this in fsspec's http filesystem."""
    error = FileNotFoundError("b")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            PermissionError("Forbidden for key hush-hush"),
            AccessDenied,
            "no access to source fake://b: Forbidden for key ***; set storage_options",
        ),
        (
            NoCredentialsError("Unable to locate credentials"),
            AccessDenied,
            "no access to source fake://b: Unable to locate credentials; set",
        ),
        (FileNotFoundError("b"), SourceNotFound, "source fake://b is not there"),
        (
            UnreachableError("Cannot connect\nto host"),
            AccessDenied,
            "source fake://b can't be listed: Cannot connect to host; check the address",
        ),
        (ClientError("NoSuchBucket"), SourceNotFound, "source fake://b is not there"),
        (ClientError("InvalidAccessKeyId"), AccessDenied, "no access to source fake://b: An error occurred (InvalidAccessKeyId)"),
        (not_found_because_of(WebError(404)), SourceNotFound, "source fake://b is not there"),
        (not_found_because_of(WebError(403)), AccessDenied, "no access to source fake://b: 403, message"),
        (
            not_found_because_of(UnreachableError("hush-hush at https://me:hush@h/?x")),
            AccessDenied,
            "can't be listed: *** at https://***@h/?***;",
        ),
        (ImportError("Please install fakefs"), ConfigurationError, "source fake://b: Please install fakefs"),
    ],
)
def test_refusals(store: type[FakeStore], error: Exception, kind: type[DicomlakeError], message: str) -> None:
    """One line that says what to do, without credentials; when the source is opened, and when it is listed."""
    options = {"key": "hush-hush"}
    store.folders = {"b": error}
    with pytest.raises(kind) as caught:
        open_source("fake://b", ListingSettings(), options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    store.folders = {"b": {"c": {}, "d": FOLDER}, "b/d": UnreachableError("reset")}
    with pytest.raises(AccessDenied, match="reset"):
        list(open_source("fake://b", ListingSettings(), options).batches())


@pytest.mark.parametrize(
    "url", ["s3://me:hush@bucket/a", "https://h/a.dcm?X-Amz-Signature=hush", "zip://::https://me:hush@h/a.zip", "@ftp://me:hush@h/l.csv"]
)
def test_credentials_in_a_url_are_refused(url: str) -> None:
    """They would end up in the lake."""
    with pytest.raises(ConfigurationError, match="carries credentials") as caught:
        open_source(url, ListingSettings(), {})
    assert "hush" not in str(caught.value)


def test_unknown_protocols() -> None:
    """Are configuration errors, as are packages that are not installed."""
    with pytest.raises(ConfigurationError, match="nosuch"):
        open_source("nosuch://a", ListingSettings(), {})


def test_options_of_other_protocols_stay_away(store: type[FakeStore], listed: List) -> None:
    """Options under a protocol's name are for that protocol."""
    store.folders = {"b": {"c": {}}}
    options = {"s3": {"key": "hush"}, "fake": {"x": 1}, "client_kwargs": {"y": 2}}
    listed("fake://b", options=options)
    assert store.options == {"x": 1, "client_kwargs": {"y": 2}}
    assert options["fake"] == {"x": 1}


def test_listing_streams_and_forgets(store: type[FakeStore], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first batch comes before the last folder is listed, and fsspec keeps none of them."""
    monkeypatch.setattr(batches, "BATCH_ROWS", 4)
    store.folders = {
        "b": {"1": FOLDER, "2": FOLDER, "9": FOLDER},
        "b/1": {"a": {}, "b": {}, "c": {}},
        "b/2": {"a": {}, "b": {}, "c": {}},
        "b/9": AssertionError("listed too early"),
    }
    stream = open_source("fake://b", ListingSettings(), {}).batches()
    assert next(stream).num_rows == 4
    assert "b/9" not in store.calls


def test_a_chain_passes_through(tmp_path: Path, listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members of an archive keep the address of the archive, in every spelling of the SOURCE."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("a/1.dcm", "a/2.txt", "a.dcm", "a1"):
            archive.writestr(name, "123")
    monkeypatch.chdir(tmp_path)
    tail = f"::{tmp_path}/x.zip"
    expected = sorted(f"zip://{name}{tail}" for name in ("a/1.dcm", "a/2.txt", "a.dcm", "a1"))
    for text in ("zip://::x.zip", "zip::x.zip", f"zip://::{tmp_path}/x.zip"):
        rows = listed(text)
        assert urls(rows) == expected
        assert open_source(text, ListingSettings(), {}).name == f"zip://{tail}"
    with fsspec.open(rows[0]["url"]) as file:
        assert file.read() == b"123"
    assert urls(listed("zip://a::x.zip")) == [f"zip://a/1.dcm{tail}", f"zip://a/2.txt{tail}"]
    assert urls(listed("zip://**/*.dcm::x.zip")) == [f"zip://a.dcm{tail}", f"zip://a/1.dcm{tail}"]


def test_a_cache_passes_through(memory: fsspec.AbstractFileSystem, listed: List, tmp_path: Path) -> None:
    """A filesystem that only wraps another has no path of its own."""
    memory.pipe("/a/1", b"")
    assert urls(listed("simplecache::memory://a", options={"simplecache": {"cache_storage": str(tmp_path)}})) == [
        "simplecache::memory://a/1"
    ]
