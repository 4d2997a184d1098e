"""A proxy before fake-gcs-server that adds what it lacks of Google's XML API: `python -m tests.clouds.google_xml UPSTREAM`.

Google Cloud Storage has two APIs. The client that dicomlake, deltalake and polars use speaks the XML API. fake-gcs-server reads and lists
by it, and does not heed ``start-after``. It writes by the JSON API only. The proxy leaves keys up to ``start-after`` out of listings. It
makes of each ``PUT`` of an object the upload of the JSON API, and of the header ``x-goog-if-generation-match`` its parameter
``ifGenerationMatch``. The server alone decides if the condition holds.

It is a process of its own, since deltalake holds Python's lock while it asks. Its address is the first line on stdout. It ends with stdin.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.buckets.servers import WritableProxy
from tests.stores.fault_proxy import _Message, _Upstream

_ENTRY = re.compile(r"<Contents><Key>(.*?)</Key>.*?</Contents>", re.DOTALL)
_CONDITION = "x-goog-if-generation-match"


class GoogleXmlProxy(WritableProxy):
    """A fault proxy that also translates writes."""

    async def _exchange(self, request: _Message, store: _Upstream, writer: asyncio.StreamWriter) -> bool:
        return await super()._exchange(request, cast("_Upstream", _Translating(store)), writer)


@dataclass
class _Translating:
    store: _Upstream

    async def ask(self, request: _Message, method: str) -> _Message:
        address = urlsplit(request.first_line.split(" ")[1])
        after = parse_qs(address.query).get("start-after")
        if method == "GET" and after:
            return _after(after[0], await self.store.ask(request, method))
        if method != "PUT":
            return await self.store.ask(request, method)
        bucket, _, key = unquote(address.path).lstrip("/").partition("/")
        target = f"/upload/storage/v1/b/{quote(bucket)}/o?uploadType=media&name={quote(key, safe='')}"
        if _CONDITION in request.headers:
            target += f"&ifGenerationMatch={request.headers[_CONDITION]}"
        first_line = f"POST {target} HTTP/1.1"
        head = first_line.encode() + b"\r\n" + request.head.partition(b"\r\n")[2]
        answer = await self.store.ask(replace(request, head=head, first_line=first_line), "POST")
        if answer.first_line.split(" ")[1] != "200":
            return answer
        written = json.loads(_unchunked(answer))
        marks = f'HTTP/1.1 200 OK\r\nETag: "{written["etag"]}"\r\nx-goog-generation: {written["generation"]}\r\nContent-Length: 0\r\n\r\n'
        return _Message(marks.encode(), "HTTP/1.1 200 OK", {}, b"")


def _after(key: str, answer: _Message) -> _Message:
    """A listing without the keys up to this one."""
    if answer.first_line.split(" ")[1] != "200":
        return answer
    text = _ENTRY.sub(lambda entry: entry[0] if html.unescape(entry[1]) > key else "", _unchunked(answer).decode())
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {len(text.encode())}\r\n\r\n"
    return _Message(head.encode(), "HTTP/1.1 200 OK", {}, text.encode())


def _unchunked(answer: _Message) -> bytes:
    if "chunked" not in answer.headers.get("transfer-encoding", "").lower():
        return answer.body
    rest, content = answer.body, b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        content += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return content


@contextmanager
def google_xml(upstream: str) -> Iterator[str]:
    """Run the proxy before a server; answers its address."""
    command = [sys.executable, "-m", "tests.clouds.google_xml", upstream]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            endpoint = process.stdout.readline().strip()
            assert endpoint, "the proxy did not start"  # without an address Google itself would be asked
            yield endpoint
        finally:
            process.kill()


def _serve(upstream: str) -> None:
    with GoogleXmlProxy(upstream) as proxy:
        sys.stdout.write(proxy.endpoint + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _serve(sys.argv[1])
