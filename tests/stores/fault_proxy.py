"""A proxy between a client and an object store that counts what passes, and does to it what networks and stores do.

It listens on the loopback alone, in a thread of its own. Heads are passed on byte by byte, so that signatures stay right.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Self
from urllib.parse import unquote, urlsplit

_SLOW_DOWN = (
    b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_HEAD_LIMIT = 1 << 20


class Fault(Enum):
    """The faults of a request."""

    SLOW_DOWN = "503 SlowDown, and the store hears nothing of it"
    RESET = "the connection is reset before the store hears of it"
    HANG = "no answer, and the store hears nothing of it"
    CUT = "half of the body, then the connection is closed"
    SLOW = "half of the body, the other half much later"
    DROPPED = "the store does its work, and the reply is lost"


ALL_FAULTS = tuple(Fault)


@dataclass(frozen=True)
class Exchange:
    """One request that came to the proxy: the path and range asked for, the status and bytes of body that went back, and the fault."""

    method: str
    path: str
    range: str | None
    status: int | None
    body_bytes: int
    fault: Fault | None


@dataclass
class Trouble:
    """The faults to apply to requests.

    ``share`` of those for which ``concerns`` holds (method and path) suffer one of ``faults``; each answer is ``latency_seconds`` late;
    ``pause_seconds`` is how long a hang, or the pause in a slow body, lasts.
    """

    share: float = 0.0
    faults: tuple[Fault, ...] = ALL_FAULTS
    seed: int = 1
    latency_seconds: float = 0.0
    pause_seconds: float = 30.0
    concerns: Callable[[str, str], bool] = lambda _method, _path: True

    def __post_init__(self) -> None:
        """Make the dice."""
        self._random = random.Random(self.seed)

    def next_fault(self, method: str, path: str) -> Fault | None:
        """The fault of the next request."""
        if not self.concerns(method, path) or self._random.random() >= self.share:
            return None
        return self._random.choice(self.faults)


@dataclass
class FaultProxy:
    """The proxy of one store; a context manager. ``trouble`` may be changed at any time; ``exchanges`` grows with every request."""

    upstream: str
    trouble: Trouble = field(default_factory=Trouble)
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self._port}"

    def gets(self, below: str = "") -> list[Exchange]:
        """The GET requests of objects whose path (bucket, slash, key) begins so, in the order of their answers."""
        return [one for one in self.exchanges if one.method == "GET" and one.path.startswith("/" + below)]

    def __enter__(self) -> Self:
        """Listen."""
        url = urlsplit(self.upstream)
        self._address = (url.hostname, url.port)
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="fault-proxy", daemon=True)
        self._thread.start()
        started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """End every connection."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))
        self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        self._port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        store: _Upstream | None = None
        try:
            while (request := await _message(reader)) is not None:
                if store is None or store.closed:
                    store = await _Upstream.connect(*self._address)
                if not await self._exchange(request, store, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            for stream in (writer, *([store.writer] if store else [])):
                stream.close()

    async def _exchange(self, request: _Message, store: _Upstream, writer: asyncio.StreamWriter) -> bool:
        """Pass one request on, and its answer back; whether the connection can go on."""
        method, target, _ = request.first_line.split(" ", 2)
        path = unquote(target.partition("?")[0])
        trouble = self.trouble
        fault = trouble.next_fault(method, path)

        def note(status: int | None, body_bytes: int) -> None:
            self.exchanges.append(Exchange(method, path, request.headers.get("range"), status, body_bytes, fault))

        if trouble.latency_seconds:
            await asyncio.sleep(trouble.latency_seconds)
        if fault is Fault.HANG:
            note(None, 0)
            await asyncio.sleep(trouble.pause_seconds)
            return False
        if fault is Fault.RESET:
            note(None, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            return False
        if fault is Fault.SLOW_DOWN:
            note(503, 0)
            head = f"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {len(_SLOW_DOWN)}\r\n\r\n"
            writer.write(head.encode() + (b"" if method == "HEAD" else _SLOW_DOWN))
            await writer.drain()
            return True
        answer = await store.ask(request, method)
        if fault is Fault.DROPPED:
            note(None, 0)
            return False
        body = answer.body
        status = int(answer.first_line.split(" ")[1])
        half = len(body) // 2
        if fault is Fault.CUT:
            body = body[:half]
        note(status, len(body))
        writer.write(answer.head)
        if fault is Fault.SLOW:
            writer.write(body[:half])
            await writer.drain()
            await asyncio.sleep(trouble.pause_seconds)
            body = body[half:]
        writer.write(body)
        await writer.drain()
        return fault is not Fault.CUT and answer.headers.get("connection", "").lower() != "close"


@dataclass(frozen=True)
class _Message:
    head: bytes
    first_line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class _Upstream:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    closed: bool = False

    @classmethod
    async def connect(cls, host: str | None, port: int | None) -> _Upstream:
        return cls(*await asyncio.open_connection(host, port, limit=_HEAD_LIMIT))

    async def ask(self, request: _Message, method: str) -> _Message:
        self.writer.write(request.head + request.body)
        with suppress(ConnectionError):
            await self.writer.drain()
        while True:
            answer = await _message(self.reader, has_body=method != "HEAD", until_closed=True)
            if answer is None:
                raise ConnectionResetError
            if answer.first_line.split(" ")[1] != "100":
                break
        self.closed = answer.headers.get("connection", "").lower() == "close" or answer.first_line.startswith("HTTP/1.0")
        return answer


async def _message(reader: asyncio.StreamReader, *, has_body: bool = True, until_closed: bool = False) -> _Message | None:
    """A request or an answer with its body as it was sent; none where the connection ended."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first_line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = b""
    bodiless = first_line.startswith("HTTP/") and first_line.split(" ")[1] in ("100", "204", "304")
    if has_body and not bodiless:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = b"".join([chunk async for chunk in _chunks(reader)])
        elif "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        elif until_closed:
            body = await reader.read()
    return _Message(head, first_line, headers, body)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readuntil(b"\r\n")
        yield line
        size = int(line.split(b";")[0], 16)
        yield await reader.readexactly(size + 2)
        if size == 0:
            return
