"""A prefix of an object store, listed by the store's own client: pages become Arrow batches without a Python object per key.

Most stores list in the byte order of keys, which is the order of urls, so pages are streamed. If this order is known and there are many
folders, ranges of keys are listed in parallel. The order of other stores is checked: a store with another order is listed again, and its
rows are kept on disk and sorted. The client stops at a key that it can't name (``a//b``, ``..``, a control character): the rest of the
range is then listed folder by folder.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import obstore
import pyarrow as pa
import pyarrow.compute as pc
from obstore.exceptions import BaseError, InvalidPathError, NotFoundError

from dicomlake.errors import DicomlakeError, ListedOutOfOrder
from dicomlake.printable import printable_line
from dicomlake.sources.batches import BATCH_ROWS
from dicomlake.sources.listing import LISTING_SCHEMA
from dicomlake.sources.merge import sliced
from dicomlake.sources.ordering import read_spool, sorted_once, spool
from dicomlake.sources.pattern import Pattern
from dicomlake.sources.remote.folder import list_root
from dicomlake.sources.remote.folder_markers import without_folder_markers
from dicomlake.sources.remote.root import RemoteRoot
from dicomlake.stores import PAUSES_SECONDS, KeyOrder, codes_of, is_passing, key_order, open_object_store, patiently, store_refusal

if TYPE_CHECKING:
    from obstore.store import ObjectStore

RANGES = 32
SIDE_BY_SIDE = 8
"""The number of ranges into which a large prefix is cut, and how many are listed at once."""

_LEVELS = 6


class Range(NamedTuple):
    """The keys after ``after`` up to ``end``, with ``end``; None is no bound."""

    after: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class BucketListing:
    """The objects below a prefix, or those of them that match a pattern.

    ``folder`` is the key of the prefix, without a slash at its end; empty for a whole bucket. With ``trusts_order``, rows are streamed even
    if the order of the store is not known.
    """

    root: RemoteRoot
    folder: str
    pattern: Pattern | None = None
    trusts_order: bool = True

    @classmethod
    def of(cls, root: RemoteRoot, pattern: Pattern | None = None, *, trusts_order: bool = True) -> BucketListing:
        """The listing of a url like ``s3://bucket/folder``."""
        return cls(root, root.head.partition("://")[2].partition("/")[2].strip("/"), pattern, trusts_order)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """See `Source.batches`.

        Raises:
            AccessDenied, SourceNotFound: it can't be listed, or not to its end.
            ListedOutOfOrder: its order was trusted, and is wrong.
        """
        if not self._is_streamed:
            yield from sorted_once(self._rows(Range()))
            return
        bounds = self._bounds() if self._order is KeyOrder.BYTES else []
        if len(bounds) < RANGES:
            yield from self._rows(Range())
        else:
            steps = [bounds[len(bounds) * step // RANGES] for step in range(1, RANGES)]
            yield from self._side_by_side([Range(after, end) for after, end in zip([None, *steps], [*steps, None], strict=True)])

    def holds_anything(self) -> bool:
        """Whether a key begins with the prefix and a slash, by a single request.

        Raises:
            AccessDenied, SourceNotFound: the bucket can't be listed.
            ConfigurationError: the options can't be used.
        """
        try:
            # A user may wait at a terminal, so there is only one short pause.
            first = patiently(lambda: self._first_keys(self._store), PAUSES_SECONDS[:1])
        except InvalidPathError:
            return True
        except BaseError as error:
            if "PermanentRedirect" in codes_of(error):
                return False  # fsspec finds the region by itself
            raise self._refusal(error) from None
        return bool(first)

    def why_not(self) -> DicomlakeError | None:
        """The reason why the prefix can't be listed, by a single request; None if it can.

        Raises:
            ConfigurationError: the options can't be used.
        """
        store = open_object_store(self.root.url, self.root.storage_options, whole_bucket=True, retries=0)
        try:
            self._first_keys(store)
        except InvalidPathError:
            return None
        except BaseError as error:
            return self._refusal(error)
        return None

    def _first_keys(self, store: ObjectStore) -> object:
        return next(iter(obstore.list(store, self.folder or None, chunk_size=1)), None)

    def _refusal(self, error: BaseError) -> DicomlakeError:
        url = self.root.url
        return store_refusal(url, error, self.root.storage_options, f"source {printable_line(url)} can't be listed")

    @cached_property
    def _order(self) -> KeyOrder:
        return key_order(self.root.url, self.root.storage_options)

    @property
    def _is_streamed(self) -> bool:
        return self.trusts_order and self._order is not KeyOrder.NONE

    @cached_property
    def _store(self) -> ObjectStore:
        return open_object_store(self.root.url, self.root.storage_options, whole_bucket=True)

    def _bounds(self) -> list[str]:
        """The folders at which to cut, ascending. Few or none if cuts are of no use, since all keys fit one page or are in one folder."""
        folder = self.folder
        try:
            first = next(iter(obstore.list(self._store, folder or None, chunk_size=BATCH_ROWS, return_arrow=True)), None)
            if first is None or first.num_rows < BATCH_ROWS:
                return []
            names = pc.utf8_slice_codeunits(_column(first, "path"), len(folder) + 1 if folder else 0)
            if not pc.all(pc.match_substring(names, "/")).as_py():
                return []
            for _ in range(_LEVELS):
                found = obstore.list_with_delimiter(self._store, folder or None)
                folders = sorted(found["common_prefixes"])
                if len(folders) != 1 or found["objects"]:
                    return folders
                folder = folders[0]
        except BaseError:
            pass  # the listing itself meets the error again, and reports it
        return []

    def _side_by_side(self, ranges: Sequence[Range]) -> Iterator[pa.RecordBatch]:
        stopped = threading.Event()

        def fetch(part: Range, path: Path) -> Path:
            spool(_until(stopped, self._rows(part)), path)
            return path

        with TemporaryDirectory(prefix="dicomlake-list-") as folder, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            fetched = [pool.submit(fetch, part, Path(folder) / f"{number}.arrow") for number, part in enumerate(ranges)]
            try:
                for one in fetched:
                    path = one.result()
                    yield from read_spool(path)
                    path.unlink()
            finally:
                stopped.set()
                pool.shutdown(wait=True, cancel_futures=True)

    def _rows(self, part: Range) -> Iterator[pa.RecordBatch]:
        """The rows of a range, in the store's order. Without an order, some rows may come twice."""
        trusted = self._is_streamed
        last = part.after
        failures = 0
        while True:
            try:
                for batch in self._pages(last):
                    if trusted and not _ascends(batch.column("path"), last):
                        raise ListedOutOfOrder(
                            f"source {printable_line(self.root.url)}: its store does not list keys in the order of their bytes"
                        )
                    paths = batch.column("path")
                    failures = 0 if trusted else failures
                    last = paths[-1].as_py() if trusted and len(paths) else last
                    is_end = part.end is not None and len(paths) > 0 and paths[-1].as_py() > part.end
                    yield from sliced(self._listed(batch.filter(pc.less_equal(paths, part.end)) if is_end else batch))
                    if is_end:
                        return
            except InvalidPathError:
                yield from self._by_folders(Range(last, part.end))
            except BaseError as error:
                if "PermanentRedirect" in codes_of(error):
                    # The bucket is in another region; botocore finds it by itself.
                    yield from self._by_folders(Range(last, part.end))
                    return
                # A page broke off. The listing continues after the last known key, or begins again.
                failures += 1
                if failures > len(PAUSES_SECONDS) or not is_passing(error):
                    raise self._refusal(error) from None
                time.sleep(PAUSES_SECONDS[failures - 1])
                continue
            return

    def _pages(self, after: str | None) -> Iterator[pa.RecordBatch]:
        for page in obstore.list(self._store, self.folder or None, offset=after, chunk_size=BATCH_ROWS, return_arrow=True):
            yield without_folder_markers(pa.record_batch(page), self._is_there)

    def _by_folders(self, part: Range) -> Iterator[pa.RecordBatch]:
        after, end = (None if key is None else self._bucket_url + key for key in part)
        for batch in list_root(self.root.naming_every_key(), None, within=(after, end)):
            yield from sliced(self._kept(batch))

    @property
    def _bucket_url(self) -> str:
        scheme, slashes, path = self.root.head.partition("://")
        return f"{scheme}{slashes}{path.partition('/')[0]}/"

    def _listed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        nothing = pa.nulls(batch.num_rows, pa.string())
        etags = pc.utf8_trim(batch.column("e_tag").cast(pa.string()), characters='"')
        columns = [
            pc.binary_join_element_wise(self._bucket_url, batch.column("path").cast(pa.string()), ""),
            batch.column("size").cast(pa.int64()),
            batch.column("last_modified").cast(LISTING_SCHEMA.field("modified").type),
            etags,
            nothing,
            nothing,
        ]
        return self._kept(pa.RecordBatch.from_arrays(columns, schema=LISTING_SCHEMA))

    def _kept(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that match the pattern and are not below an excluded folder."""
        urls = batch.column("url")
        wanted = None
        if self.pattern is not None:
            wanted = pc.match_substring_regex(pc.utf8_slice_codeunits(urls, len(self.root.prefix)), self.pattern.expression)
        for folder in self.root.excluded:
            outside = pc.invert(pc.starts_with(urls, folder + "/"))
            wanted = outside if wanted is None else pc.and_(wanted, outside)
        return batch if wanted is None else batch.filter(wanted)

    def _is_there(self, key: str) -> bool:
        try:
            obstore.head(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return False
        except BaseError:
            return True  # in doubt the key is listed, and the reader finds out
        return True


def _column(page: object, name: str) -> pa.Array:
    return pa.record_batch(page).column(name)


def _ascends(paths: pa.Array, last: str | None) -> bool:
    if not len(paths):
        return True
    return (last is None or bool(last < paths[0].as_py())) and bool(pc.less(paths[:-1], paths[1:]).false_count == 0)


def _until(stopped: threading.Event, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if stopped.is_set():
            return
        yield batch
