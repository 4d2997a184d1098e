"""Tables and snapshots: the one room that knows Delta."""

from dicomlake.lake.reader import Lake
from dicomlake.lake.table import Rewritten, Table
from dicomlake.lake.verify import VerifyReport, verify
from dicomlake.lake.writer import DATA_TABLES, ROLLED_UP_TABLES, LakeWriter, Snapshot, known_files

__all__ = [
    "DATA_TABLES",
    "ROLLED_UP_TABLES",
    "Lake",
    "LakeWriter",
    "Rewritten",
    "Snapshot",
    "Table",
    "VerifyReport",
    "known_files",
    "verify",
]
