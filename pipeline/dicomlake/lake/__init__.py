"""Tables and snapshots: the one room that knows Delta."""

from dicomlake.lake.diff import LakeDiff
from dicomlake.lake.lock import Waiting
from dicomlake.lake.optimize import Merged, OptimizeReport, optimize
from dicomlake.lake.reader import Lake
from dicomlake.lake.table import Gone, KeyFinder, Rewritten, Table
from dicomlake.lake.vacuum import VacuumReport, vacuum
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
    "known_files",
    "optimize",
    "reading_of",
    "vacuum",
    "verify",
]
