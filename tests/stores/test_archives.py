"""Archives in a bucket: the rows of a folder, for few requests and few bytes; what is unchanged is not asked for again."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import dicomlake
from dicomlake.config import load_settings
from dicomlake.lake import Lake
from dicomlake.run import Summary
from tests.archives.making import KINDS, dicom, write_archive, write_folder
from tests.stores.conftest import Proxied
from tests.stores.servers import Bucket

pytestmark = pytest.mark.long

SMALL = {f"s/I{number:02}": dicom(number) for number in range(60)}
LARGE = {f"s/I{number:02}": dicom(number) + bytes(range(256)) * 1600 for number in range(12)}
"""The same with 400 KiB more."""

_UNITS = 3
"""Units of the members of `SMALL`: each opens the archive again."""


def index(source: str, lake: Path, bucket: Bucket) -> Summary:
    """Run once."""
    settings = load_settings(overrides={"listing.unit_files": len(SMALL) // _UNITS})
    return dicomlake.index(source, lake=lake, config=settings, storage_options=bucket.storage_options, workers=0)


def instances(lake: Path) -> pl.DataFrame:
    """The rows of `instances`, without the columns that depend on the place of a file."""
    return Lake(lake).instances.drop("url", "modified", "snapshot", "file_size").sort("SOPInstanceUID").collect()


@pytest.mark.parametrize("kind", KINDS)
def test_small_members(tmp_path: Path, bucket: Bucket, proxied: Proxied, kind: str) -> None:
    """Neighbours come with one request; the second run asks for no byte."""
    archive = write_archive(tmp_path / kind, SMALL)
    through, proxy = proxied(bucket)
    bucket.put(f"below/{kind}", archive.read_bytes())
    first = index(f"{bucket.url}/below", tmp_path / "lake", through)
    index(str(write_folder(tmp_path / "tree", SMALL)), tmp_path / "lake of folder", bucket)
    assert instances(tmp_path / "lake").equals(instances(tmp_path / "lake of folder"))
    gets = proxy.gets(f"{bucket.name}/below/{kind}")
    assert 2 <= len(gets) <= 6 + _UNITS * 6
    assert sum(get.body_bytes for get in gets) <= 3 * archive.stat().st_size + 2 * 65_536
    told = Lake(tmp_path / "lake").files.collect()
    assert (first.files_indexed, first.files_skipped, told["requests"].sum()) == (len(SMALL), 1, first.requests)
    again = index(f"{bucket.url}/below", tmp_path / "lake", through)
    assert (again.files_unchanged, again.bytes_read, again.requests) == (len(SMALL) + 1, 0, 0)
    assert proxy.gets(f"{bucket.name}/below/{kind}") == gets


@pytest.mark.parametrize("kind", ["stored.zip", "deflated.zip", "plain.tar"])
def test_large_members(tmp_path: Path, bucket: Bucket, proxied: Proxied, kind: str) -> None:
    """Each is read by a request of its own, as far as its header goes; in a tar another one finds it."""
    archive = write_archive(tmp_path / kind, LARGE)
    through, proxy = proxied(bucket)
    url = bucket.put(kind, archive.read_bytes())
    assert index(url, tmp_path / "lake", through).files_indexed == len(LARGE)
    gets = proxy.gets(f"{bucket.name}/{kind}")
    of_listing = 4 if kind.endswith("zip") else 2 + len(LARGE)
    of_reading = len(LARGE)
    assert len(LARGE) // 3 <= len(gets) <= of_listing + of_reading
    assert sum(get.body_bytes for get in gets) <= (of_listing + 2) * 65_536 + len(LARGE) * 33_000
