"""Archives that lie: whatever they claim, an answer comes back, in time and room that what is really there pays for."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import dicomlake
from dicomlake.byte_source import ReadingStopped
from dicomlake.fetch import open_file
from tests.archives.making import KINDS, dicom, tar_bytes, write_archive
from tests.archives.test_listing import listed, names_of

FILES = {"a": dicom(1)[:700], "long name " * 12: dicom(2)[:1300], "c": b""}


def read(url: str, offset: int, length: int) -> bytes | None:
    """Bytes of a member; None where reading stops with a code."""
    try:
        source = open_file(url, {})
    except ReadingStopped:
        return None
    try:
        return source.read(offset, length)
    except ReadingStopped:
        return None
    finally:
        source.close()


@pytest.mark.parametrize("kind", KINDS)
def test_wherever_an_archive_is_cut(tmp_path: Path, kind: str) -> None:
    """Listed members have only bytes of the archive, and a damaged archive has a code."""
    path = write_archive(tmp_path / kind, FILES)
    whole = path.read_bytes()
    places = range(0, len(whole), 1 if len(whole) < 3000 else 61)
    last_header_end = -(-whole.rfind(b"ustar") // 512) * 512
    ends = {len(whole)} if kind != "plain.tar" else range(last_header_end, len(whole) + 1)
    for cut in (*places, len(whole)):
        path.write_bytes(whole[:cut])
        found = listed(path)
        assert cut not in ends or found.code == "archive"
        assert found.code in ("archive", "corrupt-archive", None)
        for row, (name, content) in zip(found.members.to_pylist(), FILES.items(), strict=False):
            assert f"://{name}::" in row["url"]
            assert row["file_size"] == len(content) or (found.code == "corrupt-archive" and row["file_size"] < len(content))
            if cut % 5 == 0:
                part = read(row["url"], 100, 900)
                assert part is None or content[100:].startswith(part)


def _zip(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(made, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return made.getvalue()


def _patched(content: bytes, at: int, value: bytes) -> bytes:
    return content[:at] + value + content[at + len(value) :]


def _at_entry(content: bytes, at: int, value: bytes) -> bytes:
    return _patched(content, content.find(b"PK\x01\x02") + at, value)


def _one_member_many_times() -> bytes:
    one = _zip(("a", b"A" * 50))
    entry_at, end_at = one.find(b"PK\x01\x02"), one.find(b"PK\x05\x06")
    entries = b"".join(_patched(one[entry_at:end_at], 28, b"\x05\x00")[:-1] + b"%05d" % number for number in range(4_000))
    return one[:entry_at] + entries + one[end_at : end_at + 12] + struct.pack("<2LH", len(entries), entry_at, 0)


def _directory_of_2_to_the_63() -> bytes:
    end_64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1 << 63, 1 << 63, 1 << 63, 0)
    head = b"PK\x03\x04".ljust(100, b"\0")
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(head), 1)
    return head + end_64 + locator + b"PK\x05\x06" + b"\xff" * 16 + b"\0\0"


def _streamed() -> bytes:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    made = Unseekable()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"A" * 50)
    return made.getvalue()


def _pax(*members: tuple[str, dict[str, str]]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, records in members:
            entry = tarfile.TarInfo(name)
            entry.size, entry.pax_headers = 50, records
            archive.addfile(entry, io.BytesIO(b"A" * 50))
    return made.getvalue()


def _ever_new_records() -> bytes:
    """Global headers of a megabyte each, with other keys in each."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as stream:
        for number in range(40):
            records = {f"k{number} {record}": "v" * 10_000 for record in range(100)}
            stream.write(tarfile.TarInfo.create_pax_global_header(records))
        stream.write(_pax(("a", {})))
    return packed.getvalue()


