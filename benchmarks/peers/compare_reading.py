"""Which files of a folder do other readers read that dicomlake doesn't index? There must be none.

A reader reads a file when it answers a SOPInstanceUID for it, in its most tolerant way: pydicom with ``force``, DCMTK's dcmdump
going on behind errors, GDCM's gdcmdump. Readers that are not installed are left out, and named.

    python benchmarks/peers/compare_reading.py FOLDER [--engine native]

It prints the files that a reader reads and dicomlake doesn't, with dicomlake's reason, then those where the UIDs differ; the exit status
is 1 where there is any of the former.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from pydicom import dcmread
from pydicom.multival import MultiValue

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.schema import LakeSchema

SECONDS_LIMIT = 60


def main() -> int:
    """Compare, print, and answer the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", default="native")
    arguments = parser.parse_args()
    paths = sorted(str(path) for path in arguments.folder.resolve().rglob("*") if path.is_file())
    indexed, reasons = _by_dicomlake(arguments.engine, paths)
    readers: dict[str, Callable[[str], str | None]] = {"pydicom": _by_pydicom}
    for name, command, read in (("DCMTK", "dcmdump", _by_dcmdump), ("GDCM", "gdcmdump", _by_gdcmdump)):
        if shutil.which(command):
            readers[name] = read
        else:
            print(f"left out: {name}, {command} is not installed")
    found = {name: {path: uid for path in paths if (uid := read(path))} for name, read in readers.items()}
    print(f"{len(paths)} files; read by {', '.join(f'{name} {len(uids)}' for name, uids in found.items())}; indexed {len(indexed)}")
    missed = [path for path in paths if path not in indexed and any(path in uids for uids in found.values())]
    for path in missed:
        print(f"not indexed: {_shown(path, arguments.folder)}: {reasons[path]}; {_said(path, found)}")
    for path in paths:
        if path in indexed and any(uids.get(path, indexed[path]) != indexed[path] for uids in found.values()):
            print(f"another UID: {_shown(path, arguments.folder)}: dicomlake {indexed[path]}; {_said(path, found)}")
    print(f"{len(missed)} files are read by another reader and not indexed")
    return 1 if missed else 0


def _by_dicomlake(name: str, paths: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The SOPInstanceUID of each file that was indexed, and why the others were not."""
    files = pa.table(
        {
            "url": pa.array(paths, pa.string()),
            "file_size": pa.nulls(len(paths), pa.int64()),
            "modified": pa.nulls(len(paths), pa.timestamp("us", "UTC")),
            "etag": pa.nulls(len(paths), pa.string()),
        }
    )
    rows = make_engine(name).scan(files, ScanRequest(LakeSchema.build())).files.to_pylist()
    indexed = {row["url"]: row["SOPInstanceUID"] for row in rows if row["status"] == "indexed"}
    return indexed, {row["url"]: f"{row['status']}, {row['code']}, {row['message']}" for row in rows}


def _by_pydicom(path: str) -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            uid = dcmread(path, stop_before_pixels=True, force=True).get("SOPInstanceUID")
        except Exception:  # noqa: BLE001 - whatever it raises, it did not read the file
            return None
    return ("\\".join(uid) if isinstance(uid, MultiValue) else str(uid)) if uid else None


def _by_dcmdump(path: str) -> str | None:
    command = ["dcmdump", "--quiet", "--load-short", "--ignore-errors", "--ignore-parse-errors", "--prepend", "--search", "0008,0018"]
    return _printed([*command, path], r"^\(0008,0018\) \S\S \[([^\]]*)\]")


def _by_gdcmdump(path: str) -> str | None:
    return _printed(["gdcmdump", path], r"^\(0008,0018\) \S\S (?:\(\S\S\) )?\[([^\]]*)\]")


def _printed(command: list[str], pattern: str) -> str | None:
    try:
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=SECONDS_LIMIT)
    except subprocess.TimeoutExpired:
        return None
    found = re.search(pattern, done.stdout.decode("latin-1"), re.MULTILINE)
    return found.group(1).strip("\0 ") or None if found else None


def _shown(path: str, folder: Path) -> str:
    return str(Path(path).relative_to(folder.resolve()))


def _said(path: str, found: dict[str, dict[str, str]]) -> str:
    return ", ".join(f"{name} {uids[path]}" for name, uids in found.items() if path in uids)


if __name__ == "__main__":
    sys.exit(main())
