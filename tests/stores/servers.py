"""Object stores for tests: servers on the loopback, and buckets in them."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import botocore.config

ACCESS_KEY = "AKIAMADEUPFORTESTS00"
SECRET_KEY = "made/up+for+tests/0123456789abcdefghijklmn"
REGION = "us-east-1"


@dataclass(frozen=True)
class Server:
    """An S3 server that listens; ``checks_signatures`` tells whether it refuses wrong keys."""

    endpoint: str
    checks_signatures: bool

    @cached_property
    def client(self) -> Any:
        """A boto3 client for it."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=REGION,
            config=botocore.config.Config(s3={"addressing_style": "path"}),
        )

    def make_bucket(self, name: str) -> Bucket:
        """An empty bucket."""
        self.client.create_bucket(Bucket=name)
        return Bucket(self, name, self.endpoint)


@dataclass(frozen=True)
class Bucket:
    """A bucket; ``endpoint`` is where dicomlake is to reach it, which may be a proxy's."""

    server: Server
    name: str
    endpoint: str

    @property
    def url(self) -> str:
        """Its url."""
        return f"s3://{self.name}"

    @property
    def storage_options(self) -> dict[str, Any]:
        """The options with which s3fs reaches it."""
        return {
            "key": ACCESS_KEY,
            "secret": SECRET_KEY,
            "endpoint_url": self.endpoint,
            "client_kwargs": {"region_name": REGION},
            "skip_instance_cache": True,
        }

    @property
    def environment(self) -> dict[str, str]:
        """The same as environment variables."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def through(self, endpoint: str) -> Bucket:
        """The same bucket, reached by another way."""
        return replace(self, endpoint=endpoint)

    def put(self, key: str, data: bytes) -> str:
        """Write an object, past any proxy; answer its url."""
        self.server.client.put_object(Bucket=self.name, Key=key, Body=data)
        return f"{self.url}/{key}"

    def put_folder(self, folder: Path, below: str = "") -> dict[str, str]:
        """Write every file of a folder under its path there; answer the urls by local path."""
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path): self.put(below + path.relative_to(folder).as_posix(), path.read_bytes()) for path in paths}


@contextmanager
def moto_server() -> Iterator[Server]:
    """A server of moto in a thread of this process: quick to start, slow to answer, believes every signature."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # it tells of every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield Server(f"http://{host}:{port}", checks_signatures=False)
    finally:
        server.stop()


def versitygw_command() -> str | None:
    """Where versitygw is, if it is installed."""
    gopath = os.environ.get("GOPATH", str(Path.home() / "go"))
    return os.environ.get("DICOMLAKE_VERSITYGW") or shutil.which("versitygw") or shutil.which("versitygw", path=f"{gopath}/bin")


@contextmanager
def versitygw_server(command: str, folder: Path) -> Iterator[Server]:
    """A versitygw over a folder, whose folders are buckets: a process of its own that checks signatures and answers fast.

    It keeps connections open, as the stores of clouds do; left to itself it closes each one after its first answer.
    """
    port = free_port()
    environment = os.environ | {"GOGC": "400", "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}
    of_server = ["--port", f"127.0.0.1:{port}", "--region", REGION, "--quiet", "--keep-alive"]
    arguments = [command, *of_server, "posix", "--io-buffer-size", "65536", str(folder)]
    log = folder.with_name(folder.name + ".log")
    with log.open("wb") as output, subprocess.Popen(arguments, env=environment, stdout=output, stderr=output) as process:
        try:
            wait_until_it_listens(port, process)
            yield Server(f"http://127.0.0.1:{port}", checks_signatures=True)
        finally:
            process.terminate()


def free_port() -> int:
    """A port of the loopback on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait for a server that was started; raises where it ended or takes too long."""
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not listen")
