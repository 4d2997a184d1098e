"""Listings of archives: as by zipfile and tarfile for sound ones, the sound part of others, in bounded time and memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomlake.archives import ArchiveListing, list_archive
from dicomlake.fetch import open_file
from dicomlake.urls import archive_of, member_url, place_of, places_of
from tests.archives.making import KINDS, dicom, tar_bytes, write_archive

_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=120).filter(
    lambda name: name not in (".", "..")
)
_QUICK = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_FILES = st.dictionaries(_NAMES, st.binary(max_size=3000), max_size=6)


def listed(path: Path, limit: float = 1000.0) -> ArchiveListing:
    """An archive as it is listed."""
    return list_archive(lambda url, size: open_file(url, {}, size), str(path), None, limit)


def names_of(found: ArchiveListing) -> list[str]:
    """The names of its members, as they stand in their urls."""
    return [url.partition("://")[2].partition("::")[0] for url in found.members["url"].to_pylist()]


@pytest.mark.parametrize("kind", KINDS)
@given(files=_FILES)
@_QUICK
def test_members_are_those_that_were_put_in(tmp_path: Path, kind: str, files: dict[str, bytes]) -> None:
    """Whatever their names, each has a url from which its bytes can be had, those in the middle too, its size and its time."""
    path = write_archive(tmp_path / kind, files)
    found = listed(path)
    if not files and not kind.endswith("zip"):
        assert not found.is_archive  # a tar of nothing is zeros, like many another file
        return
    assert (found.code, found.message) == ("archive", None)
    rows = found.members.to_pylist()
    assert {row["url"] for row in rows} == {member_url(kind[-3:] if kind.endswith("zip") else "tar", n.encode(), str(path)) for n in files}
    assert {row["modified"].timestamp() for row in rows} <= {1_700_000_000}
    for row, content in zip(rows, files.values(), strict=True):
        assert row["file_size"] == len(content)
        assert archive_of(row["url"]) == str(path)
        source = open_file(row["url"], {})
        assert source.read(0, 100) == content[:100]
        assert source.read(1000, 5000) == content[1000:]
        source.close()


@_QUICK
@given(names=st.lists(_NAMES, unique=True, max_size=20), archives=st.lists(_NAMES, min_size=1, max_size=3))
def test_places_put_members_behind_their_archive(names: list[str], archives: list[str]) -> None:
    """Between an archive and its members nothing else sorts, and Arrow finds the same places."""
    urls = [f"/d/{archive}" for archive in archives] + [f"/d/{archive}!" for archive in archives]
    members = [member_url("zip", name.encode(), url) for name in names for url in urls]
    everything = sorted({*urls, *members}, key=place_of)
    assert places_of(pa.array(everything, pa.string())).to_pylist() == [place_of(url) for url in everything]
    assert len({place_of(url) for url in everything}) == len(everything)
    owner = None
    for url in everything:
        archive = archive_of(url)
        owner = url if archive is None else owner
        assert archive in (None, owner)


def _header(name: bytes, size: bytes = b"00000000001", kind: bytes = b"0", magic: bytes = b"ustar\x0000") -> bytes:
    block = bytearray(512)
    block[0 : len(name)] = name
    block[124 : 124 + len(size)] = size
    block[136:147] = b"14524770400"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257 : 257 + len(magic)] = magic
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


_ONE = _header(b"sound") + b"x".ljust(512, b"\0")
_PAX_SIZE = b"19 size=99999999999\n"
DAMAGED_TARS: dict[str, tuple[bytes, list[str], str | None]] = {
    "sound, without an end": (_ONE, ["sound"], None),
    "cut in a header": (_ONE + _header(b"b")[:100], ["sound"], "is cut at byte 1,024"),
    "cut in a member": (_ONE + _header(b"b", b"00000010000") + b"x", ["sound", "b"], "cut inside the member whose header is at byte 1,024"),
    "no header": (_ONE + b"rubbish".ljust(512, b"!"), ["sound"], "damaged at byte 1,024"),
    "no size": (_ONE + _header(b"b", b"9z"), ["sound"], "size can't be read at byte 1,024"),
    "a size beyond all": (_ONE + _header(b"b", b"\x80" + b"\xff" * 11), ["sound"], "size can't be read at byte 1,024"),
    "a size below zero": (_ONE + _header(b"b", b"\xff" * 12), ["sound"], "size can't be read at byte 1,024"),
    "a name of a gigabyte": (_ONE + _header(b"l", b"10000000000", b"L"), ["sound"], "extended header of 1,073,741,824 bytes"),
    "an extended header of a gigabyte": (_ONE + _header(b"x", b"10000000000", b"x"), ["sound"], "extended header of 1,073,741,824 bytes"),
    "a size that a record changes": (
        _ONE + _header(b"x", b"%011o" % len(_PAX_SIZE), b"x") + _PAX_SIZE.ljust(512, b"\0") + _header(b"b") + b"y" * 512,
        ["sound", "b"],
        "cut inside the member",
    ),
    "records that are none": (
        _ONE + _header(b"x", b"00000000020", b"x") + b"99999999999999999 a=b".ljust(512, b"\0") + _ONE,
        ["sound"],
        None,
    ),
    "a long name before nothing": (_ONE + _header(b"l", b"00000000004", b"L") + b"long".ljust(512, b"\0"), ["sound"], "before the member"),
    "a long name": (_header(b"l", b"00000000004", b"L") + b"long".ljust(512, b"\0") + _ONE, ["long"], None),
    "folders": (_header(b"a/", b"00000000000", b"5") + _header(b"old/", b"00000000000", b"\0") + _ONE, ["sound"], None),
    "of version 7": (_header(b"seven", magic=b"") + b"x" * 512, ["seven"], None),
}


@pytest.mark.parametrize("case", DAMAGED_TARS)
def test_damaged_tar(tmp_path: Path, case: str) -> None:
    """The members before the damage stay, and the archive says where it is."""
    content, names, message = DAMAGED_TARS[case]
    (tmp_path / "a.tar").write_bytes(content)
    found = listed(tmp_path / "a.tar")
    assert names_of(found) == names
    assert found.code == ("archive" if message is None else "corrupt-archive")
    if case == "records that are none":
        assert found.message == "1 members are not listed, because later ones have the same names"
    else:
        assert message is None or message in (found.message or "")


def test_what_is_no_file_in_a_tar_is_a_row(tmp_path: Path) -> None:
    """Links, devices and sparse files have rows that say so, and the member behind them is found."""
    kinds = {b"1": "not-regular", b"2": "not-regular", b"3": "not-regular", b"6": "not-regular", b"S": "unsupported-member"}
    content = b"".join(_header(b"m" + kind, b"00000000000", kind) for kind in kinds) + _ONE
    (tmp_path / "a.tar").write_bytes(content)
    found = listed(tmp_path / "a.tar")
    assert found.members["code"].to_pylist() == [*kinds.values(), None]
    assert found.code == "archive"


@pytest.mark.parametrize("kind", ["packed.tar.gz", "packed.tar.zst"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.97])
def test_packed_tar_that_is_cut_or_damaged(tmp_path: Path, kind: str, keep: float) -> None:
    """Members before the damage stay, and can be read; nothing raises."""
    noise = [random.Random(seed).randbytes(40_000) for seed in range(20)]
    whole = write_archive(tmp_path / kind, {f"m{number:02}": content for number, content in enumerate(noise)}).read_bytes()
    (tmp_path / kind).write_bytes(whole[: int(len(whole) * keep)])
    cut = listed(tmp_path / kind)
    assert cut.code == "corrupt-archive"
    assert "ends too early after" in (cut.message or "") or "cut" in (cut.message or "")
    assert 0 < cut.members.num_rows <= len(noise)
    (tmp_path / kind).write_bytes(whole[: int(len(whole) * keep)] + b"\xff" * 5000)
    assert listed(tmp_path / kind).code == "corrupt-archive"


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_bomb_is_not_unpacked_to_its_end(tmp_path: Path, codec: str) -> None:
    """A tar that unpacks to far more than its size is listed up to the limit, in seconds."""
    zeros = 256 * 1024 * 1024
    path = tmp_path / "bomb.tar"
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), codec) as stream:
        stream.write(_ONE + _header(b"b", b"%011o" % zeros))
        for _ in range(zeros >> 20):
            stream.write(bytes(1 << 20))
        stream.write(_ONE.replace(b"sound", b"after"))
    started = time.process_time()
    found = listed(path, limit=10)
    assert (names_of(found), found.code) == (["sound", "b"], "corrupt-archive")
    assert "listing.archive_expansion_limit" in (found.message or "")
    assert time.process_time() - started < 10


def _patched(content: bytes, at: int, value: bytes) -> bytes:
    return content[:at] + value + content[at + len(value) :]


def _zip(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


_TWO = _zip({"a": b"A" * 100, "b": b"B" * 100})
_FIRST, _SECOND, _END = _TWO.find(b"PK\x01\x02"), _TWO.rfind(b"PK\x01\x02"), _TWO.rfind(b"PK\x05\x06")
CRAFTED_ZIPS: dict[str, tuple[bytes, list[tuple[str, str | None]], str]] = {
    "sound": (_TWO, [("a", None), ("b", None)], "archive"),
    "with something before it": (b"#!/bin/sh\n".ljust(700) + _TWO, [("a", None), ("b", None)], "archive"),
    "no zip at all": (b"#!/bin/sh\n".ljust(700), [], "no archive"),
    "DICOM that ends like one": (bytes(128) + b"DICM" + _TWO, [], "no archive"),
    "with a comment": (_patched(_TWO, _END + 20, b"\x05\x00") + b"PK\x05\x06!", [("a", None), ("b", None)], "archive"),
    "cut": (_TWO[:-30], [], "corrupt-archive"),
    "cut at its head": (_TWO[:20], [], "corrupt-archive"),
    "directory damaged": (_patched(_TWO, _SECOND, b"XX"), [("a", None)], "corrupt-archive"),
    "directory larger than all": (_patched(_TWO, _END + 12, struct.pack("<L", 1 << 30)), [], "corrupt-archive"),
    "directory that ends late": (_patched(_TWO, _SECOND + 28, struct.pack("<H", 60_000)), [("a", None)], "corrupt-archive"),
    "zip64 that is not there": (_patched(_TWO, _END + 16, b"\xff" * 4), [], "corrupt-archive"),
    "encrypted": (_patched(_TWO, _FIRST + 8, b"\x01\x00"), [("a", "unsupported-member"), ("b", None)], "archive"),
    "method 9": (_patched(_TWO, _FIRST + 10, b"\x09\x00"), [("a", "unsupported-member"), ("b", None)], "archive"),
    "outside": (_patched(_TWO, _FIRST + 42, struct.pack("<L", 1 << 30)), [("a", "corrupt-archive"), ("b", None)], "archive"),
    "too long": (_patched(_TWO, _FIRST + 20, struct.pack("<L", 1 << 30)), [("a", "corrupt-archive"), ("b", None)], "archive"),
    "a symbolic link": (_patched(_TWO, _FIRST + 38, struct.pack("<L", 0o120777 << 16)), [("a", "not-regular"), ("b", None)], "archive"),
    "a date that is none": (_patched(_TWO, _FIRST + 12, b"\xff" * 4), [("a", None), ("b", None)], "archive"),
    "folders": (_zip({"d/": b"", "d/a": b"A"}), [("d/a", None)], "archive"),
    "in a zip": (_zip({"inner.zip": _TWO}), [("inner.zip", None)], "archive"),
}


@pytest.mark.parametrize("case", CRAFTED_ZIPS)
def test_crafted_zip(tmp_path: Path, case: str) -> None:
    """Each member that can't be read is a row with its code, and a damaged directory keeps what stands before the damage."""
    content, members, code = CRAFTED_ZIPS[case]
    (tmp_path / "a.zip").write_bytes(content)
    found = listed(tmp_path / "a.zip")
    assert list(zip(names_of(found), found.members["code"].to_pylist(), strict=True)) == members
    assert (found.code or "no archive") == code
    assert code != "corrupt-archive" or found.message


