"""Listings made elsewhere: a bucket's inventory, the output of ``find``, a query of another lake.

A list names files in the column ``url`` (or one a line), in any order. A local path is relative to the current folder and spelt as in the
lake (see `urls`), but it may hold bytes that are not UTF-8. If a list lacks the size or time of a local file, one ``stat`` adds it; values
of the list are believed. Temporary files hold rows to sort, and standard input, which can be read only once.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.errors import AccessDenied, ConfigurationError, SourceNotFound
from dicomlake.printable import printable_line
from dicomlake.sources.address import STANDARD_INPUT, is_url
from dicomlake.sources.batches import BatchBuilder
from dicomlake.sources.given.dicomdir import ReadFileIDs, is_dicomdir, read_dicomdir
from dicomlake.sources.given.formats import ListReader, list_reader
from dicomlake.sources.given.inventory import inventory_of, local_path_of
from dicomlake.sources.given.rows import listing_rows
from dicomlake.sources.local.file import add_found, reason, status_of
from dicomlake.sources.local.looks import Looks
from dicomlake.sources.ordering import in_order, sorted_once
from dicomlake.sources.remote.filesystem import filesystem_of, refusal
from dicomlake.urls import path_of_url

_START_BYTES = 64


@dataclass(frozen=True)
class GivenList:
    """A list that was opened once, so it exists and has a column ``url``."""

    title: str
    reader: ListReader
    messages: tuple[str, ...] = ()
    is_inventory: bool = False

    @classmethod
    def open(cls, location: str, name: str, storage_options: Mapping[str, Any], read_file_ids: ReadFileIDs | None = None) -> GivenList:
        """Look at the beginning of a list; standard input is read to its end.

        Args:
            location: an absolute path, a url, or ``-``.
            name: the name of the source in messages.
            storage_options: for a list at a url.
            read_file_ids: reads the records of a DICOMDIR, to its end; without it a DICOMDIR is not a list.

        Raises:
            SourceNotFound, AccessDenied: it can't be opened.
            ConfigurationError: it is not a list.
        """
        title = f"list {printable_line(name)}"
        opener = _opener(location, storage_options)
        with closing(opener()) as stream:
            start = stream.read(_START_BYTES)
        if inventory := inventory_of(start, opener, title):
            return cls(title, partial(inventory.rows, partial(_open_data_file, location, storage_options)), is_inventory=True)
        if read_file_ids is not None and location != STANDARD_INPUT and is_dicomdir(opener, location):
            try:
                listed = read_dicomdir(opener, location, read_file_ids, is_local=not is_url(location))
            except ValueError as error:
                raise ConfigurationError(
                    f"{title} can't be read as a DICOMDIR ({printable_line(error)}); index its folder instead"
                ) from None
            return cls(title, listed.batches, tuple(f"{title}: {message}" for message in listed.messages))
        return cls(title, list_reader(opener, location, title))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """See `Source.batches`."""
        # The data files of an inventory are fetched once; a list is read twice instead of being kept.
        with closing(Looks()) as looks:
            for batch in sorted_once(self._rows()) if self.is_inventory else in_order(self._rows):
                yield _with_local_files(batch, looks)

    def _rows(self) -> Iterator[pa.RecordBatch]:
        for numbered in self.reader():
            yield listing_rows(numbered, self.title)


def _opener(location: str, storage_options: Mapping[str, Any]) -> Callable[[], BinaryIO]:
    if location == STANDARD_INPUT:
        return _spooled_input()
    if is_url(location):
        return lambda: _open_url(location, storage_options)
    return lambda: _open_path(location)


def _open_data_file(manifest: str, storage_options: Mapping[str, Any], path: str) -> BinaryIO:
    if manifest == STANDARD_INPUT:
        raise ConfigurationError(
            "the manifest of an inventory can't come from standard input, since its data files are beside it; give its path or url"
        )
    if not is_url(manifest):
        return _open_path(local_path_of(manifest, path))
    scheme, slashes, rest = manifest.partition("://")
    return _open_url(f"{scheme}{slashes}{rest.partition('/')[0]}/{path}", storage_options)


def _spooled_input() -> Callable[[], BinaryIO]:
    descriptor, path = tempfile.mkstemp(prefix="dicomlake-list-")

    def reopen() -> BinaryIO:
        return open(path, "rb")

    weakref.finalize(reopen, os.unlink, path)  # it lives as long as the source
    # `read` would wait for a whole buffer, and lose an interrupt that comes meanwhile.
    standard_input = cast("io.BufferedReader", sys.stdin.buffer)
    with open(descriptor, "wb") as spool:
        while piece := standard_input.read1():
            spool.write(piece)
    return reopen


def _open_path(path: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except FileNotFoundError:
        hint = (
            f"; a folder of that name is written ./@{printable_line(os.path.basename(path))}"
            if os.path.exists("@" + os.path.basename(path))
            else ""
        )
        raise SourceNotFound(f"list {printable_line(path)} is not there; check its spelling{hint}") from None
    except PermissionError as error:
        raise AccessDenied(f"list {printable_line(path)} can't be read: {reason(error)}; run as a user who may, or grant access") from None
    except OSError as error:
        raise SourceNotFound(f"list {printable_line(path)} can't be read: {reason(error)}") from None


def _open_url(url: str, storage_options: Mapping[str, Any]) -> BinaryIO:
    filesystem, path = filesystem_of(url, storage_options)
    try:
        stream: BinaryIO = filesystem.open(path, "rb")
    except Exception as error:  # noqa: BLE001
        raise refusal(url, error, storage_options) from None
    return stream


def _with_local_files(batch: pa.RecordBatch, looks: Looks) -> pa.RecordBatch:
    """The batch with size and modified time from ``stat``, for local files of which the list lacks either."""
    missing = pc.and_(
        pc.starts_with(batch.column("url"), "/"),
        pc.or_(pc.is_null(batch.column("file_size")), pc.is_null(batch.column("modified"))),
    )
    if not missing.true_count:
        return batch
    builder = BatchBuilder()
    urls = batch.filter(missing).column("url").to_pylist()
    paths = [path_of_url(url) for url in urls]
    for url, path, found in zip(urls, paths, looks.all_of(status_of, paths), strict=True):
        add_found(builder, url, path, found)
    found = builder.flush()
    columns = [
        batch.column(name) if name in ("url", "etag") else pc.replace_with_mask(batch.column(name), missing, found.column(name))
        for name in batch.schema.names
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
