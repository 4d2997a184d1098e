"""Emulators of Azure and Google for tests: Azurite and fake-gcs-server on the loopback, and containers and buckets in them.

``make servers`` installs both into a cache outside the checkout, where npm and Go are there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import obstore

from dicomlake.stores import open_object_store
from tests.clouds.google_xml import google_xml
from tests.stores.servers import free_port, wait_until_it_listens

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Those of every emulator of Azure."""
WRONG_KEY = base64.b64encode(b"DISTINCTIVE" * 5).decode()


@dataclass(frozen=True)
class Cloud:
    """A server that listens.

    Attributes:
        scheme: of the urls of its buckets.
        endpoint: its address for dicomlake; of Azurite with the account.
        admin_endpoint: its address for making buckets.
    """

    scheme: str
    endpoint: str
    admin_endpoint: str

    def make_bucket(self, name: str) -> CloudBucket:
        """An empty bucket or container."""
        if self.scheme == "az":
            headers = _signed(f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container")
            _send(self.admin_endpoint, "PUT", f"/{ACCOUNT}/{name}?restype=container", headers)
        else:
            body = json.dumps({"name": name}).encode()
            _send(self.admin_endpoint, "POST", "/storage/v1/b", {"Content-Type": "application/json"}, body)
        return CloudBucket(self, name, self.endpoint)

    def upload(self, bucket: str, key: str, data: bytes) -> None:
        """Write an object to fake-gcs-server past dicomlake's client, which can't name every key."""
        _send(self.admin_endpoint, "POST", f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(key, safe='')}", {}, data)


@dataclass(frozen=True)
class CloudBucket:
    """A bucket or container; ``endpoint`` is where dicomlake is to reach it, which may be a proxy's."""

    server: Cloud
    name: str
    endpoint: str
    account_key: str = ACCOUNT_KEY

    @property
    def url(self) -> str:
        """Its url."""
        return f"{self.server.scheme}://{self.name}"

    @property
    def storage_options(self) -> dict[str, Any]:
        """The options with which adlfs or gcsfs reaches it."""
        if self.server.scheme == "gs":
            return {"endpoint_url": self.endpoint, "token": "anon"}
        return {"connection_string": self.environment["AZURE_STORAGE_CONNECTION_STRING"]}

    @property
    def environment(self) -> Mapping[str, str]:
        """The same as environment variables."""
        if self.server.scheme == "gs":
            return {"STORAGE_EMULATOR_HOST": self.endpoint}
        parts = {"DefaultEndpointsProtocol": "http", "AccountName": ACCOUNT, "AccountKey": self.account_key, "BlobEndpoint": self.endpoint}
        return {"AZURE_STORAGE_CONNECTION_STRING": ";".join(f"{name}={value}" for name, value in parts.items())}

    def through(self, endpoint: str) -> CloudBucket:
        """The same bucket, reached by the proxy of its server."""
        return replace(self, endpoint=f"{endpoint}/{ACCOUNT}" if self.server.scheme == "az" else endpoint)

    def put(self, key: str, data: bytes) -> str:
        """Write an object; answer its url."""
        obstore.put(open_object_store(self.url, replace(self, endpoint=self.server.endpoint).storage_options), key, data)
        return f"{self.url}/{key}"

    def put_folder(self, folder: Path, below: str = "") -> None:
        """Write every file of a folder under its path there."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.put(below + path.relative_to(folder).as_posix(), path.read_bytes())


def azurite_command() -> list[str] | None:
    """How Azurite is started, if it is installed."""
    found = _command("azurite-blob", "DICOMLAKE_AZURITE", _cache() / "node_modules" / ".bin")
    return [found] if found and shutil.which("node") else None


def fake_gcs_command() -> list[str] | None:
    """How fake-gcs-server is started, if it is installed."""
    gopath = os.environ.get("GOPATH", str(Path.home() / "go"))
    found = _command("fake-gcs-server", "DICOMLAKE_FAKE_GCS_SERVER", _cache(), Path(gopath) / "bin")
    return [found] if found else None


@contextmanager
def azurite(command: list[str], folder: Path) -> Iterator[Cloud]:
    """An Azurite that keeps its blobs in a folder. It checks signatures."""
    port = free_port()
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    options += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    with _process([*command, *options], port, folder):
        yield Cloud("az", f"http://127.0.0.1:{port}/{ACCOUNT}", f"http://127.0.0.1:{port}/{ACCOUNT}")


@contextmanager
def fake_gcs(command: list[str], folder: Path) -> Iterator[Cloud]:
    """A fake-gcs-server that keeps its objects in memory, behind the proxy that adds what it lacks. It checks no credentials."""
    port = free_port()
    options = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-public-host", "127.0.0.1", "-backend", "memory"]
    with _process([*command, *options], port, folder), google_xml(f"http://127.0.0.1:{port}") as endpoint:
        yield Cloud("gs", endpoint, f"http://127.0.0.1:{port}")


@contextmanager
def _process(arguments: list[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / "server.log").open("wb") as output, subprocess.Popen(arguments, stdout=output, stderr=output) as process:
        try:
            wait_until_it_listens(port, process)
            yield
        finally:
            process.terminate()


def _command(name: str, variable: str, *folders: Path) -> str | None:
    return (
        os.environ.get(variable) or shutil.which(name) or next(filter(None, (shutil.which(name, path=str(one)) for one in folders)), None)
    )


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dicomlake" / "servers"


def _signed(resource: str) -> dict[str, str]:
    """The headers of a PUT without a body, signed with the account's key.

    https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key says how.
    """
    now = f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S} GMT"
    headers = {"x-ms-date": now, "x-ms-version": "2021-08-06"}
    text = "PUT" + "\n" * 12 + "".join(f"{name}:{value}\n" for name, value in headers.items()) + resource
    signature = base64.b64encode(hmac.digest(base64.b64decode(ACCOUNT_KEY), text.encode(), hashlib.sha256)).decode()
    return headers | {"Authorization": f"SharedKey {ACCOUNT}:{signature}"}


def _send(endpoint: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> None:
    with closing(http.client.HTTPConnection(urlsplit(endpoint).netloc)) as connection:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{endpoint} answers {answer.status} to {method} {path}: {answer.read()!r}")
