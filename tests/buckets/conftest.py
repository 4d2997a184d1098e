"""A lake in a bucket, and nights of small archives over it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

import dicomlake.extract.unit
from dicomlake.lake.write import lease
from dicomlake.parts import Location
from tests.buckets.servers import moto_process
from tests.run.conftest import Nights
from tests.run.json_engine import JsonEngine
from tests.stores.conftest import Proxied, no_credentials_from_outside, proxied
from tests.stores.servers import Bucket, Server, versitygw_command, versitygw_server

__all__ = ["BucketNights", "Proxied", "no_credentials_from_outside", "proxied"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def store() -> Iterator[Server]:
    """An object store in a process of its own."""
    with moto_process() as server:
        yield server


@pytest.fixture(scope="session")
def store_of_lakes(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The same or, where versitygw is installed, that: it answers ten times as fast."""
    command = versitygw_command()
    if command is None:
        yield request.getfixturevalue("store")
        return
    with versitygw_server(command, tmp_path_factory.mktemp("versitygw")) as server:
        yield server


@pytest.fixture
def bucket(store: Server) -> Bucket:
    """An empty bucket."""
    return store.make_bucket(f"lakes-{next(_numbers)}")


@pytest.fixture
def signed(store_of_lakes: Server) -> Bucket:
    """A bucket of a server that checks signatures; skips where there is none."""
    if not store_of_lakes.checks_signatures:
        pytest.skip("versitygw is not installed: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
    return store_of_lakes.make_bucket(f"signed-{next(_numbers)}")


class BucketNights(Nights):
    """An archive in a folder, and its lake in a bucket."""

    def __init__(self, folder: Path, engine: JsonEngine, bucket: Bucket) -> None:
        super().__init__(folder, engine)
        self.bucket = bucket
        self.location = Location.of(f"{bucket.url}/lake", bucket.storage_options)

    def reached_through(self, bucket: Bucket) -> Location:
        """The lake by another way."""
        return Location.of(f"{bucket.url}/lake", bucket.storage_options)

    def keys_below(self, below: str = "lake/") -> list[str]:
        """The keys that are there."""
        pages = self.bucket.server.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket.name, Prefix=below)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


@pytest.fixture
def nights(tmp_path: Path, store_of_lakes: Server, monkeypatch: pytest.MonkeyPatch) -> BucketNights:
    """An empty archive and no lake yet; headers are JSON."""
    engine = JsonEngine()
    monkeypatch.setattr(dicomlake.extract.unit, "make_engine", lambda _: engine)
    for module in ("planning", "stages"):
        monkeypatch.setattr(f"dicomlake.run.{module}.engine_version", lambda _: engine.version)
    if not store_of_lakes.checks_signatures:
        # moto reads the condition and then writes, so on a busy machine two puts at once can both pass. A store of lakes must not do that.
        monkeypatch.setattr(lease, "_RACES", 0)
    return BucketNights(tmp_path, engine, store_of_lakes.make_bucket(f"lakes-{next(_numbers)}"))
