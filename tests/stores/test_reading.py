"""Headers out of buckets: the same rows as from a folder, for about a request and the header's bytes each, whatever the store does."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dicomlake.errors import AccessDenied, FileCode
from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.limits import ReadingLimits
from dicomlake.samples import write_sample
from dicomlake.stores import make_room_for_connections
from tests.engine.agreement import differences, differing_instances
from tests.engine.builder import E, keys, parents, part10, sound
from tests.engine.conftest import SCHEMA, listing
from tests.stores.conftest import Proxied
from tests.stores.fault_proxy import Fault, FaultProxy, Trouble
from tests.stores.long_headers import REQUEST_BYTES, archive_of_long_headers
from tests.stores.servers import SECRET_KEY, Bucket
from tests.stores.web_server import WebServer

pytestmark = pytest.mark.long

SHORT = ReadingLimits(file_seconds_limit=4.0)
LONG = ReadingLimits(file_seconds_limit=24.0)
LONG_HEADER = b"".join(E.element(0x00091000 + at, bytes(15_000), "OB") for at in range(16, 24))


def scan(
    urls: Sequence[str],
    bucket: Bucket,
    sizes: Sequence[int | None] | None = None,
    *,
    engine: str = "native",
    reading: ReadingLimits | None = None,
    **options: Any,
) -> Scanned:
    """Scan urls with the options of a bucket, or others."""
    request = ScanRequest(SCHEMA, reading or ReadingLimits(), storage_options=bucket.storage_options | options)
    return make_engine(engine).scan(listing(urls, sizes), request)


def _as_in(scanned: Scanned, urls: Sequence[str]) -> Scanned:
    """The same answer as if the files had these urls."""
    by_old = dict(zip(scanned.files["url"].to_pylist(), urls, strict=True))

    def renamed(table: pa.Table) -> pa.Table:
        new = pa.array([by_old[url] for url in table["url"].to_pylist()], pa.string())
        place = table.schema.get_field_index("url")
        return table.set_column(place, table.schema.field(place), new)

    return Scanned({name: renamed(rows) for name, rows in scanned.tables.items()})


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of a small archive with planted defects; those that are not regular files, which no bucket has, are left out."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, studies=3)
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _from_folder(paths: Sequence[Path], urls: Sequence[str]) -> Scanned:
    sizes = [path.stat().st_size for path in paths]
    local = make_engine("native").scan(listing([str(path) for path in paths], sizes), ScanRequest(SCHEMA))
    return _as_in(local, urls)


def _put(bucket: Bucket, paths: Sequence[Path]) -> list[str]:
    return [bucket.put(f"{number % 3}/{path.name}-{number}", path.read_bytes()) for number, path in enumerate(paths)]


@pytest.mark.parametrize("sizes_are_known", [True, False])
def test_rows_are_those_of_the_folder(sample: list[Path], bucket: Bucket, proxied: Proxied, *, sizes_are_known: bool) -> None:
    """Every engine answers over a bucket what it answers over a folder, in the same order; what it cost is what the store saw."""
    urls = _put(bucket, sample)
    through, proxy = proxied(bucket)
    sizes = [path.stat().st_size for path in sample] if sizes_are_known else None
    scanned = scan(urls, through, sizes)
    assert differences(scanned, _from_folder(sample, urls)) == []
    assert not [exchange for exchange in proxy.exchanges if exchange.method != "GET"]
    for row in scanned.files.to_pylist():
        gets = proxy.gets(row["url"].removeprefix("s3://"))
        gets = [get for get in gets if get.path == "/" + row["url"].removeprefix("s3://")]
        seen = len(gets), sum(get.body_bytes for get in gets if get.status == 206)
        assert (row["requests"], row["bytes_read"]) == seen, row["url"]
    if sizes_are_known:
        by_pydicom = scan(urls[::4], bucket, sizes[::4] if sizes else None, engine="pydicom", skip_instance_cache=False)
        assert differing_instances(scan(urls[::4], bucket, sizes[::4] if sizes else None), by_pydicom) == []


def test_real_files(real_files_folder: Path, bucket: Bucket) -> None:
    """The same for real files."""
    paths = [path for path in sorted(real_files_folder.rglob("*")) if path.is_file()][::7]
    urls = _put(bucket, paths)
    assert differences(scan(urls, bucket, [path.stat().st_size for path in paths]), _from_folder(paths, urls)) == []


def test_signed_requests(signed_bucket: Bucket) -> None:
    """A server that checks signatures takes ours, for names of all kinds."""
    urls = [signed_bucket.put(key, sound()) for key in ("a", "b c/d+e", "ä/1%2F2", "q?&=#;,'()!*", "日本/ж.dcm")]
    assert set(scan(urls, signed_bucket).files["status"].to_pylist()) == {"indexed"}


def test_names_of_all_kinds(bucket: Bucket) -> None:
    """Whatever a key holds, its object is read, and no other; those that object_store can't spell are left to s3fs."""
    names = ["a b", "a%20b", "a+b", "ä", "日本", "a//b", "/a", "a/", ".", "a/../b", "~", "q?x=1#y", "a::b", "a\\b", 'quote"', "tab\tin"]
    urls = [
        bucket.put(name, sound() if number % 2 else part10(keys() + E.element("PatientID", str(number))))
        for number, name in enumerate(names)
    ]
    readable = [url for url in urls if not url.endswith(("a/../b", "/.", "a::b", "/"))]
    scanned = scan(readable, bucket)
    assert scanned.files["status"].to_pylist() == ["indexed"] * len(readable), scanned.files.to_pylist()
    expected = [str(urls.index(url)) if urls.index(url) % 2 == 0 else None for url in readable]
    assert scanned.instances["PatientID"].to_pylist() == [one or scanned.instances["PatientID"][1].as_py() for one in expected]


