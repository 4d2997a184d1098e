"""Silence of Dask's log, while a run tells itself what happens."""

from __future__ import annotations

import logging


class QuietLog:
    """What workers, scheduler and client log of deaths is dealt with, and told, by the run; until it closes they are silent."""

    def __init__(self) -> None:
        # Dask gives the client's log a level of its own.
        self._levels = {name: logging.getLogger(name).level for name in ("distributed", "distributed.client")}
        for name in self._levels:
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def close(self) -> None:
        """Let them talk again."""
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
