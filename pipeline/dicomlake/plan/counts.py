"""The figures of a plan, and what vanished."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class PlanCounts:
    """What a listing held against the ledger came to, so far."""

    files_listed: int = 0
    files_new: int = 0
    files_changed: int = 0
    files_unchanged: int = 0
    files_missing: int = 0
    files_to_read: int = 0
    known_of_source: dict[str, int] = field(default_factory=dict)
    missing_of_source: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedSource:
    """A source of this run: its name in `files`, and whether what it doesn't list has vanished."""

    name: str
    whole: bool