def test_sizes_that_are_wrong(bucket: Bucket, proxied: Proxied) -> None:
    """A size in the listing spares requests, and what is beyond it is never asked for; one that is wrong makes no wrong row."""
    data = part10(keys() + parents() + E.element("PixelData", bytes(100_000), "OW"))
    header = len(data) - 100_000
    cases = [
        (data, len(data)),
        (data, None),
        (data, 10 * len(data)),
        (data[:300], len(data)),
        (b"", 0),
        (b"", None),
        (b"", 5000),
        (data[:50], None),
    ]
    urls = [bucket.put(f"{number}/a", content) for number, (content, _) in enumerate(cases)]
    through, proxy = proxied(bucket)
    files = scan(urls, through, [size for _, size in cases]).files
    empty = FileCode.EMPTY_FILE
    assert files["code"].to_pylist() == [None, None, None, FileCode.TRUNCATED, empty, empty, empty, FileCode.NOT_DICOM]
    assert files["requests"].to_pylist() == [1, 1, 1, 1, 0, 1, 1, 1]
    assert files["file_size"].to_pylist()[:2] == [len(data), len(data)]
    (short,) = scan([urls[0]], through, [header // 2]).files.to_pylist()
    assert short["code"] == FileCode.TRUNCATED
    assert short["bytes_read"] == header // 2 == proxy.gets()[-1].body_bytes


def test_folders_of_files_alike(bucket: Bucket, proxied: Proxied) -> None:
    """Over files alike at most 1.05 requests and twice the header's bytes each, as a proxy counts; and large values are jumped over."""
    contents = {
        "small": lambda number: (
            keys() + E.element("PatientComments", "P" * (3000 + number % 90)) + E.element("PixelData", bytes(60_000), "OW")
        ),
        "large": lambda number: keys() + LONG_HEADER + E.element("PatientID", "P" * (number % 9)),
        "skipped": lambda number: keys() + E.element("PatientID", "P" * (number % 9)) + E.element(0x00420011, bytes(400_000), "OB"),
    }
    for folder, content in contents.items():
        through, proxy = proxied(bucket)
        files = 24 if folder == "skipped" else 200
        data = [part10(content(number)) for number in range(files)]
        urls = [bucket.put(f"{folder}/{number:03}", one) for number, one in enumerate(data)]
        scanned = scan(urls, through, [len(one) for one in data])
        assert set(scanned.files["status"].to_pylist()) == {"indexed"}
        gets = proxy.gets()
        bytes_sent = sum(get.body_bytes for get in gets)
        if folder == "skipped":
            assert bytes_sent < files * 40_000
        else:
            header_bytes = sum(scanned.instances["header_bytes"].to_pylist())
            assert len(gets) <= 1.05 * files
            assert bytes_sent <= 2 * header_bytes


@pytest.mark.long
def test_a_tenth_of_all_requests_fails(sample: list[Path], bucket: Bucket, proxied: Proxied) -> None:
    """A tenth of the requests fail in any way: they are repeated, and the rows are those without faults."""
    urls = _put(bucket, sample)
    through, proxy = proxied(bucket, Trouble(share=0.1, pause_seconds=60.0))
    scanned = scan(urls, through, [path.stat().st_size for path in sample], reading=LONG)
    assert differences(scanned, _from_folder(sample, urls)) == []
    assert len({exchange.fault for exchange in proxy.exchanges}) > 3
    assert sum(scanned.files["requests"].to_pylist()) == len(proxy.exchanges)


@pytest.mark.parametrize("alike", [True, False])
def test_an_archive_of_headers_from_4_kb_to_2_mb(*, alike: bool) -> None:
    """At most 1.05 requests and twice the header's bytes a file, as the server counts, where the files of a folder are alike.

    Where each file differs from the next, and no size tells which has the longer header, more requests for some are cheaper than many bytes
    too many for all; together they cost at most twice what knowing every header's length would (measured: 2.4 requests and 1.5 times the
    header's bytes a file, where reading on to the longest header around took 1.8 and 2.3).
    """
    objects = archive_of_long_headers(alike=alike)
    with WebServer(objects) as server:
        urls = [server.endpoint + path for path in objects]
        scanned = make_engine("native").scan(listing(urls, [len(data) for data in objects.values()]), ScanRequest(SCHEMA))
    assert set(scanned.files["status"].to_pylist()) == {"indexed"}
    header_bytes = scanned.instances["header_bytes"].to_pylist()
    assert min(header_bytes) < 4096
    assert max(header_bytes) > 1_990_000
    assert sum(scanned.files["requests"].to_pylist()) == len(server.bytes_sent)
    assert sum(scanned.files["bytes_read"].to_pylist()) == sum(server.bytes_sent)
    cost = REQUEST_BYTES * len(server.bytes_sent) + sum(server.bytes_sent)
    assert cost <= 2 * (REQUEST_BYTES * len(objects) + sum(header_bytes))
    if alike:
        assert len(server.bytes_sent) <= 1.05 * len(objects)
        assert sum(server.bytes_sent) <= 2 * sum(header_bytes)


def test_more_connections_than_a_process_starts_with_leave_for(bucket: Bucket, proxied: Proxied) -> None:
    """As many requests as are wanted are on their way, where the system allows them if asked."""
    urls = [bucket.put(f"{number}/a", sound()) for number in range(96)]
    through, proxy = proxied(bucket, Trouble(latency_seconds=0.5))
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    make_room_for_connections.cache_clear()
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + 64, allowed[1]))
        scanned = scan(urls, through, [len(sound())] * len(urls))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
    assert set(scanned.files["status"].to_pylist()) == {"indexed"}
    assert len(proxy.gets()) == len(urls)


