"""Lists made elsewhere: every format, every type a tool may have written, every mistake."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dicomlake.config import ListingSettings
from dicomlake.errors import AccessDenied, ConfigurationError, SourceNotFound
from dicomlake.sources import open_source

List = Callable[..., list[dict[str, Any]]]
MOMENT = datetime(2024, 2, 29, 12, 30, 45, 123456, tzinfo=UTC)
HEADER = "url,file_size,modified,etag\n"


@pytest.fixture
def give(tmp_path: Path, listed: List) -> Callable[..., list[dict[str, Any]]]:
    """A function that lists a list of the given content."""

    def list_content(content: bytes | str | pa.Table, name: str = "list.csv") -> list[dict[str, Any]]:
        path = tmp_path / name
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return listed(f"@{path}")

    return list_content


def test_csv(give: List) -> None:
    """In order of url, whatever the order of rows and columns."""
    rows = give('etag,url,other,file_size,modified\n"""e""",s3://b/2,x,7,2024-02-29T12:30:45.123456Z\n,"s3://b/1,a",y,,\n')
    empty = {"code": None, "message": None}
    assert rows == [
        {"url": "s3://b/1,a", "file_size": None, "modified": None, "etag": None, **empty},
        {"url": "s3://b/2", "file_size": 7, "modified": MOMENT, "etag": "e", **empty},
    ]


def test_parquet(give: List) -> None:
    """With types of its own."""
    table = pa.table(
        {
            "url": pa.array(["s3://b/2", "s3://b/1"], pa.large_string()).dictionary_encode(),
            "file_size": pa.array([7.0, float("nan")]),
            "modified": pa.array([MOMENT, None], pa.timestamp("ns", "Europe/Berlin")),
            "etag": pa.array(["e", None]),
            "more": pa.array([{"a": 1}, None]),
        }
    )
    rows = give(table, "list.parquet")
    assert [(row["url"], row["file_size"], row["modified"], row["etag"]) for row in rows] == [
        ("s3://b/1", None, None, None),
        ("s3://b/2", 7, MOMENT, "e"),
    ]


@pytest.mark.parametrize("name", ["list.txt", "list", "list.csv.gz"])
def test_lines(give: List, name: str) -> None:
    """One url a line; blank lines and carriage returns don't count, commas and spaces do."""
    content = b"s3://b/2\r\n\ns3://b/1, a \nmemory://c"
    if name == "list.csv.gz":
        content = gzip.compress(b"url\n" + content.replace(b", ", b"; "))
    urls = [row["url"] for row in give(content, name)]
    assert urls == (["memory://c", "s3://b/1; a ", "s3://b/2"] if name == "list.csv.gz" else ["memory://c", "s3://b/1, a ", "s3://b/2"])


