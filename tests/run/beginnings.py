"""Nights that several tests begin with are played once: the archive and the lake are put back where they were, at the same place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from dicomlake.parts import Location
from tests.run.conftest import Nights


class Beginnings:
    """Archives and lakes after some nights, kept in a folder of a test module."""

    def __init__(self, folder: Path) -> None:
        self._place = folder / "now"
        self._kept = folder / "kept"
        self._clocks: dict[str, int] = {}

    def move(self, nights: Nights) -> None:
        """Let an archive and its lake, both empty yet, stand where those stood that were kept: urls are paths."""
        shutil.rmtree(self._place, ignore_errors=True)
        nights.archive.folder = self._place / "archive"
        nights.archive.folder.mkdir(parents=True)
        nights.location = Location.of(self._place / "lake")

    def play(self, nights: Nights, days: tuple[int, ...], play: Callable[[int], None]) -> None:
        """Play the first nights of a test, each one that no test before it began with too."""
        for count in range(1, len(days) + 1):
            name = "-".join(map(str, days[:count]))
            if name in self._clocks:
                continue
            if count > 1:
                self._restore(nights, "-".join(map(str, days[: count - 1])))
            play(days[count - 1])
            shutil.copytree(self._place, self._kept / name)
            self._clocks[name] = nights.archive.clock
        self._restore(nights, "-".join(map(str, days)))

    def _restore(self, nights: Nights, name: str) -> None:
        shutil.rmtree(self._place)
        shutil.copytree(self._kept / name, self._place)
        nights.archive.clock = self._clocks[name]
