"""Readers of objects in a bucket: dicomlake's engine, and s3fs as people write it and tuned.

Each is made for some objects, and then reads them. It answers their SOPInstanceUIDs in order, and the requests to the store if it counts
them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

FIRST_BYTES = 16 * 1024
S3FS_BATCH = 512
THREADS = 2


@dataclass(frozen=True)
class Work:
    """The objects to read: urls and sizes, and the options of the store."""

    urls: list[str]
    sizes: list[int]
    storage_options: dict[str, Any]


Read = Callable[[], tuple[list[str], dict[str, int]]]


def _dicomlake(work: Work) -> Read:
    """The engine as the command uses it: units in threads."""
    from dicomlake.extract.engine import ScanRequest
    from dicomlake.extract.engines import make_engine
    from dicomlake.schema import LakeSchema

    request = ScanRequest(LakeSchema.build(), storage_options=work.storage_options)
    unit_files = -(-len(work.urls) // THREADS)
    units = [unit_of(work, slice(start, start + unit_files)) for start in range(0, len(work.urls), unit_files)]
    engine = make_engine("native")

    def read() -> tuple[list[str], dict[str, int]]:
        with ThreadPoolExecutor(THREADS) as threads:
            scanned = list(threads.map(lambda unit: engine.scan(unit, request), units))
        files = pa.concat_tables([one.files for one in scanned])
        cost = {name: sum(files[name].to_pylist()) for name in ("requests", "bytes_read")}
        return files["SOPInstanceUID"].to_pylist(), cost

    return read


def unit_of(work: Work, part: slice) -> pa.Table:
    """Some of the objects, as an engine takes them."""
    urls = work.urls[part]
    return pa.table(
        {
            "url": pa.array(urls, pa.string()),
            "file_size": pa.array(work.sizes[part], pa.int64()),
            "modified": pa.nulls(len(urls), pa.timestamp("us", "UTC")),
            "etag": pa.nulls(len(urls), pa.string()),
        }
    )


class _Bytes:
    """The first bytes of an object, already fetched; more are fetched one by one."""

    def __init__(self, store: Any, url: str, size: int, first: bytes) -> None:  # noqa: ANN401 - fsspec has no types
        self.size, self.bytes_read, self.requests = size, 0, 0
        self._store, self._url, self._first = store, url, first

    def read(self, offset: int, length: int) -> bytes:
        end = offset + length
        if end <= len(self._first) or len(self._first) == self.size:
            return self._first[offset:end]
        data: bytes = self._store.cat_file(self._url, start=offset, end=min(end, self.size))
        return data

    def close(self) -> None:
        """Nothing to close."""


def _s3fs_cat_ranges(work: Work) -> Read:
    """The best that s3fs allows: many ranges at once, and dicomlake's own decoder fed with them."""
    import s3fs

    from dicomlake.extract import native_engine
    from dicomlake.extract.engine import ScanRequest
    from dicomlake.schema import LakeSchema

    store = s3fs.S3FileSystem(**work.storage_options, config_kwargs={"max_pool_connections": 64})
    plan = native_engine.scan_plan(ScanRequest(LakeSchema.build()))

    def read() -> tuple[list[str], dict[str, int]]:
        uids: list[str] = []
        for start in range(0, len(work.urls), S3FS_BATCH):
            urls, sizes = work.urls[start : start + S3FS_BATCH], work.sizes[start : start + S3FS_BATCH]
            ends = [min(FIRST_BYTES, size) for size in sizes]
            first = dict(zip(urls, store.cat_ranges(urls, [0] * len(urls), ends, batch_size=64), strict=True))
            unit = native_engine.unit_of(unit_of(Work(urls, sizes, {}), slice(None)))
            tables, _ = plan.scan(unit, _opener(store, first), interruptible=False)
            uids += pa.Table.from_batches([pa.record_batch(batch) for batch in dict(tables)["files"]])["SOPInstanceUID"].to_pylist()
        return uids, {}

    return read


def _opener(store: Any, first: dict[str, bytes]) -> Callable[[str, int | None], _Bytes]:  # noqa: ANN401 - fsspec has no types
    return lambda url, size: _Bytes(store, url, size or 0, first[url])


def _pydicom_over_s3fs(work: Work) -> Read:
    """As people write it: open an object as a file, and let pydicom stop before the pixels."""
    import s3fs
    from pydicom import dcmread

    from readers import FORTY_ATTRIBUTES

    store = s3fs.S3FileSystem(**work.storage_options)

    def read() -> tuple[list[str], dict[str, int]]:
        uids = []
        for url in work.urls:
            with store.open(url, "rb") as file:
                dataset = dcmread(file, stop_before_pixels=True)
            for keyword in FORTY_ATTRIBUTES:
                dataset.get(keyword)
            uids.append(str(dataset.SOPInstanceUID))
        return uids, {}

    return read


READERS: dict[str, Callable[[Work], Read]] = {
    "dicomlake": _dicomlake,
    "s3fs cat_ranges": _s3fs_cat_ranges,
    "pydicom over s3fs": _pydicom_over_s3fs,
}
