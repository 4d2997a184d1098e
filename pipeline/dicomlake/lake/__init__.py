"""Tables and snapshots: the one room that knows Delta."""

from dicomlake.lake.read.diff import LakeDiff
from dicomlake.lake.read.reader import Lake
from dicomlake.lake.read.unfinished import Unfinished, unfinished_at
from dicomlake.lake.upkeep.optimize import Merged, OptimizeReport, merge_due, optimize
from dicomlake.lake.upkeep.vacuum import VacuumReport, close_expired, vacuum
from dicomlake.lake.upkeep.verify import VerifyReport, verify
from dicomlake.lake.write.lock import Waiting
from dicomlake.lake.write.row_removal import Gone, KeyFinder, Rewritten
from dicomlake.lake.write.snapshot import Reading, Snapshot, known_files, settings_of
from dicomlake.lake.write.table import Table
from dicomlake.lake.write.writer import LakeWriter

__all__ = [
    "Gone",
    "KeyFinder",
    "Lake",
    "LakeDiff",
    "LakeWriter",
    "Merged",
    "OptimizeReport",
    "Reading",
    "Rewritten",
    "Snapshot",
    "Table",
    "Unfinished",
    "VacuumReport",
    "VerifyReport",
    "Waiting",
    "close_expired",
    "known_files",
    "merge_due",
    "optimize",
    "settings_of",
    "unfinished_at",
    "vacuum",
    "verify",
]
