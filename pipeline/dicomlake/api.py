"""What Python programs call: index an archive, or read the headers of a few files.

Both take what the command line takes, and answer objects instead of printing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dicomlake.config import RunningSettings, Settings, load_settings
from dicomlake.errors import ConfigurationError
from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, Progress, Summary, run_index
from dicomlake.runner import Runner, SerialRunner
from dicomlake.sources import is_local_url, path_of_url, url_of_path

if TYPE_CHECKING:
    from distributed import Client

Place = str | os.PathLike[str]


def index(
    source: Place | Iterable[Place],
    *,
    lake: Place,
    config: Place | Settings | None = None,
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
    progress: Progress | None = None,
) -> Summary:
    """Index sources into a lake; only what is new or changed is read.

    Args:
        source: a folder, file, glob, url, archive or listing (``@list.csv``), or several.
        lake: folder or url of the lake; made where there is none.
        config: a YAML file, or settings; arguments below go over it.
        client: a Dask client whose workers read; it stays open.
        storage_options: of fsspec, for urls.
        workers: processes on this machine; 0 reads in this one. One for each core where None.
        scheduler: address of a Dask scheduler whose workers read.
        engine: what reads headers.
        headers: keep each whole header as JSON too.
        full: read every file again.
        complete: listings made elsewhere name all files of their source.
        dry_run: only list and compare; the lake stays as it is.
        missing_limit: fraction of a source's files that may vanish at once.
        progress: written while the run goes on.

    Raises:
        UsageError: a source is not there, or the configuration can't be used.
        RefusedError: too much vanished at once, or the lake can't be read or written.
    """
    overrides: dict[str, Any] = {
        "running.workers": workers,
        "running.scheduler": scheduler,
        "engine": engine,
        "headers": headers or None,
        "lake.missing_limit": missing_limit,
        "storage_options": None if storage_options is None else dict(storage_options),
    }
    if sum(choice is not None for choice in (client, workers, scheduler)) > 1:
        raise ConfigurationError("client, workers and scheduler exclude each other; give one of them")
    settings = _settings(config, overrides)
    if workers is not None and settings.running.scheduler is not None:
        # What the caller says goes over the scheduler that a configuration names.
        settings = settings.model_copy(update={"running": settings.running.model_copy(update={"scheduler": None})})
    sources = [source] if isinstance(source, str | os.PathLike) else list(source)
    location = Location.of(lake)
    if not location.is_local:
        location = Location.of(lake, settings.storage_options)
    request = IndexRequest(
        sources=tuple(os.fspath(place) for place in sources),
        lake=location,
        settings=settings,
        full=full,
        complete=complete,
        dry_run=dry_run,
    )
    return run_index(request, _runner_starter(settings.running, client), progress)


def scan(
    paths: Place | Iterable[Place],
    *,
    config: Place | Settings | None = None,
    storage_options: Mapping[str, Any] | None = None,
    engine: str | None = None,
) -> Scanned:
    """Read the headers of files, without a lake.

    Args:
        paths: local paths or urls of files. A ``files`` row comes for each, in this order; one that is not there is ``unreadable``.
        config: a YAML file, or settings.
        storage_options: of fsspec, for urls.
        engine: what reads headers.

    Returns:
        ``instances``, ``files`` and ``findings`` as pyarrow tables, duplicates kept.
    """
    overrides = {"engine": engine, "storage_options": None if storage_options is None else dict(storage_options)}
    settings = _settings(config, overrides)
    request = ScanRequest(
        schema=settings.schema_of_lake(),
        reading=settings.reading.limits(),
        headers=settings.headers,
        storage_options=settings.storage_options,
    )
    places = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    return make_engine(settings.engine).scan(_as_listed([url_of(place) for place in places]), request)


def url_of(place: Place) -> str:
    """What a path or url is called in the column ``url``: a local path becomes absolute."""
    text = os.fspath(place)
    if "://" in text or "::" in text:
        return text
    return url_of_path(os.path.abspath(text))


def _as_listed(urls: list[str]) -> pa.Table:
    """Files as a listing has them, for an engine. What is not there has no size, and the engine says so in its row."""
    sizes: list[int | None] = []
    modified: list[int | None] = []
    for url in urls:
        try:
            status = os.stat(path_of_url(url)) if is_local_url(url) else None
        except (OSError, ValueError):
            status = None
        sizes.append(status.st_size if status else None)
        modified.append(status.st_mtime_ns // 1000 if status else None)
    return pa.table(
        {
            "url": pa.array(urls, pa.string()),
            "file_size": pa.array(sizes, pa.int64()),
            "modified": pa.array(modified, pa.int64()).cast(pa.timestamp("us", "UTC")),
            "etag": pa.nulls(len(urls), pa.string()),
        }
    )


def _settings(config: Place | Settings | None, overrides: Mapping[str, Any]) -> Settings:
    given = {key: value for key, value in overrides.items() if value is not None}
    if not isinstance(config, Settings):
        return load_settings(None if config is None else Path(config), given)
    values = config.model_dump()
    for key, value in given.items():
        *parents, leaf = key.split(".")
        target = values
        for parent in parents:
            target = target[parent]
        target[leaf] = value
    return load_settings(None, values)


def _runner_starter(running: RunningSettings, client: Client | None = None) -> Callable[[], Runner]:
    """What starts the runner, once there is something to read.

    A terminal sends SIGINT to every process of a run. The driver alone is to answer it: workers that died of it would print what they
    were doing, and a cluster that is interrupted while it starts can't be closed any more.
    """
    if client is None and running.scheduler is None and running.workers == 0:
        return SerialRunner

    def start() -> Runner:
        from dicomlake.runner import dask  # noqa: PLC0415 - a run with nothing to read does without it

        if client is not None:
            return dask.DaskRunner(client, running)
        if running.scheduler is not None:
            return dask.scheduler_runner(running.scheduler, running)
        with _later() as interrupts, _deaf_children():
            runner = dask.local_runner(running)
        if interrupts:
            runner.close()
            raise KeyboardInterrupt
        return runner

    return start


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Keep SIGINT from processes started in this block, and by threads started in it: a signal mask is inherited by both."""
    resource_tracker.ensure_running()  # it would unblock SIGINT when it starts
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


@contextmanager
def _later() -> Iterator[list[int]]:
    """Note the first SIGINT or SIGTERM of this block instead of acting upon it; a second one acts."""
    noted: list[int] = []
    handlers: dict[int, Callable[[int, FrameType | None], object]] = {}

    def take_note(number: int, frame: FrameType | None) -> None:
        if noted:
            handlers[number](number, frame)
        noted.append(number)

    try:
        number: int
        for number in (signal.SIGINT, signal.SIGTERM):
            former = signal.getsignal(number)
            if callable(former) and not isinstance(former, signal.Handlers):
                signal.signal(number, take_note)
                handlers[number] = former
    except ValueError:  # not the main thread, which alone gets signals
        handlers.clear()
    try:
        yield noted
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
