"""Tables and snapshots: the one room that knows Delta."""

from dicomlake.lake.reader import Lake
from dicomlake.lake.table import Gone, KeyFinder, Rewritten, Table
from dicomlake.lake.verify import VerifyReport, verify
from dicomlake.lake.writer import LakeWriter, Snapshot, known_files, reading_of

__all__ = [
    "Gone",
    "KeyFinder",
    "Lake",
    "LakeWriter",
    "Rewritten",
    "Snapshot",
    "Table",
    "VerifyReport",
    "known_files",
    "reading_of",
    "verify",
]
