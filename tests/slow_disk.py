"""A folder behind a file system that makes each request wait, as a loaded network file system does.

The file system is `latencyfs.c` of the folder `shared/tools` beside the clone. It needs FUSE, its headers, a C compiler, and the right to
mount.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "shared" / "tools" / "latencyfs.c"

_START_SECONDS = 10.0


class NoSlowDiskError(Exception):
    """It can't be mounted here: the reason."""


@contextmanager
def slow_disk(folder: Path, milliseconds: float, *, attributes: bool = True) -> Iterator[Path]:
    """The folder where each request takes so much longer.

    Args:
        folder: the files.
        milliseconds: what a request takes.
        attributes: whether a list of names brings the attributes of the files, as most servers do.

    Raises:
        NoSlowDiskError: it can't be mounted here.
    """
    program = _program()
    mounted = Path(tempfile.mkdtemp(prefix="dicomlake-slow-"))
    environment = {
        **os.environ,
        "LATENCY_US": str(round(milliseconds * 1000)),
        "PLUS": str(int(attributes)),
        "ATTR_S": "5" if attributes else "0",
    }
    with subprocess.Popen([program, folder, mounted], env=environment, stderr=subprocess.PIPE) as process:
        try:
            _wait_for(process, mounted)
            yield mounted
        finally:
            subprocess.run(["fusermount3", "-u", "-z", mounted], check=False, capture_output=True)
            process.terminate()
    os.rmdir(mounted)


@cache
def _program() -> str:
    if not SOURCE.is_file():
        raise NoSlowDiskError(f"{SOURCE.name} is not beside the clone, in shared/tools")
    if not os.path.exists("/dev/fuse") or shutil.which("fusermount3") is None:
        raise NoSlowDiskError("there is no FUSE here")
    compiler, pkg_config = shutil.which("cc"), shutil.which("pkg-config")
    if compiler is None or pkg_config is None:
        raise NoSlowDiskError("there is no C compiler, or no pkg-config")
    flags = subprocess.run([pkg_config, "fuse3", "--cflags", "--libs"], capture_output=True, text=True, check=False)
    if flags.returncode:
        raise NoSlowDiskError("the headers of FUSE 3 are not installed")
    program = Path(tempfile.gettempdir()) / f"dicomlake-latencyfs-{os.getuid()}-{os.getpid()}"
    command = [compiler, "-O2", "-o", program, SOURCE, *flags.stdout.split()]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    if compiled.returncode:
        raise NoSlowDiskError(f"{SOURCE.name} does not compile: {compiled.stderr.strip().splitlines()[-1:]}")
    return str(program)


def _wait_for(process: subprocess.Popen[bytes], mounted: Path) -> None:
    began = time.monotonic()
    while not os.path.ismount(mounted):
        if process.poll() is not None or time.monotonic() - began > _START_SECONDS:
            process.terminate()
            said = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
            raise NoSlowDiskError(f"it can't be mounted: {said or 'no answer'}")
        os.sched_yield()
