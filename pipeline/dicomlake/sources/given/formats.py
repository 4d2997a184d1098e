"""The formats of a list: Parquet, CSV with a header, and plain text with one url a line. Told apart by content; text may be compressed.

What comes out are batches with the column ``row`` (from 1, for messages) and those of ``url``, ``file_size``, ``modified`` and ``etag``
that the list has, in whatever type it has them; other columns are ignored.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from dicomlake.errors import ConfigurationError
from dicomlake.printable import printable_line

KNOWN_COLUMNS = ("url", "file_size", "modified", "etag")
_BATCH_ROWS = 65_536
_BLOCK_BYTES = 1 << 20
_LINE_BYTES_LIMIT = 1 << 16
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]+)?Z?"
_STORE_LINE = re.compile(rf"^ *(?:(?P<time>{_TIME}) +(?P<size>[0-9]+) +|(?P<size_first>[0-9]+) +(?P<time_last>{_TIME}) +)(?P<url>.+)$")
_STORE_TOTAL = r"^(?:TOTAL: |Total Objects: | *Total Size: )"
_CODECS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}

Opener = Callable[[], BinaryIO]
ListReader = Callable[[], Iterator[pa.RecordBatch]]


def list_reader(opener: Opener, location: str, title: str) -> ListReader:
    """Tell the format of a list; what is returned reads it from its beginning each time it is called.

    Args:
        opener: opens the list for reading, as often as asked.
        location: path or url; ``.csv`` and ``.parquet`` at its end are taken at their word.
        title: of the list, for messages.

    Raises:
        ConfigurationError: the list is not what its name says, or has no column ``url``. So does the reader, for a list damaged further on.
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
        raise ConfigurationError(f"{title} is no Parquet file, as its name says; name a Parquet, CSV or text file")
    names = _header(opener, title)
    if "url" in names:
        return partial(_read_csv, opener, title, names)
    if ".csv" in location.lower().rpartition("/")[2]:
        _columns(names, title)
    if names and _STORE_LINE.match(names[0]):
        return partial(_read_store_lines, opener, title)
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
    columns = _columns(names, title)
    reading = pyarrow.csv.ReadOptions(column_names=names, skip_rows=1, block_size=_BLOCK_BYTES)
    parsing = pyarrow.csv.ParseOptions(newlines_in_values=True)
    # All as bytes: names need not be UTF-8, and types are not guessed from what stands first.
    converting = pyarrow.csv.ConvertOptions(include_columns=columns, column_types=dict.fromkeys(columns, pa.binary()), check_utf8=False)
    with closing(opener()) as stream:
        try:
            text = _uncompressed(stream)
            yield from _numbered(pyarrow.csv.open_csv(text, read_options=reading, parse_options=parsing, convert_options=converting))
        except (pa.ArrowException, OSError) as error:
            if "Empty CSV file" not in str(error):
                raise _damaged(title, "CSV", error) from None


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


def _read_store_lines(opener: Opener, title: str) -> Iterator[pa.RecordBatch]:
    """Lines with time, size and url, as the clients of stores print them."""
    for found in _read_lines(opener, title):
        numbered = found.filter(pc.invert(pc.match_substring_regex(found.column("url").cast(pa.string()), _STORE_TOTAL)))
        lines = numbered.column("url").cast(pa.string())
        parts = pc.extract_regex(lines, _STORE_LINE.pattern)
        lost = pc.index(pc.is_valid(parts), value=False).as_py()
        if lost >= 0:
            raise ConfigurationError(f"{title}, row {numbered.column('row')[lost].as_py()}: is no time, size and url, as the first line is")
        urls = pc.struct_field(parts, "url")
        bare = pc.index(pc.match_substring(urls, "://"), value=False).as_py()
        if bare >= 0:
            raise ConfigurationError(
                f"{title}, row {numbered.column('row')[bare].as_py()}: names a key and no bucket, as 'aws s3 ls' does; put it "
                r"before keys: sed -E 's#^( *[0-9-]+ +[0-9:]+ +[0-9]+ )#\1s3://BUCKET/#'"
            )
        kept = pc.invert(pc.ends_with(urls, "/"))
        sizes = pc.binary_join_element_wise(pc.struct_field(parts, "size"), pc.struct_field(parts, "size_first"), "")
        times = pc.binary_join_element_wise(pc.struct_field(parts, "time"), pc.struct_field(parts, "time_last"), "")
        columns = [numbered.column("row"), urls, sizes, times]
        yield pa.RecordBatch.from_arrays(columns, names=["row", "url", "file_size", "modified"]).filter(kept)


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


def _header(opener: Opener, title: str) -> list[str]:
    """The names in the first line, if it is one of names."""
    with closing(opener()) as stream:
        try:
            start = _uncompressed(stream).read(_LINE_BYTES_LIMIT)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(title, "text", error) from None
    line = start.partition(b"\n")[0].decode("utf-8-sig", "replace")
    try:
        return [name.strip() for name in next(csv.reader([line]), [])]
    except csv.Error:
        return []


def _uncompressed(stream: BinaryIO) -> Any:  # noqa: ANN401  (a Python file, or one of pyarrow's)
    start = stream.read(4)
    stream.seek(0)
    for magic, codec in _CODECS.items():
        if start.startswith(magic):
            return pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), codec)
    return stream


def _damaged(title: str, what: str, error: BaseException) -> ConfigurationError:
    return ConfigurationError(f"{title} can't be read as {what}: {printable_line(error)}")
