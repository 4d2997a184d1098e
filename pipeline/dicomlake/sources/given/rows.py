"""Rows of a list as rows of a listing: urls in the spelling of the lake, columns in their declared types."""

from __future__ import annotations

import os

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.errors import ConfigurationError
from dicomlake.sources.given.values import CantBeTyped, etags, file_sizes, modified_times, texts
from dicomlake.sources.listing import LISTING_SCHEMA
from dicomlake.stores.kinds import CANONICAL_SCHEMES
from dicomlake.urls import FILE_SCHEME, SCHEME, carrying_credentials, path_of_url, url_of_path

# Paths that are not in the spelling of the lake: relative, with a doubled slash, a dot folder, a slash at the end or a backslash.
_UNFINISHED = r"^[^/]|//|/\.\.?(?:/|$)|./$|\\"


def listing_rows(rows: pa.RecordBatch, title: str) -> pa.RecordBatch:
    """The rows of a list in `LISTING_SCHEMA`, in their order.

    Args:
        rows: with the column ``row`` (for messages) and any of ``url``, ``file_size``, ``modified``, ``etag``.
        title: the name of the list in messages.

    Raises:
        ConfigurationError: a value can't be used; the message names the list, the row and the column.
    """
    makers = {"url": _urls, "file_size": file_sizes, "modified": modified_times, "etag": etags}
    columns = []
    for field in LISTING_SCHEMA:
        if field.name not in rows.schema.names:
            columns.append(pa.nulls(rows.num_rows, field.type))
            continue
        try:
            columns.append(makers[field.name](rows.column(field.name)))
        except CantBeTyped as error:
            row = rows.column("row")[error.position].as_py() if rows.num_rows else 1
            raise ConfigurationError(f"{title}, row {row}: {field.name} {error.problem}") from None
    return pa.RecordBatch.from_arrays(columns, schema=LISTING_SCHEMA)


def _urls(values: pa.Array) -> pa.StringArray:
    urls = texts(values)
    empty = pc.index(pc.equal(pc.fill_null(urls, ""), ""), True).as_py()
    if empty >= 0:
        raise CantBeTyped(empty, "is empty; every row names a file")
    secret = pc.index(carrying_credentials(urls), True).as_py()
    if secret >= 0:
        raise CantBeTyped(secret, "carries credentials, which would be written to the lake; leave them out and set storage_options")
    is_remote = pc.and_not(pc.match_substring_regex(urls, SCHEME), pc.match_substring_regex(urls, FILE_SCHEME))
    if is_remote.true_count:
        for scheme, spelt in CANONICAL_SCHEMES.items():
            urls = pc.replace_substring_regex(urls, f"^{scheme}://", f"{spelt}://")
    unfinished = pc.and_not(pc.match_substring_regex(urls, _UNFINISHED), is_remote)
    if not unfinished.true_count:
        return urls
    folder = os.getcwd()
    local = [_finished(url, folder) for url in pc.replace_substring_regex(urls.filter(unfinished), FILE_SCHEME, "").to_pylist()]
    return pc.replace_with_mask(urls, unfinished, pa.array(local, pa.string()))


def _finished(url: str, folder: str) -> str:
    path = os.path.normpath(os.path.join(os.fsencode(folder), path_of_url(url)))
    return url_of_path(b"/" + path.lstrip(b"/"))