@_QUICK
@given(data=st.data())
@pytest.mark.parametrize("content", [_TWO, _ONE + _ONE, gzip.compress(_ONE * 3)], ids=["zip", "tar", "tar.gz"])
def test_any_damage_is_an_answer(tmp_path: Path, content: bytes, data: st.DataObject) -> None:
    """Whatever byte is changed and wherever an archive is cut: a list comes back, and what it names can be asked for."""
    at = data.draw(st.integers(0, len(content) - 1))
    damaged = _patched(content, at, data.draw(st.binary(min_size=1, max_size=4)))[: data.draw(st.integers(0, len(content)))]
    path = tmp_path / "a"
    path.write_bytes(damaged)
    for row in listed(path).members.to_pylist():
        assert row["url"]
        assert (row["member_packing"] is None) == (row["code"] is not None)


def test_zip64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records of 64 bits are read where the others say that they stand elsewhere."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    (tmp_path / "a.zip").write_bytes(_zip({"a": b"A" * 100, "b": b"B" * 100}))
    found = listed(tmp_path / "a.zip")
    assert (names_of(found), found.code, found.members["file_size"].to_pylist()) == (["a", "b"], "archive", [100, 100])
    source = open_file(found.members["url"][1].as_py(), {})
    assert source.read(98, 10) == b"BB"
    source.close()


