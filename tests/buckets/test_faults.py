"""A bucket whose store fails: a run over it, into a lake in it, comes to the lake that it would come to without, or ends with one line."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

import dicomlake
from dicomlake.cli import main
from dicomlake.config import load_settings
from dicomlake.lake import Lake, verify
from dicomlake.run import Summary
from tests.buckets.servers import troubled
from tests.corpus import write_corpus
from tests.run.comparison import assert_same_lake
from tests.stores.fault_proxy import ALL_FAULTS, Fault
from tests.stores.servers import Bucket, Server

pytestmark = pytest.mark.long

FILES = int(os.environ.get("DICOMLAKE_FAULTS_FILES", "60"))
PAUSE_SECONDS = float(os.environ.get("DICOMLAKE_FAULTS_PAUSE_SECONDS", "0.5"))
"""How long hangs and slow answers last; longer than a client waits they take the test minutes."""


@pytest.fixture
def archive(store_of_lakes: Server, tmp_path: Path) -> Bucket:
    """A bucket with some files of several folders."""
    bucket = store_of_lakes.make_bucket(f"faults-{os.getpid()}-{time.monotonic_ns()}")
    write_corpus(tmp_path / "corpus", FILES)
    for path in sorted((tmp_path / "corpus").rglob("*")):
        if path.is_file():
            bucket.put(f"archive/{path.relative_to(tmp_path / 'corpus')}", path.read_bytes())
    return bucket


def _index(bucket: Bucket, lake: str) -> Summary:
    settings = load_settings(overrides={"storage_options": dict(bucket.storage_options), "listing.unit_files": 20, "lake.commit_units": 1})
    return dicomlake.index(f"{bucket.url}/archive", lake=f"{bucket.url}/{lake}", config=settings, workers=0)


def test_a_tenth_of_all_requests_fails(archive: Bucket) -> None:
    """In all six ways, of listing, reading, writing and committing alike: two nights come to the same lake, and every row is right."""
    _index(archive, "without")
    with troubled(archive.endpoint, ALL_FAULTS, share=0.1, puts_only=False, logs_only=False, pause_seconds=PAUSE_SECONDS) as proxy:
        through = archive.through(proxy.endpoint)
        first = _index(through, "with")
        assert (first.files_indexed, first.files_failed) == (FILES, 0)
        again = _index(through, "with")
        assert (again.files_unchanged, again.bytes_read) == (FILES, 0)
        faults = proxy.faults()
    assert len(faults) == len(ALL_FAULTS), faults
    lake, without = (Lake(f"{archive.url}/{name}", archive.storage_options) for name in ("with", "without"))
    assert verify(lake.location).defects == []
    assert_same_lake(lake, without)


@pytest.mark.parametrize(("fault", "what"), [(Fault.SLOW_DOWN, "archive"), (Fault.RESET, "lake")])
def test_all_requests_fail(
    archive: Bucket, fault: Fault, what: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command ends in bounded time with one line."""
    source, lake = (f"{archive.url}/archive", str(tmp_path / "lake")) if what == "archive" else (str(tmp_path), f"{archive.url}/lake")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(archive.storage_options["key"]))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", str(archive.storage_options["secret"]))
    with troubled(archive.endpoint, [fault], share=1.0, puts_only=False, logs_only=False, pause_seconds=PAUSE_SECONDS) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        started = time.monotonic()
        assert main(["index", source, "--lake", lake, "--workers", "0", "--quiet"]) == 1
        assert time.monotonic() - started < 120
    told = capfd.readouterr().err
    assert re.fullmatch(r"dicomlake: .* can't be (listed|written|opened or written): bucket \S+ at http://127.0.0.1:\d+ .*\n", told)