@pytest.mark.parametrize("fault", Fault)
def test_all_requests_fail(bucket: Bucket, proxied: Proxied, fault: Fault) -> None:
    """A store of which every request fails ends the unit soon, with one line."""
    urls = [bucket.put(f"{number}/a", sound()) for number in range(20)]
    through, _ = proxied(bucket, Trouble(share=1.0, faults=(fault,), pause_seconds=60.0))
    with pytest.raises(AccessDenied) as refused:
        scan(urls, through, [len(sound())] * len(urls), reading=SHORT)
    assert re.fullmatch(rf"s3://{bucket.name} can't be read, although every request was tried again: .+; check .+", str(refused.value))


def test_one_object_fails(bucket: Bucket, proxied: Proxied) -> None:
    """One object that can't be read is a row that the next night reads again; so is one that is not there (any more)."""
    urls = [bucket.put(f"{number}/a", sound()) for number in range(12)]
    through, _ = proxied(bucket, Trouble(share=1.0, faults=(Fault.SLOW_DOWN,), concerns=lambda _, path: path.endswith("/3/a")))
    files = scan([*urls, f"{bucket.url}/none"], through, reading=SHORT).files.to_pylist()
    assert [row["code"] for row in files] == [None] * 3 + [FileCode.UNREADABLE] + [None] * 8 + [FileCode.UNREADABLE]
    assert files[3]["message"] == "the store does not answer as it should: 503 SlowDown"
    assert files[3]["requests"] > 1
    assert files[12]["message"] == "the object is not there (any more)"


