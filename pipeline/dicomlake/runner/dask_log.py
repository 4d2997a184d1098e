"""The log of Dask, silent while a run reports by itself what happens."""

from __future__ import annotations

import logging


class SilentDaskLog:
    """Silences the log of workers, scheduler and client until it is closed: the run itself handles and tells what they report."""

    def __init__(self) -> None:
        # Dask gives the client's log a level of its own.
        self._levels = {name: logging.getLogger(name).level for name in ("distributed", "distributed.client")}
        for name in self._levels:
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def close(self) -> None:
        """Restore the former levels."""
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