@pytest.mark.parametrize(
    ("make", "name"),
    [(_zip, "a.zip"), (tar_bytes, "a.tar"), (lambda files: gzip.compress(tar_bytes(files)), "a.tar.gz")],
)
def test_memory_store(make: Callable[[dict[str, bytes]], bytes], name: str) -> None:
    """A store of fsspec gives ranges: of a zip its directory and what is asked for, never the whole."""
    filesystem = fsspec.filesystem("memory")
    content = make({"a.dcm": b"A" * 500_000, "b.dcm": bytes(500_000)})
    filesystem.pipe(f"/x/{name}", content)
    url = f"memory://x/{name}"
    found = list_archive(lambda of, size: open_file(of, {}, size), url, None)
    assert names_of(found) == ["a.dcm", "b.dcm"]
    if name != "a.tar.gz":
        assert found.bytes_read < len(content) / 2
    source = open_file(found.members["url"][0].as_py(), {})
    assert source.read(0, 10) == b"A" * 10
    source.close()


def test_later_member_of_the_same_name_counts(tmp_path: Path) -> None:
    """As for tar and unzip themselves; how many are hidden is said."""
    content = tar_bytes({"a": b"old", "b": b"b"})
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, text in (("a", b"old"), ("b", b"b"), ("a", b"newer")):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    assert content != (tmp_path / "a.tar").read_bytes()
    found = listed(tmp_path / "a.tar")
    assert (names_of(found), found.members["file_size"].to_pylist()) == (["b", "a"], [1, 5])
    assert "1 members are not listed" in (found.message or "")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "packed.tar.zst"])
