"""A part file: its path below the table's folder, its size, and what its rows span."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

Bound = str | int | None


@dataclass(frozen=True, slots=True)
class PartFile:
    """A part file of a table.

    ``path`` is relative to the table's folder. ``partition`` is the value of the partition column (None for null, and for tables without
    partitions). ``lowest``, ``highest`` and ``null_count`` are the statistics of the key columns; a column of nulls only has no bounds.
    """

    table: str
    path: str
    size: int
    rows: int
    partition: str | None = None
    lowest: dict[str, Bound] = field(default_factory=dict)
    highest: dict[str, Bound] = field(default_factory=dict)
    null_count: dict[str, int] = field(default_factory=dict)
    modification_time: int = field(default_factory=lambda: int(time.time() * 1000))

    def statistics(self) -> str:
        """The statistics as Delta's JSON (Delta protocol, "Per-file Statistics")."""
        statistics: dict[str, Any] = {
            "numRecords": self.rows,
            "minValues": {name: value for name, value in self.lowest.items() if value is not None},
            "maxValues": {name: value for name, value in self.highest.items() if value is not None},
            "nullCount": self.null_count,
        }
        return json.dumps(statistics, ensure_ascii=False)
