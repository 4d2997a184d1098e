"""Silence of Dask's log, while a run tells itself what happens."""

from __future__ import annotations

import logging


class QuietLog:
    """What workers, scheduler and client log of deaths is dealt with, and told, by the run; until it closes they are silent."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("distributed")
        self._level = self._logger.level
        self._logger.setLevel(logging.CRITICAL)

    def close(self) -> None:
        """Let them talk again."""
        self._logger.setLevel(self._level)
