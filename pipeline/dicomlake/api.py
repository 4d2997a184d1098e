"""The functions for Python programs: index an archive, or read the headers of a few files.

Both take what the command line takes, and answer objects instead of printing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from dicomlake.config import Settings, load_settings
from dicomlake.errors import ConfigurationError, NotALake
from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.extract.engines import ENGINES_IN_THREADS, make_engine
from dicomlake.extract.header_tree import HeaderTree
from dicomlake.fetch import open_binary
from dicomlake.lake import Lake, settings_of
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, Progress, Summary, run_index
from dicomlake.run.worker_check import requirements_of
from dicomlake.runner import runner_starter
from dicomlake.scanning import scan_named, url_of
from dicomlake.telling.jupyter import in_jupyter, jupyter_bar_on

if TYPE_CHECKING:
    from distributed import Client

PathOrUrl = str | os.PathLike[str]


def index(
    source: PathOrUrl | Iterable[PathOrUrl],
    *,
    lake: PathOrUrl,
    config: PathOrUrl | Settings | None = None,
    client: Client | None = None,
    storage_options: Mapping[str, Any] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    engine: str | None = None,
    headers: bool = False,
    full: bool = False,
    complete: bool = False,
    dry_run: bool = False,
    missing_limit: float | None = None,
    wait: timedelta | None = None,
    time_limit: timedelta | None = None,
    progress: Progress | None = None,
    show_progress: bool = True,
    performance_report: PathOrUrl | None = None,
) -> Summary:
    """Index sources into a lake; only what is new or changed is read.

    Args:
        source: a folder, file, glob, url or listing (``@list.csv``), or several.
        lake: folder or url of the lake; made where there is none.
        config: a YAML file, or settings; arguments below go over it. Where None, the settings that change rows are those of the lake.
        client: a Dask client whose workers read; it stays open.
        storage_options: of fsspec, for urls.
        workers: on this machine, threads, or processes where the engine is pydicom; 0 does without. One for each core where None.
        scheduler: address of a Dask scheduler whose workers read.
        engine: the name of the reader of headers.
        headers: keep each whole header as JSON too.
        full: read every file again.
        complete: listings made elsewhere name all files of their source.
        dry_run: only list and compare; the lake stays as it is.
        missing_limit: fraction of a source's files that may vanish at once.
        wait: how long to wait while another run writes to the lake; not at all where None.
        time_limit: when it has passed, waiting included, no unit of files is begun any more; those under way are finished and the run
            ends as a whole one does, with ``files_left`` for the next.
        progress: written while the run goes on.
        show_progress: show a bar below the cell where this is called in Jupyter, and ``progress`` is None.
        performance_report: a file for Dask's page about what its scheduler and workers did, where they did anything.

    Raises:
        UsageError: a source is not there, or the configuration can't be used.
        RefusedError: too much vanished at once, another run writes to the lake, the time limit passed before anything could be kept, or
            the lake can't be read or written.

    Example:
        >>> summary = dicomlake.index("archive", lake="lake")
        >>> summary.files_listed, summary.files_indexed
        (221, 214)
        >>> dicomlake.index("archive", lake="lake").files_unchanged
        221
    """
    if sum(choice is not None for choice in (client, workers, scheduler)) > 1:
        raise ConfigurationError("client, workers and scheduler exclude each other; give one of them")
    settings = settings_in_force(
        lake=lake,
        config=config,
        storage_options=storage_options,
        workers=workers,
        scheduler=scheduler,
        engine=engine,
        headers=headers,
        missing_limit=missing_limit,
        time_limit=time_limit,
    )
    sources = [source] if isinstance(source, str | os.PathLike) else list(source)
    location = Location.of(lake)
    if not location.is_local:
        location = Location.of(lake, settings.storage_options)
    request = IndexRequest(
        sources=tuple(os.fspath(one) for one in sources),
        lake=location,
        settings=settings,
        full=full,
        complete=complete,
        dry_run=dry_run,
        wait=wait or timedelta(0),
    )
    bar = jupyter_bar_on if show_progress and progress is None and in_jupyter() else nullcontext
    progress = progress or Progress()
    start_runner = runner_starter(
        settings.running,
        client,
        in_threads=settings.engine in ENGINES_IN_THREADS,
        requirements=requirements_of(request),
        performance_report=None if performance_report is None else Path(performance_report),
        tell=progress.messages.append,
    )
    with bar(progress):
        return run_index(request, start_runner, progress)


def settings_in_force(
    *,
    lake: PathOrUrl | None = None,
    config: PathOrUrl | Settings | None = None,
    storage_options: Mapping[str, Any] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    engine: str | None = None,
    headers: bool = False,
    missing_limit: float | None = None,
    time_limit: timedelta | None = None,
) -> Settings:
    """The settings by which `index` would run with these arguments, which mean what they mean there.

    Raises:
        UsageError: the configuration can't be used.
        RefusedError: the lake can't be read.
    """
    overrides: dict[str, Any] = {
        "running.workers": workers,
        "running.scheduler": scheduler,
        "engine": engine,
        "headers": headers or None,
        "lake.missing_limit": missing_limit,
        "running.time_limit_seconds": None if time_limit is None else time_limit.total_seconds(),
        "storage_options": None if storage_options is None else dict(storage_options),
    }
    of_lake = None if config is not None or lake is None else _settings_of_lake(lake, storage_options)
    settings = _settings(config, overrides, of_lake)
    if workers is not None and settings.running.scheduler is not None:
        # The caller's choice goes over the scheduler of a configuration.
        settings = settings.model_copy(update={"running": settings.running.model_copy(update={"scheduler": None})})
    return settings


def scan(
    paths: PathOrUrl | Iterable[PathOrUrl],
    *,
    config: PathOrUrl | Settings | None = None,
    storage_options: Mapping[str, Any] | None = None,
    engine: str | None = None,
) -> Scanned:
    """Read the headers of files, without a lake.

    Args:
        paths: what to read, in this order: files, and whatever `index` takes (folders, globs, archives, ``@list.csv``), whose files are
            listed as `index` lists them. A url is a file unless it ends with ``/`` or as an archive does. Each file has a row of
            ``files``; one that is not there is ``unreadable``.
        config: a YAML file, or settings.
        storage_options: of fsspec, for urls.
        engine: the name of the reader of headers.

    Returns:
        ``instances``, ``files`` and ``findings`` as pyarrow tables, duplicates kept.

    Raises:
        UsageError: a glob matches nothing, a list is not there, or the configuration can't be used.
        AccessDenied: a folder, a list or a store can't be read.

    Example:
        >>> scanned = dicomlake.scan("archive")
        >>> scanned.files.num_rows, scanned.instances.num_rows
        (221, 216)
        >>> sorted(set(scanned.findings["level"].to_pylist()))
        ['file', 'value']
    """
    settings = _settings(config, _overrides(engine, storage_options))
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    return scan_named([os.fspath(path) for path in given], settings, _request(settings))


def header_tree(
    path: PathOrUrl,
    *,
    config: PathOrUrl | Settings | None = None,
    storage_options: Mapping[str, Any] | None = None,
    engine: str | None = None,
) -> HeaderTree:
    """Read the whole header of one file, as a tree to look at.

    Args:
        path: local path or url of a file.
        config: a YAML file, or settings.
        storage_options: of fsspec, for urls.
        engine: the name of the reader of headers.

    Returns:
        The tree; a file that can't be read is one without nodes, with its code.

    Example:
        >>> tree = dicomlake.header_tree(dicomlake.scan("archive").instances["url"][0].as_py())
        >>> [(node.keyword, node.vr) for node in tree.nodes if node.keyword == "Modality"]
        [('Modality', 'CS')]
    """
    settings = _settings(config, _overrides(engine, storage_options))
    return make_engine(settings.engine).tree(url_of(path), _request(settings))


def open_url(url: str, *, storage_options: Mapping[str, Any] | None = None) -> BinaryIO:
    r"""Open the file of a url at its first byte.

    Args:
        url: as in the column ``url`` of a lake: a path, ``zip://…::…``, ``tar://…::…``, or a url of a store. Its escapes (``\xHH``, a
            doubled backslash) are undone. A member of an archive is read into memory.
        storage_options: of fsspec, for urls that are not local.

    Raises:
        FileUnreadable: it is not there, is not a regular file, or can't be read.

    Example:
        >>> with dicomlake.open_url("archive/manifest.json") as file:
        ...     file.read(1)
        b'{'
    """
    return open_binary(url, storage_options or {})


def _overrides(engine: str | None, storage_options: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"engine": engine, "storage_options": None if storage_options is None else dict(storage_options)}


def _request(settings: Settings) -> ScanRequest:
    return ScanRequest(
        schema=settings.schema_of_lake(),
        reading=settings.reading.limits(),
        headers=settings.headers,
        frames=settings.frames.limits(),
        storage_options=settings.storage_options,
    )


def _settings_of_lake(lake: PathOrUrl, storage_options: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The settings of the last snapshot; None where there is none."""
    location = Location.of(lake)
    try:
        return settings_of(Lake(lake, None if location.is_local else storage_options).row)
    except NotALake:
        return None


def _settings(config: PathOrUrl | Settings | None, overrides: Mapping[str, Any], of_lake: Mapping[str, Any] | None = None) -> Settings:
    given = {key: value for key, value in overrides.items() if value is not None}
    if not isinstance(config, Settings):
        return load_settings(None if config is None else Path(config), given, base=of_lake)
    return load_settings(None, given, base=config.model_dump())