_A = ("a", b"A" * 50)
HOSTILE: dict[str, tuple[str, Callable[[], bytes], int | None, str | None]] = {
    "one member many times": ("a.zip", _one_member_many_times, 4_000, "archive"),
    "a directory of 2^63 bytes": ("a.zip", _directory_of_2_to_the_63, 0, "corrupt-archive"),
    "4 GB of 50 bytes": ("a.zip", lambda: _at_entry(_zip(_A, method=8), 24, b"\xfe\xff\xff\xff"), 1, "archive"),
    "4 GB in 50 bytes": ("a.zip", lambda: _at_entry(_zip(_A), 20, b"\xfe\xff\xff\xff"), 1, "archive"),
    "sizes of 64 bits that are not there": ("a.zip", lambda: _at_entry(_zip(_A), 20, b"\xff" * 8), 1, "archive"),
    "a name of 64 KiB": ("a.zip", lambda: _zip(("n" * 65_535, b"A" * 50)), 1, "archive"),
    "no name": ("a.zip", lambda: _at_entry(_zip(_A), 28, b"\0\0\1\0"), 1, "archive"),
    "the same name twice": ("a.zip", lambda: _zip(_A, ("a", b"A" * 60)), 1, "archive"),
    "sizes behind the members": ("a.zip", _streamed, 1, "archive"),
    "a header that says its name is long": ("a.zip", lambda: _patched(_zip(_A), 26, b"\xff\xff"), 1, "archive"),
    "no header where one is named": ("a.zip", lambda: _patched(_zip(_A), 0, b"PK\x05\x06"), 1, "archive"),
    "no deflated bytes": ("a.zip", lambda: _patched(_zip(_A, method=8), 31, b"\xff" * 4), 1, "archive"),
    "a directory in itself": ("a.zip", lambda: _at_entry(_zip(_A), 42, struct.pack("<L", len(_zip(_A)) - 60)), 1, "archive"),
    "a long name in a tar": ("a.tar", lambda: _pax(("n" * 60_000, {})), 1, "archive"),
    "a longer name in a tar": ("a.tar", lambda: _pax(("a", {}), ("n" * 70_000, {})), 1, "corrupt-archive"),
    "a size in a record that is none": ("a.tar", lambda: _pax(("a", {"size": "9" * 30})), 0, "corrupt-archive"),
    "a sparse member": ("a.tar", lambda: _pax(("a", {"GNU.sparse.major": "1", "GNU.sparse.name": "b"})), 1, "archive"),
    "ever new records": ("a.tar.gz", _ever_new_records, 1, "archive"),
    "zeros, packed": ("a.tar.gz", lambda: gzip.compress(bytes(50_000_000)), 0, None),
    "packed twice": ("a.tar.gz", lambda: gzip.compress(gzip.compress(tar_bytes({"a": b"A" * 50}))), 0, None),
    "a window of 3.75 TiB": ("a.tar.zst", lambda: b"\x28\xb5\x2f\xfd\x00\xff" + b"\x01\x00\x00" * 100, 0, "corrupt-archive"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archive(tmp_path: Path, case: str) -> None:
    """A list in seconds and megabytes; each member in it is read to a row, whatever that says."""
    name, make, members, code = HOSTILE[case]
    path = tmp_path / name
    path.write_bytes(make())
    tracemalloc.start()
    started = time.process_time()
    found = listed(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.members.num_rows, found.code) == (members, code)
    assert code == "archive" or found.code is None or found.message
    assert time.process_time() - started < 20
    assert peak < 32 << 20
    for row in found.members.slice(0, 20).to_pylist():
        if row["code"] is None:
            assert (read(row["url"], 0, 1000) or b"").strip(b"A") == b"" or case == "a directory in itself"
    urls = found.members["url"].to_pylist()[:20]
    if urls:
        rows = dicomlake.scan(urls).files
        assert rows.num_rows == len(urls)
        assert set(rows["status"].to_pylist()) <= {"not_dicom", "failed"}


def test_names_without_a_mark_are_read_as_zipfile_reads_them(tmp_path: Path) -> None:
    """CP437 where no flag says UTF-8, whatever bytes stand there."""
    content = _zip(("xxxxx", b"A"), ("é", b"B"))
    content = content.replace(b"xxxxx", b"\x84\xff\xe1z\x01")
    (tmp_path / "a.zip").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        expected = archive.namelist()
    assert names_of(listed(tmp_path / "a.zip")) == expected
    assert expected[1] == "é"


def test_zip_behind_a_program_is_read(tmp_path: Path) -> None:
    """One that extracts itself has its members further back than its directory says."""
    (tmp_path / "a.zip").write_bytes(b"MZ".ljust(100_000, b"\x90") + _zip(("a", dicom(1)), ("b", dicom(2)), method=8))
    found = listed(tmp_path / "a.zip")
    assert names_of(found) == ["a", "b"]
    assert dicomlake.scan(found.members["url"].to_pylist()).files["status"].to_pylist() == ["indexed", "indexed"]
