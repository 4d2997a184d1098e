"""Tables and snapshots: the one room that knows Delta."""

from dicomlake.lake.diff import LakeDiff
from dicomlake.lake.lock import Waiting
from dicomlake.lake.optimize import Merged, OptimizeReport, merge_due, optimize
from dicomlake.lake.reader import Lake
from dicomlake.lake.rewriting import Gone, KeyFinder, Rewritten
from dicomlake.lake.table import Table
from dicomlake.lake.vacuum import VacuumReport, close_expired, vacuum
from dicomlake.lake.verify import VerifyReport, verify
from dicomlake.lake.writer import LakeWriter, Snapshot, known_files, reading_of

__all__ = [
    "Gone",
    "KeyFinder",
    "Lake",
    "LakeDiff",
    "LakeWriter",
    "Merged",
    "OptimizeReport",
    "Rewritten",
    "Snapshot",
    "Table",
    "VacuumReport",
    "VerifyReport",
    "Waiting",
    "close_expired",
    "known_files",
    "merge_due",
    "optimize",
    "reading_of",
    "vacuum",
    "verify",
]
