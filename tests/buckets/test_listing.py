"""Listing buckets by their store's own client: the same rows as folder by folder, in order, whatever the keys are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dicomlake.config import ListingSettings, load_settings
from dicomlake.errors import AccessDenied, ConfigurationError, ListedOutOfOrder, SourceNotFound
from dicomlake.lake import Lake
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, Progress, run_index
from dicomlake.runner import SerialRunner
from dicomlake.sources import open_source
from dicomlake.sources.pattern import Pattern
from dicomlake.sources.remote import bucket as listing
from dicomlake.sources.remote.bucket import BucketListing
from dicomlake.sources.remote.folder import list_root
from dicomlake.sources.remote.root import RemoteRoot
from dicomlake.stores import KeyOrder
from tests.sources.conftest import checked
from tests.stores.servers import Bucket, Server

pytestmark = pytest.mark.long

KEYS = [
    *("a/b.dcm", "a-b", "a.txt", "a/é/1", "a/\U0001f600", "a/\uffff", "a/%20 +&<x>\\y", "a/b/1.dcm", "a/b/2.dcm", "c", "b?#"),
    *("a/empty", "empty/", "a/b/", "a/zero", "a/zero-1", "z/", "z"),
]
NAMELESS = ["a//x", "d/../e", "d/./f", "d/\x01g", "d/tab\tx"]
EMPTY = {"a/empty", "a/zero", "z"}


def _list(bucket: Bucket, below: str = "", **options: Any) -> list[dict[str, Any]]:
    source = open_source(f"{bucket.url}/{below}", ListingSettings(), bucket.storage_options | options)
    return checked(source.batches())


def _by_folders(bucket: Bucket, below: str = "", pattern: Pattern | None = None) -> list[dict[str, Any]]:
    return checked(list_root(RemoteRoot.of(f"{bucket.url}/{below}", bucket.storage_options), pattern))


def _fill(bucket: Bucket, keys: list[str]) -> None:
    for key in keys:
        bucket.put(key, b"" if key.endswith("/") or key in EMPTY else b"xyz")


@pytest.fixture(scope="module")
def filled(store: Server) -> Bucket:
    """A bucket with every kind of key that has a name."""
    bucket = store.make_bucket("filled")
    _fill(bucket, KEYS)
    return bucket


@pytest.mark.parametrize("way", ["streamed", "kept until all are there", "ranges side by side"])
def test_the_same_rows_as_folder_by_folder(filled: Bucket, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Url, size, modified and etag, so that a lake which listed otherwise yesterday reads nothing again; no marker of a folder.

    Then once more with keys that the store's client can't name, and so can't list past.
    """
    monkeypatch.setattr(listing, "BATCH_ROWS", 3)
    order = {"streamed": KeyOrder.NOT_KNOWN, "kept until all are there": KeyOrder.NONE, "ranges side by side": KeyOrder.BYTES}[way]
    monkeypatch.setattr(listing, "key_order", lambda *_: order)
    if way == "ranges side by side":
        monkeypatch.setattr(listing, "RANGES", 4)
        monkeypatch.setattr(BucketListing, "_bounds", lambda _: ["a", "a-b", "a/b", "d", "empty", "z"])
    rows = _list(filled)
    assert [row["url"] for row in rows] == sorted((f"{filled.url}/{key}" for key in KEYS if not key.endswith("/")), key=str.encode)
    assert rows == _by_folders(filled)
    assert {row["etag"] for row in rows if row["file_size"] == 3} == {"d16fb36f0911f878998c136191af705e"}
    if way == "streamed":
        assert _list(filled, "a") == _by_folders(filled, "a")
        for glob in ("**/*.dcm", "a/**", "**", "**/b", "a/**/[1é]*", "**/[!1-2].dcm", "a/**/b/?.dcm"):
            assert _list(filled, glob) == _by_folders(filled, pattern=Pattern(glob.split("/")))
    _fill(filled, NAMELESS)
    try:
        rows = _list(filled)
        assert len(rows) == len([key for key in KEYS if not key.endswith("/")]) + len(NAMELESS)
        assert rows == _by_folders(filled)
    finally:
        for key in NAMELESS:
            filled.server.client.delete_object(Bucket=filled.name, Key=key)


