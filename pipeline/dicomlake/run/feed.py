"""Listing ahead of reading: a thread lists, compares and cuts units, and keeps on disk those that no worker has room for yet.

So the first unit starts while the listing still runs, the total is known early, and no archive is ever held in memory.
"""

from __future__ import annotations

import contextlib
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

import pyarrow as pa
from pyarrow import ipc

UNITS_IN_MEMORY = 4
CLOSE_SECONDS = 5

LOOK_SECONDS = 0.25
"""How long the wait for a unit goes on before it is looked whether it is over."""


CutUnits = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.Table]]


class _Stopped(Exception):
    pass


class UnitFeed:
    """Lists and cuts units in a thread of its own, and hands them out in their order; `start` makes one.

    Args:
        listing: the batches of the listing; between two of them the thread looks whether it is to stop.
        units: cuts a listing into units.
        is_over: whether no further unit is to be handed out; the listing's end is not waited for then.
        folder: where units wait.
    """

    def __init__(
        self,
        listing: Iterator[pa.RecordBatch],
        units: CutUnits,
        is_over: Callable[[], bool] | None,
        folder: tempfile.TemporaryDirectory[str],
    ) -> None:
        self._is_over = is_over
        self._units = units(self._until_stopped(listing))
        self._queue: queue.SimpleQueue[pa.Table | str | None] = queue.SimpleQueue()
        self._folder = folder
        self._stop = threading.Event()
        self._exhausted = False
        self._error: BaseException | None = None
        self.cpu_seconds = 0.0
        self._thread = threading.Thread(target=self._fill, name="dicomlake-listing", daemon=True)

    @classmethod
    def start(cls, listing: Iterator[pa.RecordBatch], units: CutUnits, is_over: Callable[[], bool] | None = None) -> Self:
        """Begin to list."""
        feed = cls(listing, units, is_over, tempfile.TemporaryDirectory(prefix="dicomlake-"))
        feed._thread.start()
        return feed

    @property
    def complete(self) -> bool:
        """Whether the listing has ended, and well: every file that is there was seen."""
        return self._exhausted and not self._stop.is_set()

    def __iter__(self) -> Iterator[pa.Table]:
        """The units, until it is over; an exception of the listing is raised here."""
        while (entry := self._next_entry()) is not None:
            if isinstance(entry, str):
                with pa.memory_map(entry) as file:
                    unit = ipc.open_file(file).read_all()
                yield pa.table(unit).combine_chunks()
                os.unlink(entry)
            else:
                yield entry
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End the thread and remove what was kept on disk; a listing that hangs is not waited for."""
        self._stop.set()
        self._thread.join(timeout=CLOSE_SECONDS)
        self._folder.cleanup()

    def _next_entry(self) -> pa.Table | str | None:
        if self._is_over is None:
            return self._queue.get()
        while not self._is_over():
            with contextlib.suppress(queue.Empty):
                return self._queue.get(timeout=LOOK_SECONDS)
        return None

    def _until_stopped(self, listing: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in listing:
            if self._stop.is_set():
                raise _Stopped
            yield batch

    def _fill(self) -> None:
        try:
            for number, unit in enumerate(self._units):
                if self._queue.qsize() < UNITS_IN_MEMORY:
                    self._queue.put(unit)
                else:
                    self._queue.put(self._keep(number, unit))
            self._exhausted = True
        except _Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised again where the units are taken
            self._error = error
        finally:
            self.cpu_seconds = time.thread_time()
            self._queue.put(None)

    def _keep(self, number: int, unit: pa.Table) -> str:
        path = os.path.join(self._folder.name, f"unit-{number}.arrow")
        with pa.OSFile(path, "wb") as file, ipc.new_file(file, unit.schema) as writer:
            writer.write_table(unit)
        return path
