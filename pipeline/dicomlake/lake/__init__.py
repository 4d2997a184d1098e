"""Tables and snapshots: the one room that knows Delta.

A module is imported when one of its names is used, so that a query imports no writer.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dicomlake.lake.read.diff import LakeDiff
    from dicomlake.lake.read.reader import Lake
    from dicomlake.lake.read.snapshot_view import SnapshotView
    from dicomlake.lake.read.unfinished import Unfinished, unfinished_at
    from dicomlake.lake.upkeep.optimize import Merged, OptimizeReport, merge_due, optimize
    from dicomlake.lake.upkeep.vacuum import VacuumReport, close_expired, vacuum
    from dicomlake.lake.upkeep.verify import VerifyReport, verify
    from dicomlake.lake.write.lock import Waiting
    from dicomlake.lake.write.removed_keys import RemovedKeys
    from dicomlake.lake.write.row_removal import Gone, KeyFinder, Rewritten
    from dicomlake.lake.write.snapshot import Reading, Snapshot, known_files, settings_of
    from dicomlake.lake.write.table import Table
    from dicomlake.lake.write.value_change import Changes, change_values
    from dicomlake.lake.write.writer import LakeWriter

__all__ = [
    "Changes",
    "Gone",
    "KeyFinder",
    "Lake",
    "LakeDiff",
    "LakeWriter",
    "Merged",
    "OptimizeReport",
    "Reading",
    "RemovedKeys",
    "Rewritten",
    "Snapshot",
    "SnapshotView",
    "Table",
    "Unfinished",
    "VacuumReport",
    "VerifyReport",
    "Waiting",
    "change_values",
    "close_expired",
    "known_files",
    "merge_due",
    "optimize",
    "settings_of",
    "unfinished_at",
    "vacuum",
    "verify",
]

_HOMES = {
    "LakeDiff": "dicomlake.lake.read.diff",
    "Lake": "dicomlake.lake.read.reader",
    "SnapshotView": "dicomlake.lake.read.snapshot_view",
    "Unfinished": "dicomlake.lake.read.unfinished",
    "unfinished_at": "dicomlake.lake.read.unfinished",
    "Merged": "dicomlake.lake.upkeep.optimize",
    "OptimizeReport": "dicomlake.lake.upkeep.optimize",
    "merge_due": "dicomlake.lake.upkeep.optimize",
    "optimize": "dicomlake.lake.upkeep.optimize",
    "VacuumReport": "dicomlake.lake.upkeep.vacuum",
    "close_expired": "dicomlake.lake.upkeep.vacuum",
    "vacuum": "dicomlake.lake.upkeep.vacuum",
    "VerifyReport": "dicomlake.lake.upkeep.verify",
    "verify": "dicomlake.lake.upkeep.verify",
    "Waiting": "dicomlake.lake.write.lock",
    "RemovedKeys": "dicomlake.lake.write.removed_keys",
    "Gone": "dicomlake.lake.write.row_removal",
    "KeyFinder": "dicomlake.lake.write.row_removal",
    "Rewritten": "dicomlake.lake.write.row_removal",
    "Reading": "dicomlake.lake.write.snapshot",
    "Snapshot": "dicomlake.lake.write.snapshot",
    "known_files": "dicomlake.lake.write.snapshot",
    "settings_of": "dicomlake.lake.write.snapshot",
    "Table": "dicomlake.lake.write.table",
    "Changes": "dicomlake.lake.write.value_change",
    "change_values": "dicomlake.lake.write.value_change",
    "LakeWriter": "dicomlake.lake.write.writer",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - classes and functions
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