def test_bounds_are_folders(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large prefix is cut at its folders, below those that stand alone; a flat one is not."""
    monkeypatch.setattr(listing, "BATCH_ROWS", 3)
    _fill(bucket, [f"one/two/{folder}/{name}" for folder in "abcd" for name in "12"])
    _fill(bucket, [f"flat/{name}" for name in "12345"])
    options = bucket.storage_options
    assert BucketListing.of(RemoteRoot.of(f"{bucket.url}/one", options))._bounds() == [f"one/two/{folder}" for folder in "abcd"]
    assert BucketListing.of(RemoteRoot.of(f"{bucket.url}/flat", options))._bounds() == []


def test_a_store_out_of_order(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run finds out, says so, and begins again with rows that it sorts: what it committed before is not read again."""
    _fill(bucket, ["a/1", "a/2", "a.txt", "b"])
    page = pa.table(
        {
            "path": ["a/1", "a/2", "a.txt", "b"],
            "last_modified": pa.array([0, 0, 0, 0], pa.timestamp("us", "UTC")),
            "size": pa.array([1, 1, 1, 1], pa.uint64()),
            "e_tag": ['"x"'] * 4,
        }
    )
    monkeypatch.setattr(listing.obstore, "list", lambda *_, **__: iter(page.to_batches(max_chunksize=2)))
    with pytest.raises(ListedOutOfOrder):
        _list(bucket)
    source = open_source(bucket.url, ListingSettings(), bucket.storage_options, trusts_order=False)
    expected = [f"{bucket.url}/{key}" for key in ("a.txt", "a/1", "a/2", "b")]
    assert [row["url"] for row in checked(source.batches())] == expected
    settings = load_settings(overrides={"storage_options": bucket.storage_options, "listing.unit_files": 1})
    progress = Progress()
    request = IndexRequest((bucket.url,), Location.of(tmp_path / "lake"), settings)
    for files_new in (4, 0):
        summary = run_index(request, SerialRunner, progress)
        assert summary.files_listed == 4
        assert Lake(tmp_path / "lake").files.sort("url").collect()["url"].to_list() == expected
        assert sum("does not list keys in the order of their bytes" in message for message in progress.messages) == (1 if files_new else 2)
    assert summary.files_unchanged == 4


def test_what_is_not_there(bucket: Bucket) -> None:
    """No bucket, an empty prefix, one object."""
    url = bucket.put("a/1", b"x")
    assert [row["url"] for row in _list(bucket, "a/1")] == [url]
    with pytest.raises(SourceNotFound, match="nothing"):
        _list(bucket, "nothing")
    with pytest.raises(SourceNotFound, match=r"there is no bucket no-such-bucket at http://127\.0\.0\.1:[0-9]+; check its spelling"):
        open_source("s3://no-such-bucket/x", ListingSettings(), bucket.storage_options)


def test_an_option_that_is_misspelt(bucket: Bucket) -> None:
    """The mistake is the configuration's, and named; no value is."""
    with pytest.raises(ConfigurationError, match="option secrt is unknown to its filesystem; check its spelling") as raised:
        open_source(bucket.url, ListingSettings(), {**bucket.storage_options, "secrt": "DISTINCTIVE"})
    assert "DISTINCTIVE" not in repr(raised.value)


def test_refused_access(signed: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which bucket, as whom, and what to set; no secret."""
    signed.put("a/1", b"x")
    wrong = signed.storage_options | {"secret": "DISTINCTIVE"}
    with pytest.raises(
        AccessDenied, match=r"bucket signed-[0-9]+ at .* refuses the key of storage_options \(403 SignatureDoesNotMatch\).*set AWS_PROFILE"
    ) as raised:
        open_source(f"{signed.url}/a", ListingSettings(), wrong)
    assert "DISTINCTIVE" not in repr(raised.value)
    with pytest.raises(AccessDenied, match="refuses nobody in particular \\(anonymous\\)"):
        open_source(f"{signed.url}/a", ListingSettings(), {"anon": True, "endpoint_url": signed.endpoint})
    for name, value in signed.environment.items():
        monkeypatch.setenv(name, value)
    assert len(checked(open_source(f"{signed.url}/a", ListingSettings(), {}).batches())) == 1
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "DISTINCTIVE")
    with pytest.raises(AccessDenied, match="refuses the keys of the environment"):
        open_source(f"{signed.url}/a", ListingSettings(), {})


def test_another_region(signed: Bucket) -> None:
    """Neither the keys nor the network are at fault, and the line says what is."""
    elsewhere = signed.storage_options | {"client_kwargs": {"region_name": "eu-west-1"}}
    with pytest.raises(AccessDenied, match=r"was asked as if in region eu-west-1, where it is not .*; set AWS_REGION, or region_name"):
        open_source(f"{signed.url}/a", ListingSettings(), elsewhere)


def test_the_lake_below_its_source_is_left_out(bucket: Bucket) -> None:
    """The lake itself is not part of the archive."""
    _fill(bucket, ["a", "lake/files/x", "lake2/y"])
    source = open_source(bucket.url, ListingSettings(), bucket.storage_options, exclude=[f"{bucket.url}/lake"])
    assert [row["url"].rpartition(bucket.name)[2] for row in checked(source.batches())] == ["/a", "/lake2/y"]
