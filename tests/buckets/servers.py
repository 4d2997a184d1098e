"""Servers of these tests' own: one in a process of its own, and one that takes conditions and does not heed them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from tests.stores.fault_proxy import Fault, FaultProxy, Trouble, _Message, _Upstream
from tests.stores.servers import Server, free_port, wait_until_it_listens


@contextmanager
def moto_process() -> Iterator[Server]:
    """A server of moto in a process of its own: deltalake holds Python's lock while it asks, so that one in this process can't answer."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until_it_listens(port, process)
            yield Server(f"http://127.0.0.1:{port}", checks_signatures=False)
        finally:
            process.terminate()


class _Continuing:
    """A reader that tells a client to go on which asks for that before it sends a body, as botocore's do."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def readuntil(self, separator: bytes) -> bytes:
        found = await self._reader.readuntil(separator)
        if b"expect: 100-continue" in found.lower():
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


class WritableProxy(FaultProxy):
    """A fault proxy that clients can write through."""

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await super()._connection(cast("asyncio.StreamReader", _Continuing(reader, writer)), writer)


class HeedlessProxy(WritableProxy):
    """A store that takes ``If-None-Match`` and does not look at it, as some do."""

    async def _exchange(self, request: _Message, store: _Upstream, writer: asyncio.StreamWriter) -> bool:
        lines = [line for line in request.head.split(b"\r\n") if not line.lower().startswith(b"if-none-match:")]
        return await super()._exchange(replace(request, head=b"\r\n".join(lines)), store, writer)


@contextmanager
def troubled(
    upstream: str, faults: Sequence[Fault], *, share: float, puts_only: bool, logs_only: bool = True, pause_seconds: float = 30.0
) -> Iterator[Troubled]:
    """A fault proxy in a process of its own, which troubles what concerns the logs of tables, or everything."""
    names = [fault.name for fault in faults]
    choices = {"share": share, "puts_only": puts_only, "logs_only": logs_only, "pause_seconds": pause_seconds}
    arguments = json.dumps({"upstream": upstream, "faults": names, **choices})
    command = [sys.executable, "-m", "tests.buckets.servers", arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Troubled(process.stdout.readline().strip(), process)
        finally:
            process.kill()


@dataclass
class Troubled:
    """The proxy: where it is, and what it did."""

    endpoint: str
    process: subprocess.Popen[str]

    def faults(self) -> Counter[str]:
        """End it, and count the faults."""
        return Counter(json.loads(self.process.communicate()[0]))


def _serve(upstream: str, faults: list[str], share: float, *, puts_only: bool, logs_only: bool, pause_seconds: float) -> None:
    def concerns(method: str, path: str) -> bool:
        return ("_delta_log" in path or not logs_only) and (method == "PUT" or not puts_only)

    trouble = Trouble(share, tuple(Fault[name] for name in faults), seed=3, pause_seconds=pause_seconds, concerns=concerns)
    with WritableProxy(upstream, trouble) as proxy:
        sys.stdout.write(proxy.endpoint + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        sys.stdout.write(json.dumps(Counter(exchange.fault.name for exchange in proxy.exchanges if exchange.fault)))


if __name__ == "__main__":
    _serve(**json.loads(sys.argv[1]))
