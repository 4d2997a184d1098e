"""The formats of a list: Parquet, CSV with a header, and plain text with one url a line. The content decides, and text may be compressed.

Readers give batches with the column ``row`` (from 1, for messages), and with the columns ``url``, ``file_size``, ``modified`` and ``etag``
that the list has, in their own types. Other columns are ignored.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from dicomlake.errors import ConfigurationError
from dicomlake.printable import printable_line

KNOWN_COLUMNS = ("url", "file_size", "modified", "etag")
_BATCH_ROWS = 65_536
_BLOCK_BYTES = 1 << 20
_LINE_BYTES_LIMIT = 1 << 16
_CODECS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}

Opener = Callable[[], BinaryIO]
ListReader = Callable[[], Iterator[pa.RecordBatch]]


def list_reader(opener: Opener, location: str, title: str) -> ListReader:
    """The reader for the format of a list. It starts from the beginning at every call.

    Args:
        opener: opens the list for reading, as often as asked.
        location: path or url; a list named ``.csv`` or ``.parquet`` must have that format.
        title: the name of the list in messages.

    Raises:
        ConfigurationError: the list has not the format of its name, or no column ``url``. The reader raises it for a damaged list.
    """
    with closing(opener()) as stream:
        is_parquet = stream.read(4) == b"PAR1"
    if is_parquet:
        with closing(opener()) as stream:
            try:
                names = pyarrow.parquet.ParquetFile(stream).schema_arrow.names
            except (pa.ArrowException, OSError) as error:
                raise _damaged(title, "Parquet", error) from None
        return partial(_read_parquet, opener, title, _columns(names, title))
    if location.lower().endswith((".parquet", ".pq")):
        raise ConfigurationError(f"{title} is not a Parquet file, although its name says so; name a Parquet, CSV or text file")
    with closing(opener()) as stream:
        try:
            names = header_names(stream)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(title, "text", error) from None
    if "url" in names:
        return partial(_read_csv, opener, title, names)
    if ".csv" in location.lower().rpartition("/")[2]:
        _columns(names, title)
    return partial(_read_lines, opener, title)


def _columns(names: list[str], title: str) -> list[str]:
    if names.count("url") != 1:
        raise ConfigurationError(f"{title} must have one column 'url'; it has {printable_line(', '.join(names[:20])) or 'none'}")
    return [name for name in KNOWN_COLUMNS if name in names]


def _read_parquet(opener: Opener, title: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with closing(opener()) as stream:
        try:
            file = pyarrow.parquet.ParquetFile(stream)
            yield from _numbered(file.iter_batches(_BATCH_ROWS, columns=columns))
        except (pa.ArrowException, OSError) as error:
            raise _damaged(title, "Parquet", error) from None


def _read_csv(opener: Opener, title: str, names: list[str]) -> Iterator[pa.RecordBatch]:
    with closing(opener()) as stream:
        try:
            # As bytes, since names need not be UTF-8, and so that no type is guessed from the first rows.
            yield from _numbered(csv_batches(stream, names, _columns(names, title), pa.binary(), has_header=True))
        except (pa.ArrowException, OSError) as error:
            raise _damaged(title, "CSV", error) from None


def csv_batches(
    stream: BinaryIO, names: Sequence[str], wanted: Sequence[str], kind: pa.DataType, *, has_header: bool
) -> Iterator[pa.RecordBatch]:
    """The wanted columns of a CSV file, compressed or not.

    Args:
        stream: the file, at its beginning.
        names: all its columns.
        wanted: some of them.
        kind: the type of all values: text, or bytes of any encoding.
        has_header: whether the first line holds names.

    Raises:
        ArrowException, OSError: the file is damaged.
    """
    read_options = pyarrow.csv.ReadOptions(column_names=list(names), skip_rows=int(has_header), block_size=_BLOCK_BYTES)
    parse_options = pyarrow.csv.ParseOptions(newlines_in_values=True)
    convert_options = pyarrow.csv.ConvertOptions(
        include_columns=list(wanted), column_types=dict.fromkeys(wanted, kind), check_utf8=kind == pa.string()
    )
    try:
        yield from pyarrow.csv.open_csv(_uncompressed(stream), read_options, parse_options, convert_options)
    except pa.ArrowInvalid as error:
        if "Empty CSV file" not in str(error):
            raise


def header_names(stream: BinaryIO) -> list[str]:
    """The names in the first line of a file, compressed or not; empty if that is not a line of names. Closes a compressed file."""
    line = bytes(_uncompressed(stream).read(_LINE_BYTES_LIMIT)).partition(b"\n")[0].decode("utf-8-sig", "replace")
    try:
        return [name.strip() for name in next(csv.reader([line]), [])]
    except csv.Error:
        return []


def _read_lines(opener: Opener, title: str) -> Iterator[pa.RecordBatch]:
    with closing(opener()) as stream:
        try:
            text = _uncompressed(stream)
            row = 1
            rest = b""
            while block := text.read(_BLOCK_BYTES):
                *lines, rest = (rest + block).split(b"\n")
                if len(rest) > _LINE_BYTES_LIMIT:
                    raise ConfigurationError(f"{title}: line {row + len(lines)} is too long for a path; write one path or url a line")
                yield _lines(lines, row)
                row += len(lines)
            yield _lines([rest], row)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(title, "text", error) from None


def _lines(lines: list[bytes], first: int) -> pa.RecordBatch:
    numbered = [(row, line.removesuffix(b"\r")) for row, line in enumerate(lines, first)]
    kept = [(row, line) for row, line in numbered if line]
    rows = pa.array([row for row, _ in kept], pa.int64())
    return pa.RecordBatch.from_arrays([rows, pa.array([line for _, line in kept], pa.binary())], names=["row", "url"])


def _numbered(batches: Any) -> Iterator[pa.RecordBatch]:  # noqa: ANN401  (pyarrow's two readers share no type)
    row = 1
    for batch in batches:
        numbers = pa.arange(row, row + batch.num_rows)
        yield pa.RecordBatch.from_arrays([numbers, *batch.columns], names=["row", *batch.schema.names])
        row += batch.num_rows


def _uncompressed(stream: BinaryIO) -> Any:  # noqa: ANN401  (a Python file, or one of pyarrow's)
    start = stream.read(4)
    stream.seek(0)
    for magic, codec in _CODECS.items():
        if start.startswith(magic):
            return pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), codec)
    return stream


def _damaged(title: str, what: str, error: BaseException) -> ConfigurationError:
    return ConfigurationError(f"{title} can't be read as {what}: {printable_line(error)}")
