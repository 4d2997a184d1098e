"""Fetching: names, windows, and stores that are not local disks."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import fsspec
import pytest

from dicomlake.errors import FileCode
from dicomlake.fetch import open_file
from tests.engine.builder import UID, E, keys, parents, part10, sound
from tests.engine.conftest import both_engines, scan_one


@both_engines
@pytest.mark.usefixtures("engine")
def test_file_with_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    """A file whose name is no UTF-8 is read by its url."""
    folder = os.fsencode(tmp_path)
    Path(os.fsdecode(folder + b"/\xff\\x")).write_bytes(sound())
    assert scan_one(f"{tmp_path}/\\xff\\\\x").value("SOPInstanceUID") == UID


@pytest.fixture
def memory_store() -> Any:
    """An empty store in memory."""
    store = fsspec.filesystem("memory")
    store.store.clear()
    yield store
    store.store.clear()


@both_engines
@pytest.mark.usefixtures("engine")
def test_object_store_by_ranges(memory_store: Any) -> None:
    """An object is read by ranges, from its header alone."""
    data = part10(keys() + parents() + E.element("PixelData", bytes(1_000_000), "OW"))
    memory_store.pipe("/bucket/a.dcm", data)
    scanned = scan_one("memory://bucket/a.dcm")
    assert scanned.value("SOPInstanceUID") == UID
    assert scanned.file["bytes_read"] == 16 * 1024
    assert scanned.file["file_size"] == len(data)


@both_engines
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_member_of_an_archive(tmp_path: Path, kind: str) -> None:
    """A member of an archive is read by the url that fsspec takes."""
    archive = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("in/a.dcm", sound())
    else:
        with tarfile.open(archive, "w") as made_tar:
            info = tarfile.TarInfo("in/a.dcm")
            info.size = len(sound())
            made_tar.addfile(info, io.BytesIO(sound()))
    assert scan_one(f"{kind}://in/a.dcm::{archive}").value("SOPInstanceUID") == UID


@both_engines
@pytest.mark.usefixtures("engine")
def test_member_that_can_not_be_unpacked(tmp_path: Path) -> None:
    """A member whose bytes are damaged has its code."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.dcm", os.urandom(1000) + bytes(1000))
    data = bytearray(archive.read_bytes())
    data[60:300] = bytes(240)
    archive.write_bytes(data)
    assert scan_one(f"zip://a.dcm::{archive}").file["code"] in (FileCode.CORRUPT_ARCHIVE, FileCode.NOT_DICOM)


@both_engines
@pytest.mark.usefixtures("engine")
def test_object_that_is_not_there(memory_store: Any) -> None:
    """An object that vanished is unreadable, and the message holds no url."""
    scanned = scan_one("memory://bucket/secret")
    assert (scanned.file["code"], scanned.file["status"]) == (FileCode.UNREADABLE, "failed")
    assert "secret" not in scanned.file["message"]


def test_options_of_a_chain(memory_store: Any) -> None:
    """Options go to the innermost store of a chained url, unless they are keyed by protocol."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("a.dcm", sound())
    memory_store.pipe("/a.zip", buffer.getvalue())
    for options in ({}, {"skip_instance_cache": True}, {"memory": {"skip_instance_cache": True}}):
        source = open_file("zip://a.dcm::memory://a.zip", options)
        assert source.read(128, 4) == b"DICM"
        source.close()
