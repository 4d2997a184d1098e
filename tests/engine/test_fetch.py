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
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.errors import FileCode
from dicomlake.fetch import HeaderWindow, ReadingStopped, open_file
from tests.engine.builder import UID, E, keys, parents, part10, sound
from tests.engine.conftest import scan_one


@pytest.mark.usefixtures("engine")
def test_file_with_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    """A file whose name is no UTF-8 is read by its url."""
    folder = os.fsencode(tmp_path)
    Path(os.fsdecode(folder + b"/\xff\\x")).write_bytes(sound())
    assert scan_one(f"{tmp_path}/\\xff\\\\x").value("SOPInstanceUID") == UID


class _Bytes:
    """A source in memory that counts, and refuses to read a byte twice."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size, self.bytes_read, self.requests = data, len(data), 0, 0
        self.seen: set[int] = set()

    def read(self, offset: int, length: int) -> bytes:
        places = set(range(offset, min(offset + length, len(self.data))))
        assert not places & self.seen
        self.seen |= places
        self.bytes_read += len(places)
        self.requests += 1
        return self.data[offset : offset + length]

    def close(self) -> None:
        """Nothing to close."""


@given(
    st.binary(max_size=3000),
    st.integers(1, 600),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 700)), max_size=12),
)
def test_window_shows_the_bytes(data: bytes, first_read: int, moves: list[tuple[int, int]]) -> None:
    """Wherever a window moves, it shows the bytes there, reads none twice, and says how many there are."""
    window = HeaderWindow(_Bytes(data), first_read, 10_000)
    position = 0
    for forward, length in moves:
        position = min(position + forward, len(data))
        held = window.reach(position, length)
        at = position - window.start
        assert min(held, length) == min(length, len(data) - position)
        assert window.data[at : at + length] == data[position : position + length]


def test_window_stops_at_the_limit() -> None:
    """A window never reads more than the limit, and says so."""
    source = _Bytes(bytes(5000))
    window = HeaderWindow(source, 1000, 4096)
    with pytest.raises(ReadingStopped) as stopped:
        window.reach(1000, 3500)
    assert stopped.value.code == FileCode.HEADER_TOO_LARGE
    assert source.bytes_read <= 4096


@pytest.fixture
def memory_store() -> Any:
    """An empty store in memory."""
    store = fsspec.filesystem("memory")
    store.store.clear()
    yield store
    store.store.clear()


@pytest.mark.usefixtures("engine")
def test_object_store_by_ranges(memory_store: Any) -> None:
    """An object is read by ranges, from its header alone."""
    data = part10(keys() + parents() + E.element("PixelData", bytes(1_000_000), "OW"))
    memory_store.pipe("/bucket/a.dcm", data)
    scanned = scan_one("memory://bucket/a.dcm")
    assert scanned.value("SOPInstanceUID") == UID
    assert scanned.file["bytes_read"] == 16 * 1024
    assert scanned.file["file_size"] == len(data)


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
