"""A bucket to measure with: an archive's files behind versitygw on the loopback, and a proxy that makes its answers late."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))  # the servers are those of the tests

from tests.buckets.servers import moto_process
from tests.stores.servers import Bucket, versitygw_command, versitygw_server

_DELAY = Path(__file__).parent / "peers" / "delay" / "main.go"


@contextmanager
def served(archive: Path, folder: Path, *, toy: bool = False) -> Iterator[Bucket]:
    """A bucket with the files of an archive, which are linked into ``folder``; a toy run uses moto if versitygw is missing.

    Raises:
        SystemExit: versitygw is not installed.
    """
    command = versitygw_command()
    if command is None and toy:
        with moto_process() as server:
            bucket = server.make_bucket("archive")
            bucket.put_folder(archive)
            yield bucket
        return
    if command is None:
        raise SystemExit("versitygw is not installed: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with versitygw_server(command, folder) as server:
        bucket = server.make_bucket("archive")
        shutil.copytree(archive, folder / "archive", dirs_exist_ok=True, copy_function=os.link)
        yield bucket
    shutil.rmtree(folder)


@contextmanager
def late(bucket: Bucket, milliseconds: int) -> Iterator[Bucket]:
    """The bucket behind a proxy whose answers come so much later; without delay, the bucket itself."""
    if not milliseconds:
        yield bucket
        return
    command = ["go", "run", str(_DELAY), urlsplit(bucket.endpoint).netloc, str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as proxy:
        assert proxy.stdout is not None
        try:
            yield bucket.through(f"http://{proxy.stdout.readline().strip()}")
        finally:
            os.killpg(proxy.pid, 15)  # go run starts the proxy as a process of its own