def test_an_object_that_takes_too_long(bucket: Bucket, proxied: Proxied) -> None:
    """A file that takes longer than it may is timed-out, and holds nobody up."""
    urls = [bucket.put(f"{number}/a", sound()) for number in range(12)]
    through, _ = proxied(
        bucket, Trouble(share=1.0, faults=(Fault.HANG,), pause_seconds=60.0, concerns=lambda _, path: path.endswith("/3/a"))
    )
    codes = scan(urls, through, reading=SHORT).files["code"].to_pylist()
    assert codes[3] in (FileCode.TIMED_OUT, FileCode.UNREADABLE)
    assert codes[:3] + codes[4:] == [None] * 11


def test_access_refused(signed_bucket: Bucket) -> None:
    """A store that refuses everything ends the unit: the line says which bucket, who asks, and what to set, and holds no secret."""
    urls = [signed_bucket.put(f"{number}", sound()) for number in range(9)]
    wrong = SECRET_KEY[::-1]
    with pytest.raises(AccessDenied) as refused:
        scan(urls, signed_bucket, secret=wrong)
    line = str(refused.value)
    assert line.startswith(
        f"no access to the objects of s3://{signed_bucket.name}: the store answers 403 SignatureDoesNotMatch to the key of storage_options"
    )
    assert "AWS_PROFILE" in line
    assert wrong not in line
    few = scan(urls[:3], signed_bucket, secret=wrong).files.to_pylist()
    assert {row["code"] for row in few} == {FileCode.UNREADABLE}
    assert few[0]["message"] == "the store refuses access to it: 403 SignatureDoesNotMatch"


def test_an_object_that_changes_while_it_is_read(bucket: Bucket) -> None:
    """Bytes of two versions of an object are never put together."""
    long = part10(keys() + LONG_HEADER)
    url = bucket.put("a", long)
    changed: list[str] = []

    def change(_: str, path: str) -> bool:
        if changed == [path]:
            bucket.put("a", long[:-2] + b"xx")
        changed.append(path)
        return False

    with FaultProxy(bucket.endpoint, Trouble(share=1.0, concerns=change)) as proxy:
        (row,) = scan([url], bucket.through(proxy.endpoint), [len(long)]).files.to_pylist()
    assert (row["code"], row["message"]) == (FileCode.UNREADABLE, "the object changed while it was read")


def test_web_server(bucket: Bucket, proxied: Proxied) -> None:
    """A web server that answers ranges is read the same way."""
    bucket.server.client.put_bucket_acl(Bucket=bucket.name, ACL="public-read")
    data = part10(keys() + E.element("PixelData", bytes(100_000), "OW"))
    bucket.server.client.put_object(Bucket=bucket.name, Key="a/b.dcm", Body=data, ACL="public-read")
    _, proxy = proxied(bucket)
    url = f"{proxy.endpoint}/{bucket.name}/a/b.dcm"
    files = make_engine("native").scan(listing([url]), ScanRequest(SCHEMA)).files.to_pylist()
    assert (files[0]["status"], files[0]["requests"], files[0]["file_size"]) == ("indexed", 1, len(data))
    assert [exchange.body_bytes for exchange in proxy.exchanges] == [16 * 1024]
