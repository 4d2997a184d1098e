"""A scheduler and workers as processes of their own on the loopback, as people start them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from distributed import Client

from dicomlake.config import RunningSettings
from dicomlake.runner.dask import DaskOptions, DaskRunner
from dicomlake.runner.local_cluster import local_runner

ROOT = Path(__file__).resolve().parents[2]
STARTING_SECONDS = 180


def thread_runner(threads: int) -> DaskRunner:
    """A Dask cluster with threads in this process, and room for two tasks a thread."""
    running = RunningSettings(workers=threads, units_in_flight_per_worker=2, dashboard_address=None)
    return local_runner(running, DaskOptions(), in_threads=True)


@dataclass
class Processes:
    """A cluster of processes: what it was told to start, and how to end it."""

    folder: Path
    scheduler: subprocess.Popen[bytes]
    address: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_workers(self, count: int, *, path_before: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        """Start workers of one thread, without nannies; ``path_before`` goes before everything else that they import from."""
        variables = {**os.environ, **(environment or {}), "PYTHONPATH": _python_path(path_before), "POLARS_MAX_THREADS": "1"}
        arguments = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(self.folder)]
        command = [sys.executable, "-m", "distributed.cli.dask_worker", self.address, *arguments]
        self.workers += [_start(command, variables, self.folder) for _ in range(count)]

    def wait_for(self, client: Client, count: int) -> None:
        """Wait until so many workers are there."""
        client.wait_for_workers(count, timeout=STARTING_SECONDS)

    def close(self) -> None:
        """End every process, at once."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@contextmanager
def processes() -> Iterator[Processes]:
    """A scheduler without workers."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        file = folder / "scheduler.json"
        arguments = ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file)]
        variables = {**os.environ, "PYTHONPATH": _python_path(None)}
        scheduler = _start([sys.executable, "-m", "distributed.cli.dask_scheduler", *arguments], variables, folder)
        cluster = Processes(folder, scheduler, "")
        try:
            cluster.address = _address_in(file, scheduler)
            yield cluster
        finally:
            cluster.close()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another process or thread brings about."""
    until = time.monotonic() + STARTING_SECONDS
    while not condition():
        assert time.monotonic() < until, "the condition did not come true"
        time.sleep(0.02)


def _address_in(file: Path, scheduler: subprocess.Popen[bytes]) -> str:
    import json

    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until and scheduler.poll() is None:
        if file.exists() and (text := file.read_text("utf-8")).endswith("}"):
            return str(json.loads(text)["address"])
        time.sleep(0.02)
    raise AssertionError("the scheduler did not start")


def _start(command: list[str], variables: Mapping[str, str], folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=variables, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _python_path(before: Path | None) -> str:
    return os.pathsep.join(path for path in (str(before or ""), os.environ.get("PYTHONPATH", ""), str(ROOT)) if path)
