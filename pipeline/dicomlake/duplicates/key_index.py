"""An index of SOPInstanceUIDs that were seen, small enough for every instance of a run."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO

import numpy as np
import polars as pl

STORED_KEYS = 1 << 20
"""From how many keys on a chunk of the index is kept on disk."""


class KeyIndex:
    """SOPInstanceUIDs and where they stand, 12 bytes each: a 64-bit hash, and the number of a part file.

    It answers where a UID may have been seen; the caller reads those part files to be sure. Up to ``STORED_KEYS`` are held in memory;
    the others wait on disk, in a file without a name, and are read a chunk at a time.
    """

    def __init__(self) -> None:
        self._chunks: list[tuple[np.ndarray, np.ndarray]] = []
        self._stored: list[tuple[int, int]] = []
        self._file: IO[bytes] | None = None

    @staticmethod
    def hashes(uids: pl.Series) -> np.ndarray:
        """64-bit hashes, stable within a process."""
        return uids.hash(seed=0).to_numpy()

    def add(self, hashes: np.ndarray, part_number: int) -> None:
        """Remember UIDs of a part file."""
        self._chunks.append((np.sort(hashes), np.full(len(hashes), part_number, dtype=np.uint32)))
        # Chunks of like size are merged, so that each hash is sorted a few times and chunks stay few.
        while len(self._chunks) > 1 and len(self._chunks[-2][0]) <= 2 * len(self._chunks[-1][0]):
            (former_keys, former_numbers), (last_keys, last_numbers) = self._chunks[-2:]
            keys = np.concatenate([former_keys, last_keys])
            numbers = np.concatenate([former_numbers, last_numbers])
            order = np.argsort(keys, kind="stable")
            self._chunks[-2:] = [(keys[order], numbers[order])]
        if len(self._chunks[0][0]) >= STORED_KEYS:
            self._store(*self._chunks.pop(0))

    def find(self, hashes: np.ndarray) -> tuple[np.ndarray, set[int]]:
        """Which of the hashes are known (a mask), and the numbers of the part files that hold them."""
        known = np.zeros(len(hashes), dtype=bool)
        part_numbers: set[int] = set()
        if not len(hashes):
            return known, part_numbers
        for keys, numbers in self._all_chunks():
            left = np.searchsorted(keys, hashes, side="left")
            right = np.searchsorted(keys, hashes, side="right")
            hit = right > left
            if hit.any():
                known |= hit
                read = numbers()
                for start, stop in zip(left[hit], right[hit], strict=True):
                    part_numbers.update(int(number) for number in read[start:stop])
        return known, part_numbers

    def _store(self, keys: np.ndarray, numbers: np.ndarray) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="dicomlake-")  # noqa: SIM115 - it is open as long as the index is
            weakref.finalize(self, self._file.close)
        self._stored.append((self._file.seek(0, os.SEEK_END), len(keys)))
        self._file.write(keys.astype(np.uint64).tobytes() + numbers.tobytes())

    def _all_chunks(self) -> Iterator[tuple[np.ndarray, Callable[[], np.ndarray]]]:
        for start, length in self._stored:
            yield self._read(start, length, np.uint64), partial(self._read, start + 8 * length, length, np.uint32)
        for keys, numbers in self._chunks:
            yield keys, partial(np.asarray, numbers)

    def _read(self, start: int, length: int, kind: type[np.unsignedinteger]) -> np.ndarray:
        if self._file is None:
            raise RuntimeError("nothing was stored")
        self._file.seek(start)
        return np.frombuffer(self._file.read(length * np.dtype(kind).itemsize), dtype=kind)