def zstd(data: bytes) -> bytes:
    """Compress with zstd, which Python 3.11 can't."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue().to_pybytes())


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, zstd])
def test_compressed_text(give: List, compress: Callable[[bytes], bytes]) -> None:
    """Told by its first bytes."""
    assert [row["url"] for row in give(compress(b"s3://b/1\n"), "list.txt")] == ["s3://b/1"]


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-29T12:30:45.123456Z",
        "2024-02-29 12:30:45.1234567890",
        "2024-02-29T13:30:45,123456+01:00",
        "2024-02-29T13:30:45.123456+0100",
        "2024-02-29 07:30:45.123456-05",
        "2024-02-29 12:30:45.123456 UTC",
        "1709209845.1234569990",
        " 1709209845.123456 ",
    ],
)
def test_times_in_text(give: List, text: str) -> None:
    """ISO 8601, and what find -printf %T@ prints; no zone means UTC; beyond microseconds is cut off."""
    (row,) = give(f'url,modified\ns3://b/1,"{text}"\n')
    assert row["modified"] == MOMENT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2024-02-29T12:30", datetime(2024, 2, 29, 12, 30, tzinfo=UTC)),
        ("2024-02-29 12:30:45", datetime(2024, 2, 29, 12, 30, 45, tzinfo=UTC)),
        ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("", None),
    ],
)
def test_short_times_in_text(give: List, text: str, expected: datetime | None) -> None:
    """Missing parts of a time are zero."""
    assert give(f"url,modified\ns3://b/1,{text}\n")[0]["modified"] == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([date(2024, 2, 29)]), datetime(2024, 2, 29, tzinfo=UTC)),
        (pa.array([1709208000], pa.timestamp("s")), datetime(2024, 2, 29, 12, tzinfo=UTC)),
        (pa.array([1709209845]), datetime(2024, 2, 29, 12, 30, 45, tzinfo=UTC)),
        (pa.array([1709209845.5]), datetime(2024, 2, 29, 12, 30, 45, 500000, tzinfo=UTC)),
        (pa.array(["2024-02-29"]), datetime(2024, 2, 29, tzinfo=UTC)),
        (pa.array([None], pa.null()), None),
    ],
)
def test_times_in_parquet(give: List, values: pa.Array, expected: datetime | None) -> None:
    """Timestamps and dates without zone are UTC; numbers are Unix seconds."""
    table = pa.table({"url": ["s3://b/1"], "modified": values})
    assert give(table, "list.parquet")[0]["modified"] == expected


BAD = [
    ("url,file_size\ns3://b/1,5\ns3://b/2,five\n", "row 2: file_size 'five' is not a size"),
    ("url,file_size\ns3://b/1,-1\n", "row 1: file_size '-1' is not a size"),
    ("url,file_size\ns3://b/1,1.5\n", "row 1: file_size '1.5' is not a size"),
    ("url,modified\ns3://b/1,\ns3://b/2,yesterday\n", "row 2: modified 'yesterday' is not a time; write ISO 8601 or Unix seconds"),
    ("url,modified\ns3://b/1,2024-02-30\n", "row 1: modified '2024-02-30' is not a time"),
    ("url,modified\ns3://b/1,1709209845123\n", "row 1: modified '1709209845123' is not a time"),
    ("url,file_size\n,5\n", "row 1: url is empty"),
    ("path,size\n/a,5\n", "must have one column 'url'; it has path, size"),
    ("url,url\n/a,/b\n", "must have one column 'url'; it has url, url"),
    ("", "must have one column 'url'; it has none"),
    ("url,file_size\n/a,5\n/b,5,6\n", "can't be read as CSV"),
    ("url\nhttps://h/a?X-Amz-Signature=hush\n", "row 1: url carries credentials"),
    ("url\nftp://me:hush@h/a\n", "row 1: url carries credentials"),
    (pa.table({"url": ["s3://b/1"], "file_size": [-1]}), "row 1: file_size '-1' is not a size"),
    (pa.table({"url": ["s3://b/1"], "file_size": pa.array([2**63], pa.uint64())}), "row 1: file_size '9223372036854775808' is not a size"),
    (pa.table({"url": ["s3://b/1"], "file_size": [1.5]}), "row 1: file_size '1.5' is not a size"),
    (pa.table({"url": ["s3://b/1"], "file_size": [[1]]}), "row 1: file_size is not text but list"),
    (pa.table({"url": ["s3://b/1"], "modified": [1709209845123]}), "row 1: modified '1709209845123' is not a Unix time in seconds"),
    (pa.table({"url": ["s3://b/1", None]}), "row 2: url is empty"),
    (pa.table({"url": [1]}), "row 1: url is not text but int64"),
    (pa.table({"key": ["a"]}), "must have one column 'url'; it has key"),
    (b"PAR1 and no more", "can't be read as Parquet"),
    (gzip.compress(b"url\ns3://b/1\n" * 9)[:-9], "can't be read as"),
]


@pytest.mark.parametrize(("content", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_lists(give: List, content: bytes | str | pa.Table, message: str) -> None:
    """One line that names the list, the row and the column, and no secret; before the first batch."""
    with pytest.raises(ConfigurationError) as caught:
        give(content)
    assert message in str(caught.value)
    assert "list.csv" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_text_file_named_parquet(give: List) -> None:
    """Is not taken for a list of urls."""
    with pytest.raises(ConfigurationError, match="is not a Parquet file, although its name says so"):
        give("/a\n", "list.parquet")


def test_a_line_without_end(give: List) -> None:
    """A file that is not a list does not fill memory."""
    with pytest.raises(ConfigurationError, match="line 1 is too long"):
        give(b"\0" * 3_000_000, "list.txt")


def test_a_header_alone_is_an_empty_list(give: List) -> None:
    """As is an empty text."""
    assert give("url\n") == []
    assert give(HEADER) == []
    assert give("", "list.txt") == []


def test_the_list_may_have_a_byte_order_mark(give: List) -> None:
    """As Excel writes."""
    assert [row["url"] for row in give("\ufeffurl,file_size\ns3://b/1,5\n")] == ["s3://b/1"]


def test_local_files_get_what_the_list_does_not_say(tmp_path: Path, give: List) -> None:
    """From one stat each; what the list says is believed."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"123")
        os.utime(tmp_path / name, ns=(0, MOMENT.microsecond * 1000))
    (tmp_path / "folder").mkdir()
    rows = give(
        f"{HEADER}{tmp_path}/b,99,2024-02-29,e\n{tmp_path}/a,99,,e\n{tmp_path}/gone,,,\n{tmp_path}/gone2,5,2024-02-29,\n{tmp_path}/folder,,,\n"
    )
    found = [(row["url"].rpartition("/")[2], row["file_size"], row["etag"], row["code"], row["message"]) for row in rows]
    assert found == [
        ("a", 3, "e", None, None),
        ("b", 99, "e", None, None),
        ("folder", None, None, "not-regular", "a folder"),
        ("gone", None, None, "unreadable", "No such file or directory"),
        ("gone2", 5, None, None, None),
    ]
    assert rows[0]["modified"] == datetime(1970, 1, 1, microsecond=123456, tzinfo=UTC)