def test_url_is_one_that_fsspec_opens(tmp_path: Path, kind: str) -> None:
    """Where a name needs no escape, fsspec finds the same bytes under the same url; of a tar.zst it knows nothing."""
    files = {"study 1/ä.dcm": b"first" * 99, "study 1/b": b"second"}
    found = listed(write_archive(tmp_path / kind, files))
    for url, content in zip(found.members["url"].to_pylist(), files.values(), strict=True):
        with fsspec.open(url) as stream:
            assert stream.read() == content


@pytest.mark.parametrize(("name", "pack"), [("a.dcm.gz", gzip.compress), ("a.dcm.bz2", bz2.compress), ("a.dcm.xz", lzma.compress)])
def test_packed_file_is_named_for_what_it_is(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    """One packed DICOM file is told apart from a tar and from what is not DICOM."""
    (tmp_path / name).write_bytes(pack(dicom(1)))
    found = listed(tmp_path / name)
    assert (found.code, found.members.num_rows) == ("archive", 0)
    assert "one DICOM file packed by" in (found.message or "")
    (tmp_path / name).write_bytes(pack(b"text" * 1000))
    assert listed(tmp_path / name).code is None


def test_stream_of_xz_that_wants_much_memory(tmp_path: Path) -> None:
    """A stream that says that unpacking takes more memory than is allowed is not unpacked."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    (tmp_path / "a.tar.xz").write_bytes(lzma.compress(tar_bytes({"a": b"A" * 50}), lzma.FORMAT_XZ, filters=filters))
    assert listed(tmp_path / "a.tar.xz").code == "corrupt-archive"
