"""A web server that answers ranges of objects in memory, and counts the bytes that it sends: quick where objects are many or large."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class WebServer:
    """Serves objects, by their paths, on a port of the loopback.

    Attributes:
        endpoint: its address, as a url.
        bytes_sent: the bytes of each body that it sent.
    """

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self.bytes_sent: list[int] = []
        bytes_sent = self.bytes_sent

        class _Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body together

            def do_GET(self) -> None:
                data = objects[self.path]
                asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
                assert asked is not None
                start, stop = int(asked[1]), min(int(asked[2]) + 1, len(data))
                self.send_response(206)
                self.send_header("Content-Length", str(stop - start))
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
                self.end_headers()
                self.wfile.write(memoryview(data)[start:stop])
                bytes_sent.append(stop - start)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class _Server(ThreadingHTTPServer):
            request_queue_size = 512

        self._server = _Server(("127.0.0.1", 0), _Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
