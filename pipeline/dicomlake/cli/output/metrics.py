r"""``--metrics``: the figures of a run as a file that Prometheus' node_exporter collects (its textfile collector).

The file has the text exposition format, version 0.0.4: a line ``# HELP``, a line ``# TYPE``, then ``name{label="value"} number``. It has no
times, which the collector refuses. ``\`` and newline are escaped in help, and ``"`` in the value of a label. Names end in their unit.

The library `prometheus_client` would be one more package in every installation, for the dozen lines of `_text`. It also leaves the mode of
the file to the umask, so that the collector often can't read the file of a job of root.
"""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dicomlake.cli.exit_status import exit_status_of
from dicomlake.errors import AccessDenied, UsageError
from dicomlake.parts import Location
from dicomlake.printable import printable
from dicomlake.urls import without_credentials

if TYPE_CHECKING:
    from dicomlake.run import Progress, Summary

_KINDS = ("listed", "new", "changed", "unchanged", "missing", "indexed", "failed", "not_dicom", "skipped", "duplicate", "left")
_READABLE_BY_ALL = 0o644

Samples = list[tuple[Mapping[str, str], float]]


@dataclass
class Measurement:
    """The result of a run; ``summary`` is None if the run did not finish."""

    summary: Summary | None = None


@contextmanager
def measured(path: str | None, lake: str, progress: Progress) -> Iterator[Measurement]:
    """Write the figures of the run in the block when it ends, also with an error. Without a path nothing is written.

    If the run fails and the file can't be written either, the run's own error is raised.

    Raises:
        UsageError: the path can't be a file.
        AccessDenied: the run finished, and the file can't be written.
    """
    measurement = Measurement()
    if path is None:
        yield measurement
        return
    target = Path(path).absolute()
    _check_target(target)
    label = without_credentials(Location.of(lake).url)
    started = time.time()

    def write(status: int) -> None:
        _replace(target, metrics_text(label, started, time.time(), status, progress, measurement.summary))

    try:
        yield measurement
    except BaseException as error:
        with contextlib.suppress(AccessDenied):
            write(exit_status_of(error))
        raise
    write(0)


def metrics_text(lake: str, started: float, finished: float, status: int, progress: Progress, summary: Summary | None) -> str:
    """The file of one run.

    Args:
        lake: folder or url of the lake, the label ``lake`` of every figure.
        started: in seconds since 1970, UTC.
        finished: in seconds since 1970, UTC.
        status: exit status of the command.
        progress: the figures of the run, finished or not.
        summary: its result, if it finished.
    """
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    families: list[tuple[str, str, Samples]] = [
        ("start_time_seconds", "When the last run started, in seconds since 1970.", _one(started)),
        ("finish_time_seconds", "When the last run ended, in seconds since 1970.", _one(finished)),
        ("duration_seconds", "How long the last run took.", _one(finished - started)),
        ("success", "1 if the last run ended with exit status 0, else 0.", _one(int(status == 0))),
        (
            "exit_status",
            "Exit status of the last run: 0, 1 refused or broken off, 2 usage, 3 --fail-on, 130 interrupted.",
            _one(status),
        ),
        ("snapshot", "Number of the snapshot that the last run wrote.", _one(summary.snapshot) if summary else []),
        ("listing_ended", "1 if the last run listed its sources to their end, else 0.", _one(int(bool(summary and summary.listing_ended)))),
        ("files", "Files of the last run, by comparison and status.", _files(progress, summary)),
        ("files_with_code", "Files that the last run read, by their code.", _by("code", progress.codes)),
        ("findings", "Findings that the last run wrote, by code.", _by("code", progress.findings)),
        ("read_bytes", "Bytes of files that the last run read.", _one(progress.bytes_read)),
        ("requests", "Reads or requests that the last run needed for them.", _one(progress.requests)),
        (
            "stage_seconds",
            "Time that the last run spent in each stage; stages within others count in both.",
            _by("stage", progress.stage_seconds),
        ),
        ("peak_resident_memory_bytes", "Largest resident memory of the driver of the last run, without workers.", _one(peak_bytes)),
    ]
    return "".join(_text(f"dicomlake_run_{name}", told, samples, lake) for name, told, samples in families if samples)


def _one(value: float) -> Samples:
    return [({}, value)]


def _by(label: str, values: Mapping[str, float]) -> Samples:
    return [({label: name}, value) for name, value in sorted(values.items())]


def _files(progress: Progress, summary: Summary | None) -> Samples:
    if summary is None:
        return [({"kind": "listed"}, progress.files_listed), ({"kind": "read"}, progress.files_read)]
    counted: Samples = [({"kind": kind}, getattr(summary, f"files_{kind}")) for kind in _KINDS]
    return [*counted, ({"kind": "read"}, progress.files_read)]


def _text(name: str, told: str, samples: Samples, lake: str) -> str:
    lines = [f"# HELP {name} {told}", f"# TYPE {name} gauge"]
    for labels, value in samples:
        pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in {"lake": lake, **labels}.items())
        lines.append(f"{name}{{{pairs}}} {value!r}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _check_target(path: Path) -> None:
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(f"--metrics {path}: {path.parent} is not a folder that can be written; name a file in the collector's folder")
    if path.exists() and not path.is_file():
        raise UsageError(f"--metrics {path} is not a plain file; name a file in the collector's folder")


def _replace(path: Path, text: str) -> None:
    """Write beside the file, then rename: the collector never reads half of it, nor what does not end in ``.prom``."""
    temporary = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is open already
            file.write(text)
            os.fchmod(descriptor, _READABLE_BY_ALL)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise AccessDenied(f"metrics {path} can't be written: {error.strerror or error}; check permissions and room on the disk") from None
