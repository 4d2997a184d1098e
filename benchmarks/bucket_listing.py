"""The cost of listing a bucket: dicomlake against s3fs, over a server that invents its keys, on this machine.

It does not show your network or your store: pages of 1,000 keys come over the loopback, by plain HTTP, from a separate process. CPU is that
of the client's process, user and system; each reader runs in a new one. dicomlake is measured twice: with a store that is known to list in
order (streamed, in parallel ranges), and with any other (kept on disk, and sorted if needed). The order of the urls, their number, the
first and the last are checked.

    python benchmarks/bucket_listing.py [--keys 1000000] [--many 10000000] [--folder FOLDER]

Checked: at most 5 µs of client CPU a key, and that the peak memory of ``--many`` keys is at most 1.5 times that of ``--keys``. It leaves a
dated record in ``benchmarks/records/``.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qs, urlsplit

from measure import arguments_parser, child_run, finish, parsed, print_targets, record_head

MICROSECONDS_A_KEY_MOST = 5.0
MEMORY_RATIO_MOST = 1.5
PAGE = 1000
PACKAGES = ("obstore", "pyarrow", "s3fs", "aiobotocore", "dicomlake")
READERS = ("streamed", "kept on disk", "s3fs")
_ENTRY = (
    "<Contents><Key>{}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag>"
    "<Size>524288</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


class Keys:
    """The keys of an archive, ascending, none of which is held: patients of 20 series of 50 instances."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        """How many there are."""
        return self.count

    def __getitem__(self, number: int) -> str:
        """One of them."""
        return f"archive/P{number // 1000:06d}/S{number // 50 % 20:03d}/I{number % 50:04d}.dcm"


class _Handler(BaseHTTPRequestHandler):
    """ListObjectsV2 of one bucket."""

    protocol_version = "HTTP/1.1"
    keys: Keys

    def do_HEAD(self) -> None:
        """Answer that no object has the name of a folder."""
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        """Answer a page."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        start = max(
            bisect_left(self.keys, prefix), bisect_right(self.keys, query.get("start-after", "")), int(query.get("continuation-token", 0))
        )
        end = bisect_left(self.keys, prefix + chr(0x10FFFF)) if prefix else len(self.keys)
        most = int(query.get("max-keys", PAGE))
        found: list[str] = []
        following = start
        while following < end and len(found) < most:
            key = self.keys[following]
            folder, slash, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if slash:
                common = prefix + folder + slash
                found.append(f"<CommonPrefixes><Prefix>{common}</Prefix></CommonPrefixes>")
                following = bisect_left(self.keys, common + chr(0x10FFFF), following, end)
            else:
                found.append(_ENTRY.format(key))
                following += 1
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{following}</NextContinuationToken>"
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>many</Name>'
            f"<Prefix>{prefix}</Prefix><KeyCount>{len(found)}</KeyCount><MaxKeys>{most}</MaxKeys>"
            f"{more if following < end else '<IsTruncated>false</IsTruncated>'}{''.join(found)}</ListBucketResult>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> int:
    """Run the benchmark, print its figures, leave a record; exit status 1 if a target is missed."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--many", type=int, default=10_000_000)
    parser.add_argument("--one", nargs=2, metavar=("READER", "ENDPOINT"))
    arguments = parsed(parser, keys=20_000, many=40_000)
    if arguments.one:
        print(json.dumps(_list(*arguments.one)))
        return 0
    command = f"python benchmarks/bucket_listing.py --keys {arguments.keys} --many {arguments.many}"
    record = record_head("bucket listing", command, PACKAGES)
    record["readers"] = [_measure(name, arguments.keys // (10 if name == "s3fs" else 1)) for name in READERS]
    record["readers"] += [_measure(name, arguments.many) for name in READERS[:2]]
    record["targets"] = _targets(record["readers"])
    print_targets(record["targets"])
    return finish(record, arguments, passed=all(target["passed"] for target in record["targets"]))


def _measure(reader: str, keys: int) -> dict[str, Any]:
    with _server(keys) as endpoint:
        found, wall, _ = child_run([sys.executable, __file__, "--one", reader, endpoint])
    urls = Keys(keys)
    expected = {"keys": keys, "first": f"s3://many/{urls[0]}", "last": f"s3://many/{urls[keys - 1]}"}
    if {name: found[name] for name in expected} != expected or found["distinct"] != keys:
        raise SystemExit(f"{reader} listed otherwise: {found}, expected {expected}")
    figures = {
        "reader": reader,
        "keys": keys,
        "microseconds_a_key": round(found["cpu_seconds"] / keys * 1e6, 2),
        "keys_per_second": round(keys / wall),
        "peak_mib": round(found["peak_mib"]),
    }
    print(
        f"{reader:<14}{keys:>12,} keys {figures['microseconds_a_key']:>8.2f} µs of CPU a key "
        f"{figures['keys_per_second']:>10,} keys a second {figures['peak_mib']:>6,} MiB",
        flush=True,
    )
    return figures


def _targets(readers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    targets = []
    for name in READERS[:2]:
        few, many = (reader for reader in readers if reader["reader"] == name)
        cost = max(few["microseconds_a_key"], many["microseconds_a_key"])
        ratio = many["peak_mib"] / few["peak_mib"]
        for what, figure, limit in (
            (f"µs of client CPU a key, {name}", cost, MICROSECONDS_A_KEY_MOST),
            (f"times the memory for {many['keys'] / few['keys']:.0f} times the keys, {name}", ratio, MEMORY_RATIO_MOST),
        ):
            targets.append({"what": what, "figure": round(figure, 2), "at_most": limit, "passed": figure <= limit})
    return targets


def _list(reader: str, endpoint: str) -> dict[str, Any]:
    """List the bucket in this process."""
    options = {"key": "AK", "secret": "SK", "client_kwargs": {"endpoint_url": endpoint, "region_name": "us-east-1"}}
    if reader == "s3fs":
        import s3fs

        filesystem = s3fs.S3FileSystem(**options, skip_instance_cache=True)
        before = _cpu_seconds()
        paths = sorted(filesystem.find("many/archive", detail=True))
        return {
            **_figures(before),
            "keys": len(paths),
            "distinct": len(set(paths)),
            "first": f"s3://{paths[0]}",
            "last": f"s3://{paths[-1]}",
        }
    import pyarrow.compute as pc

    from dicomlake.config import ListingSettings
    from dicomlake.sources import open_source
    from dicomlake.sources.remote import bucket
    from dicomlake.stores import KeyOrder

    order = KeyOrder.BYTES if reader == "streamed" else KeyOrder.NONE
    setattr(bucket, "key_order", lambda *_: order)  # noqa: B010 - a module does not export what it imports
    source = open_source("s3://many/archive", ListingSettings(), options)
    before = _cpu_seconds()
    keys = distinct = 0
    first = last = ""
    for batch in source.batches():
        urls = batch.column("url")
        first = first or urls[0].as_py()
        keys += len(urls)
        # Ascending without repeats, each is counted once.
        distinct += (last < urls[0].as_py()) + pc.less(urls[:-1], urls[1:]).true_count
        last = urls[-1].as_py()
    return {**_figures(before), "keys": keys, "distinct": distinct, "first": first, "last": last}


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _figures(before: float) -> dict[str, float]:
    return {"cpu_seconds": _cpu_seconds() - before, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


@contextmanager
def _server(keys: int) -> Iterator[str]:
    own, other = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(keys, other), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{own.recv()}"
    finally:
        process.kill()
        process.join()


def _serve(keys: int, connection: Connection) -> None:
    handler = type("Handler", (_Handler,), {"keys": Keys(keys)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        connection.send(server.server_address[1])
        server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
