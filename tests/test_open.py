"""`Lake.open`, `Lake.open_file` and `open_url`: the file of a row, wherever it lies and whatever its name."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest

import dicomlake
from dicomlake.errors import FileUnreadable, InstanceNotFound
from dicomlake.samples import write_sample

STRANGE = os.fsdecode(b"caf\xe9 \\x41\\ b::c.dcm")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Some whole images of the sample."""
    folder = tmp_path_factory.mktemp("open") / "archive"
    write_sample(folder)
    return [path for path in sorted(folder.rglob("*.dcm")) if "PixelData" in _read(path)][:6]


def _read(path: Path) -> pydicom.Dataset:
    return pydicom.dcmread(path, force=True)


def _packed_tar(path: Path, mode: str, content: dict[str, Path]) -> None:
    with tarfile.open(path, mode) as packed:  # type: ignore[call-overload]  # the mode is one that it knows
        for name, image in content.items():
            packed.add(image, name)


@pytest.fixture(scope="module")
def source(images: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same images as files and as members, with names that urls escape."""
    folder = tmp_path_factory.mktemp("open") / "source"
    folder.mkdir()
    shutil.copy(images[0], folder / STRANGE)
    shutil.copy(images[1], folder / "plain.dcm")
    with zipfile.ZipFile(folder / "deflated.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(images[2], "a\\b::c.dcm")
    with zipfile.ZipFile(folder / "stored.zip", "w") as packed:
        packed.write(images[3], "d.dcm")
    _packed_tar(folder / "plain.tar", "w", {"e::f.dcm": images[4]})
    _packed_tar(folder / "packed.tar.gz", "w:gz", {"before": images[0], "g.dcm": images[5]})
    return folder


@pytest.fixture(scope="module")
def lake(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dicomlake.Lake:
    """A lake of them."""
    url = tmp_path_factory.mktemp("open") / "lake"
    dicomlake.index(source, lake=url, workers=0)
    return dicomlake.Lake(url)


@pytest.mark.parametrize("number", range(6))
def test_an_instance_is_opened_with_its_pixels(lake: dicomlake.Lake, images: list[Path], number: int) -> None:
    """Files, and members of every kind of archive, are what they were, to the last byte."""
    expected = _read(images[number])
    dataset = lake.open(expected.SOPInstanceUID)
    assert dataset == expected
    assert np.array_equal(dataset.pixel_array, expected.pixel_array)


def test_every_url_opens_the_bytes_of_its_file(lake: dicomlake.Lake, images: list[Path]) -> None:
    """The escapes of a url are undone, and the file can be sought in."""
    content = {_read(path).SOPInstanceUID: path.read_bytes() for path in images}
    rows = lake.instances.select("SOPInstanceUID", "url").collect().rows()
    assert len(rows) == 6
    assert any("\\xe9" in url for _, url in rows)
    for uid, url in rows:
        for opened in (lake.open_file(url), dicomlake.open_url(url)):
            with opened as file:
                assert file.read() == content[uid]
                assert (file.seek(128), file.read(4)) == (128, b"DICM")
                assert file.seek(0, io.SEEK_END) == len(content[uid])


def test_a_file_without_file_meta_has_its_transfer_syntax(images: list[Path], tmp_path: Path) -> None:
    """Pixels need a transfer syntax, also where the file names none."""
    whole = _read(images[1])
    bare = tmp_path / "bare"
    bare.mkdir()
    content = images[1].read_bytes()
    start = 132 + 12 + whole.file_meta.FileMetaInformationGroupLength
    (bare / "image").write_bytes(content[start:])
    dicomlake.index(bare, lake=tmp_path / "lake", workers=0)
    dataset = dicomlake.Lake(tmp_path / "lake").open(whole.SOPInstanceUID)
    assert np.array_equal(dataset.pixel_array, whole.pixel_array)


def test_instance_that_the_lake_lacks(lake: dicomlake.Lake) -> None:
    """One clear line, in which nothing moves the cursor."""
    with pytest.raises(InstanceNotFound, match=r"has no instance '1\.2\.\\x1b\[31m' in snapshot 1; take a SOPInstanceUID"):
        lake.open("1.2.\x1b[31m")


def test_file_that_is_gone_or_changed(images: list[Path], tmp_path: Path) -> None:
    """A lake may be older than the files: each error is one line that names the file."""
    folder = tmp_path / "source"
    folder.mkdir()
    image = folder / "image.dcm"
    shutil.copy(images[0], image)
    with zipfile.ZipFile(folder / "a.zip", "w") as packed:
        packed.write(images[1], "b.dcm")
    dicomlake.index(folder, lake=tmp_path / "lake", workers=0)
    lake = dicomlake.Lake(tmp_path / "lake")
    uids = [_read(path).SOPInstanceUID for path in images[:2]]
    image.unlink()
    (folder / "a.zip").write_bytes(b"PK is no archive")
    for uid, name in zip(uids, ("image.dcm", "b.dcm"), strict=True):
        with pytest.raises(FileUnreadable, match=name):
            lake.open(uid)
    image.mkdir()
    with pytest.raises(FileUnreadable, match="not a regular file"):
        lake.open(uids[0])
    with pytest.raises(FileUnreadable, match="NUL"):
        dicomlake.open_url("a\0b")


def test_urls_of_stores_take_storage_options(images: list[Path], tmp_path: Path) -> None:
    """Any file system of fsspec; the options of a call go over those of the lake."""
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/image.dcm", images[0].read_bytes())
    try:
        with dicomlake.open_url("memory://bucket/image.dcm") as file:
            assert file.read() == images[0].read_bytes()
        dicomlake.index("memory://bucket", lake=tmp_path / "lake", workers=0)
        dataset = dicomlake.Lake(tmp_path / "lake").open(_read(images[0]).SOPInstanceUID, storage_options={})
        assert dataset == _read(images[0])
        memory.rm("/bucket/image.dcm")
        with pytest.raises(FileUnreadable, match="it is not there"):
            dicomlake.open_url("memory://bucket/image.dcm")
    finally:
        memory.store.clear()
