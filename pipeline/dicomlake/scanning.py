"""Reading headers without a lake: what the user named is listed as a run would list it, and the rows stay in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import polars as pl
import pyarrow as pa

from dicomlake.config import Settings
from dicomlake.errors import ConfigurationError
from dicomlake.extract.dicomdir import read_file_ids
from dicomlake.extract.engine import Engine, Scanned, ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.extract.kept import KeptRows
from dicomlake.extract.unit import located_members, scan_unit
from dicomlake.parts import Location
from dicomlake.run.planning import make_planner
from dicomlake.run.sources import refuse_empty_glob
from dicomlake.sources import AddressKind, address_of, merge_listings, modified_times, open_source
from dicomlake.urls import has_archive_name, is_local, path_of_url, url_of_path

_NO_LAKE = Location("/")


def scan_named(named: Sequence[str], settings: Settings, request: ScanRequest) -> Scanned:
    """Read the headers of what the user named: files, and the files of folders, globs, archives and lists.

    Args:
        named: in any form of a SOURCE, and urls as in the column ``url``.
        settings: how folders are listed, and the engine.
        request: what to read.

    Raises:
        SourceNotFound: a pattern matches nothing, or a list is not there.
        AccessDenied: a folder, a list or a store can't be read.
        ConfigurationError: a SOURCE or a list can't be understood.
    """
    engine = make_engine(settings.engine)
    scanned = list(_scanned(named, engine, settings, request))
    if not scanned:
        return engine.scan(_as_listed([]), request)
    return Scanned({name: pa.concat_tables([one.tables[name] for one in scanned]) for name in scanned[0].tables})


def _scanned(named: Sequence[str], engine: Engine, settings: Settings, request: ScanRequest) -> Iterator[Scanned]:
    for holds_several, group in groupby(named, lambda text: _holds_several(text, settings)):
        if holds_several:
            for text in group:
                for unit in _listed(text, settings):
                    yield scan_unit(engine, located_members(unit, request), request)
        else:
            yield engine.scan(_as_listed([url_of(text) for text in group]), request)  # in this order


def _holds_several(text: str, settings: Settings) -> bool:
    """Whether a text names a folder, a glob, a list or an archive; everything else is one file, there or not."""
    try:
        address = address_of(text)
    except ConfigurationError:
        return False
    if address.kind is AddressKind.GIVEN or address.pattern:
        return True
    is_archive = settings.listing.archives and has_archive_name(pa.array([address.name])).to_pylist() == [True]
    if address.kind is AddressKind.REMOTE:
        return text.endswith("/") or is_archive
    return os.path.isdir(address.location) or (is_archive and os.path.isfile(address.location))


def _listed(text: str, settings: Settings) -> Iterator[pa.Table]:
    source = open_source(text, settings.listing, settings.storage_options, read_file_ids=read_file_ids)
    refuse_empty_glob(source)
    planner = make_planner([source], _NO_LAKE, (), settings, snapshot=1, current=pl.lit(value=True), read_all=True)
    yield from planner.units(merge_listings([source]))
    yield from planner.archive_units(planner.counts.files_to_read)


def rows_inside(scanned: Scanned) -> dict[str, int]:
    """How many rows a scan has in each table of what stands inside headers, and how many stacks its slices make."""
    counts = {name: scanned.tables[name].num_rows for name in ("frames", "instance_references", "segments", "content_items")}
    stacks = KeptRows.of(scanned).stacks.rows.height if scanned.instances.num_rows else 0
    return {"frames": counts.pop("frames"), "stacks": stacks, **counts}


def url_of(path: str | os.PathLike[str]) -> str:
    """A path or url as the column ``url`` has it: a local path becomes absolute."""
    text = os.fspath(path)
    if "://" in text or "::" in text:
        return text
    return url_of_path(os.path.abspath(text))


def _as_listed(urls: Iterable[str]) -> pa.Table:
    """Files as a listing has them, for an engine. What is not there has no size, and the engine says so in its row."""
    given = list(urls)
    sizes: list[int | None] = []
    modified: list[int | None] = []
    for url in given:
        try:
            status = os.stat(path_of_url(url)) if is_local(url) else None
        except (OSError, ValueError):
            status = None
        sizes.append(status.st_size if status else None)
        modified += modified_times([status.st_mtime_ns]) if status else [None]
    return pa.table(
        {
            "url": pa.array(given, pa.string()),
            "file_size": pa.array(sizes, pa.int64()),
            "modified": pa.array(modified, pa.int64()).cast(pa.timestamp("us", "UTC")),
            "etag": pa.nulls(len(given), pa.string()),
        }
    )
