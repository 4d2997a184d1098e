"""The common parts of the benchmarks: their corpus, the floor of the machine, and the dated record that each leaves.

A record describes the machine, but has no host name and no paths.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parent / "records"
FLOOR_READ_BYTES = 16_384


def arguments_parser(description: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="the folder for corpora and lakes (default: a temporary one)")
    parser.add_argument("--no-record", action="store_true", help="print the figures only")
    parser.add_argument("--toy", action="store_true", help="small sizes: answers are checked, targets are not, and no record is left")
    return parser


def parsed(parser: argparse.ArgumentParser, **toy: Any) -> argparse.Namespace:  # noqa: ANN401 - sizes of any kind
    """The arguments given; with ``--toy`` the sizes of a toy run."""
    arguments = parser.parse_args()
    if arguments.toy:
        vars(arguments).update(toy, no_record=True)
    return arguments


def finish(record: dict[str, Any], arguments: argparse.Namespace, *, passed: bool) -> int:
    """Leave the record, and answer the exit status: 1 where a target was missed, which a toy run can't judge."""
    if not arguments.no_record:
        leave(record)
    return 0 if passed or arguments.toy else 1


@contextmanager
def working_folder(folder: Path | None) -> Iterator[Path]:
    """The given folder, which is kept, or a temporary one."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="dicomlake-benchmark-") as temporary:
        yield Path(temporary)


def corpus(folder: Path, files: int) -> Path:
    """An archive of so many synthetic files, written if it does not exist."""
    sys.path.insert(0, str(Path(__file__).parents[1]))  # the corpus is that of the tests
    from tests.corpus import write_corpus

    archive = folder / f"archive-{files}"
    if not archive.exists():
        write_corpus(archive, files)
    return archive


def paths_below(archive: Path) -> list[str]:
    """The paths of all files of an archive, sorted."""
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(archive) for name in names)


def floor_seconds(paths: list[str]) -> float:
    """The time to open each of these files, read 16 KiB and close it, from Python."""
    started = time.perf_counter()
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.pread(descriptor, FLOOR_READ_BYTES, 0)
        os.close(descriptor)
    return time.perf_counter() - started


def floor_microseconds(archive: Path) -> float:
    """The floor for each file; all of them are warm afterwards."""
    paths = paths_below(archive)
    floor_seconds(paths)
    return floor_seconds(paths) / len(paths) * 1e6


def record_head(benchmark: str, command: str, packages: tuple[str, ...]) -> dict[str, Any]:
    """The beginning of a record: benchmark, time, command, machine and versions."""
    return {
        "benchmark": benchmark,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.platform(terse=True)},
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in packages}, "rustc": _rust_version()},
    }


def leave(record: dict[str, Any]) -> None:
    """Write a record, named for its benchmark and the minute."""
    path = RECORDS / f"{record['benchmark'].replace(' ', '-')}-{datetime.now(UTC):%Y-%m-%d-%H%M}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"record: {path.relative_to(RECORDS.parent.parent)}")


def print_targets(targets: list[dict[str, Any]]) -> None:
    """Print a line for each target: its result, figure, name and limit."""
    for target in targets:
        limit = f"at most {target['at_most']:g}" if "at_most" in target else f"at least {target['at_least']:g}"
        print(f"{'passed' if target['passed'] else 'MISSED':<8}{target['figure']:>10,.2f} {target['what']} ({limit})")


def peak_mebibytes() -> float:
    """The peak memory of this process; ``ru_maxrss`` would include that of the process that started it."""
    (peak,) = (int(line.split()[1]) / 1024 for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return peak


def child_run(command: list[str]) -> tuple[dict[str, Any], float, float]:
    """Run a process of a benchmark: answers its JSON, its wall seconds, and the CPU seconds of it and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(done.stdout), wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _rust_version() -> str:
    try:
        return subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]  # noqa: S607
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "not installed"
