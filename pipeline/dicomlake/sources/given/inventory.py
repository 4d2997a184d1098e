"""Inventories of object stores: a manifest, and the data files that it names.

The formats are Amazon S3 Inventory (CSV with url-encoded keys, Parquet, ORC) and Azure Blob Inventory (CSV with a header, Parquet). Only
rows of current objects count; earlier versions, markers of deletion, snapshots and folders are left out. Data files are fetched one at a
time, and compared with the manifest before a row is used: files missing from a damaged list would look like vanished ones.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import unquote_plus

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.orc
import pyarrow.parquet

from dicomlake.errors import ConfigurationError
from dicomlake.printable import printable_line
from dicomlake.sources.given.formats import csv_batches, header_names

OpenAt = Callable[[str], BinaryIO]

_MANIFEST_BYTES_LIMIT = 64 << 20
_BLOCK_BYTES = 1 << 20
_BATCH_ROWS = 65_536

_LISTED = ("file_size", "modified", "etag")
_S3 = {
    "bucket": "bucket",
    "key": "key",
    "size": "file_size",
    "lastmodifieddate": "modified",
    "etag": "etag",
    "islatest": "current",
    "isdeletemarker": "gone",
}
_AZURE = {
    "name": "key",
    "contentlength": "file_size",
    "lastmodified": "modified",
    "etag": "etag",
    "iscurrentversion": "current",
    "deleted": "gone",
    "hdiisfolder": "folder",
    "snapshot": "snapshot",
}
"""The meaning of a column, by the letters and digits of its name."""

_MILLISECONDS_FROM = 100_000_000_000


@dataclass(frozen=True)
class DataFile:
    """A data file as its manifest names it; ``md5`` is in hexadecimal digits, if the manifest has it."""

    path: str
    size: int | None
    md5: str | None


@dataclass(frozen=True)
class Inventory:
    """A manifest after parsing.

    Attributes:
        title: its name in messages.
        scheme: the scheme of the urls of its objects.
        format: ``csv``, ``parquet`` or ``orc``.
        names: the columns of CSV files without a header; empty if they have one.
        meanings: the meaning of a column, by the lower-case letters and digits of its name.
        files: its data files.
    """

    title: str
    scheme: str
    format: str
    names: tuple[str, ...]
    meanings: dict[str, str]
    files: tuple[DataFile, ...]

    def rows(self, open_at: OpenAt) -> Iterator[pa.RecordBatch]:
        """Rows of current objects: ``row``, ``url``, ``file_size``, ``modified``, ``etag``, as a list has them.

        Args:
            open_at: opens a data file by its path in the manifest.

        Raises:
            ConfigurationError: a data file differs from the manifest, or can't be read.
            SourceNotFound, AccessDenied: a data file is not there.
        """
        first = 1
        for file in self.files:
            with tempfile.TemporaryFile(prefix="dicomlake-list-") as copy:
                self._fetch(file, open_at, copy)
                try:
                    for batch in self._batches(copy):
                        yield self._current(batch, first, file)
                        first += batch.num_rows
                except (pa.ArrowException, OSError, ValueError) as error:
                    raise self._damaged(file, f"can't be read as {self.format}: {printable_line(error)}") from None

    def _fetch(self, file: DataFile, open_at: OpenAt, copy: BinaryIO) -> None:
        with closing(open_at(file.path)) as stream:
            shutil.copyfileobj(stream, copy, _BLOCK_BYTES)
        size = copy.tell()
        if file.size is not None and size != file.size:
            raise self._damaged(file, f"has {size:,} bytes, and the manifest says {file.size:,}")
        copy.seek(0)
        digest = hashlib.md5(usedforsecurity=False)
        while block := copy.read(_BLOCK_BYTES):
            digest.update(block)
        if file.md5 and digest.hexdigest() != file.md5.lower():
            raise self._damaged(file, "is not the one that the manifest names: its MD5 checksum differs")
        copy.seek(0)

    def _damaged(self, file: DataFile, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.title}: data file {printable_line(file.path)} {what}; fetch it again, or take another day's inventory"
        )

    def _batches(self, copy: BinaryIO) -> Iterator[pa.RecordBatch]:
        if self.format == "parquet":
            parquet = pyarrow.parquet.ParquetFile(copy)
            wanted = [name for name in parquet.schema_arrow.names if _plain(name) in self.meanings]
            yield from parquet.iter_batches(_BATCH_ROWS, columns=wanted)
        elif self.format == "orc":
            orc = pyarrow.orc.ORCFile(copy)
            wanted = [name for name in orc.schema.names if _plain(name) in self.meanings]
            for stripe in range(orc.nstripes):
                yield from pa.Table.from_batches([orc.read_stripe(stripe, columns=wanted)]).to_batches(_BATCH_ROWS)
        else:
            names = self.names
            if not names:
                with open(os.dup(copy.fileno()), "rb") as first:
                    names = tuple(header_names(first))
                copy.seek(0)
            wanted = [name for name in names if _plain(name) in self.meanings]
            yield from csv_batches(copy, names, wanted, pa.string(), has_header=not self.names)

    def _current(self, batch: pa.RecordBatch, first: int, file: DataFile) -> pa.RecordBatch:
        columns = {self.meanings[_plain(name)]: batch.column(name) for name in batch.schema.names}
        if "key" not in columns or (self.scheme == "s3" and "bucket" not in columns):
            raise self._damaged(file, "names no objects: it lacks the columns of bucket and key")
        keys = columns["key"].cast(pa.string())
        if self.scheme == "s3":
            keys = pc.binary_join_element_wise(columns["bucket"].cast(pa.string()), _decoded(keys) if self.format == "csv" else keys, "/")
        kept = pc.invert(pc.or_(_is(columns.get("gone"), keys, "true"), _is(columns.get("folder"), keys, "true")))
        kept = pc.and_(kept, pc.invert(_is(columns.get("current"), keys, "false")))
        if "snapshot" in columns:
            kept = pc.and_(kept, pc.equal(pc.fill_null(columns["snapshot"].cast(pa.string()), ""), ""))
        # A key with a slash at its end is the marker of a folder, as in a listing.
        kept = pc.and_(kept, pc.invert(pc.fill_null(pc.ends_with(keys, "/"), fill_value=False)))
        made = {
            "row": pa.arange(first, first + batch.num_rows),
            "url": pc.binary_join_element_wise(f"{self.scheme}://", keys, ""),
            **{name: _in_seconds(columns[name]) if name == "modified" else columns[name] for name in _LISTED if name in columns},
        }
        return pa.RecordBatch.from_pydict(made).filter(kept)


def inventory_of(start: bytes, opener: Callable[[], BinaryIO], title: str) -> Inventory | None:
    """The inventory of a manifest; None for another list.

    Args:
        start: its first bytes.
        opener: opens it.
        title: its name in messages.

    Raises:
        ConfigurationError: the manifest can't be used.
    """
    if not start.lstrip().startswith(b"{"):
        return None
    with closing(opener()) as stream:
        content = stream.read(_MANIFEST_BYTES_LIMIT)
    try:
        manifest = json.loads(content)
    except ValueError:
        raise ConfigurationError(f"{title} begins as the manifest of an inventory but is not JSON; fetch it again") from None
    try:
        if "sourceBucket" in manifest:
            return _of_s3(manifest, title)
        if "destinationContainer" in manifest:
            return _of_azure(manifest, title)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ConfigurationError(f"{title} is the manifest of an inventory, but does not describe its data files") from None
    raise ConfigurationError(f"{title} is JSON, and neither the manifest of an S3 Inventory nor of an Azure Blob Inventory")


def local_path_of(manifest: str, path: str) -> str:
    """The path of a data file that was copied with its manifest: at the same place relative to it, or beside it."""
    folder = os.path.dirname(manifest)
    name = os.path.basename(path)
    above = folder
    candidates = [os.path.join(folder, name), os.path.join(folder, "data", name), os.path.join(folder, "..", "data", name)]
    while above != os.path.dirname(above):
        candidates.append(os.path.join(above, path))
        above = os.path.dirname(above)
    return next((path for path in candidates if os.path.isfile(path)), candidates[0])


def _of_s3(manifest: dict[str, Any], title: str) -> Inventory:
    form = str(manifest["fileFormat"]).lower()
    if form not in ("csv", "parquet", "orc"):
        raise ConfigurationError(f"{title}: inventories in {printable_line(form)} are not read; CSV, Parquet and ORC are")
    names = tuple(name.strip() for name in str(manifest["fileSchema"]).split(",")) if form == "csv" else ()
    files = [DataFile(str(file["key"]), _size(file), file.get("MD5checksum")) for file in manifest["files"]]
    return Inventory(title, "s3", form, names, _S3, tuple(files))


def _of_azure(manifest: dict[str, Any], title: str) -> Inventory:
    if manifest.get("status", "Succeeded") != "Succeeded":
        raise ConfigurationError(f"{title}: that inventory ended as {printable_line(manifest['status'])}; take another day's")
    form = str(manifest["ruleDefinition"]["format"]).lower()
    if form not in ("csv", "parquet"):
        raise ConfigurationError(f"{title}: inventories in {printable_line(form)} are not read; CSV and Parquet are")
    files = [DataFile(str(file["blob"]), _size(file), None) for file in manifest["files"]]
    return Inventory(title, "az", form, (), _AZURE, tuple(files))


def _size(file: dict[str, Any]) -> int | None:
    return int(file["size"]) if file.get("size") is not None else None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _decoded(keys: pa.StringArray) -> pa.StringArray:
    """The keys of CSV files, which are url-encoded."""
    encoded = pc.fill_null(pc.match_substring_regex(keys, "[%+]"), fill_value=False)
    if not encoded.true_count:
        return keys
    plain = [unquote_plus(key, errors="strict") for key in keys.filter(encoded).to_pylist()]
    return pc.replace_with_mask(keys, encoded, pa.array(plain, pa.string()))


def _is(column: pa.Array | None, like: pa.Array, text: str) -> pa.BooleanArray:
    """Which values are true (or false), as a boolean or as text; a null is neither."""
    if column is None:
        return pa.repeat(pa.scalar(value=False), len(like))
    return pc.fill_null(pc.equal(pc.utf8_lower(column.cast(pa.string())), text), fill_value=False)


def _in_seconds(column: pa.Array) -> pa.Array:
    """Times as seconds, if they are numbers of milliseconds."""
    if not pa.types.is_integer(column.type):
        return column
    largest = pc.max(column).as_py()
    return pc.divide(column.cast(pa.float64()), 1000.0) if largest is not None and largest >= _MILLISECONDS_FROM else column