def test_local_paths_in_every_spelling(tmp_path: Path, give: List, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to the current folder, as file urls, escaped or with raw bytes: all become the url that a listing of the folder gives."""
    monkeypatch.chdir(tmp_path)
    for name in (b"a", b"\xff", b"\xfe", b"back\\slash", b"~", b"~x"):
        os.close(os.open(name, os.O_CREAT))
    lines = [
        b"./a",
        b"a",
        os.fsencode(f"{tmp_path}//x/../a"),
        b"\xff",
        b"\\xfe",
        b"back\\slash",
        b"back\\\\slash",
        b"~",
        f"file://{tmp_path}/~x".encode(),
    ]
    rows = give(b"\n".join(lines), "list.txt")
    assert [row["url"] for row in rows] == [f"{tmp_path}/{name}" for name in ("\\xfe", "\\xff", "a", "back\\\\slash", "~", "~x")]
    assert all(row["code"] is None for row in rows)


def test_urls_that_no_system_has(give: List) -> None:
    """A NUL in a path is a row, not a crash."""
    (row,) = give(b"/a\0b\n", "list.txt")
    assert row["code"] == "unreadable"


def test_of_equal_urls_the_first_row_stays(give: List) -> None:
    """Also where they stand side by side in order."""
    rows = give("url,file_size\ns3://b/1,1\ns3://b/1,2\ns3://b/2,3\n")
    assert [(row["url"], row["file_size"]) for row in rows] == [("s3://b/1", 1), ("s3://b/2", 3)]
    rows = give("url,file_size\ns3a://b/1,1\ns3://b/0,2\ns3://b/1,3\n")
    assert [(row["url"], row["file_size"]) for row in rows] == [("s3://b/0", 2), ("s3://b/1", 1)]


@pytest.mark.parametrize("step", [1, -1])
def test_long_lists(give: List, step: int) -> None:
    """Cut into batches; bad rows far down are named."""
    urls = [f"s3://b/{number:06d}" for number in range(200_000)]
    lines = urls[::step]
    assert [row["url"] for row in give("\n".join(lines), "list.txt")] == urls
    content = "url,file_size\n" + "".join(f"{url},1\n" for url in lines) + "s3://b/9,x\n"
    with pytest.raises(ConfigurationError, match="row 200001: file_size 'x'"):
        give(content)


@pytest.mark.parametrize("content", [b"s3://b/2\ns3://b/1\n", b"url\ns3://b/2\ns3://b/1\n", b"url,file_size\ns3://b/2,\ns3://b/1,\n"])
def test_standard_input(listed: List, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Lines or CSV; can be listed twice though it can be read but once."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    source = open_source("@-", ListingSettings(), {})
    assert (source.name, source.whole) == ("@-", False)
    for _ in range(2):
        assert [url for batch in source.batches() for url in batch.column("url").to_pylist()] == ["s3://b/1", "s3://b/2"]


def test_a_list_is_partial_unless_it_is_said_to_be_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only then have absent files vanished."""
    monkeypatch.chdir(tmp_path)
    Path("list.csv").write_text("url\n")
    partial = open_source("@list.csv", ListingSettings(), {})
    assert (partial.name, partial.whole) == (f"@{tmp_path}/list.csv", False)
    assert open_source("@list.csv", ListingSettings(), {}, complete=True).whole


def test_a_list_at_a_url(memory: fsspec.AbstractFileSystem, listed: List) -> None:
    """Is read through fsspec."""
    memory.pipe("/lists/a.csv", b"url\nmemory://x\n")
    assert [row["url"] for row in listed("@memory://lists/a.csv")] == ["memory://x"]
    assert open_source("@memory://lists/a.csv", ListingSettings(), {}).name == "@memory://lists/a.csv"
    with pytest.raises(SourceNotFound, match=r"memory://lists/b\.csv"):
        listed("@memory://lists/b.csv")


def test_lists_that_cannot_be_opened(tmp_path: Path, listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each."""
    with pytest.raises(SourceNotFound, match=r"list .*/gone\.csv is not there"):
        listed(f"@{tmp_path}/gone.csv")
    with pytest.raises(SourceNotFound, match="Is a directory"):
        listed(f"@{tmp_path}")
    with pytest.raises(ConfigurationError, match="names no list"):
        listed("@")
    (tmp_path / "@folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceNotFound, match=r"a folder of that name is written \./@folder"):
        listed("@folder")

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refused)
    with pytest.raises(AccessDenied, match="Permission denied"):
        listed(f"@{tmp_path}/gone.csv")
