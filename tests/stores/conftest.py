"""Buckets on real servers, and a proxy that makes trouble between them and dicomlake.

`bucket` is in moto's server, which every development environment has; `signed_bucket` is in versitygw, which checks signatures, where
that is installed. `proxied` puts a fault proxy before a bucket.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.stores.fault_proxy import FaultProxy, Trouble
from tests.stores.servers import Bucket, Server, moto_server, versitygw_command, versitygw_server

_numbers = itertools.count(1)

Proxied = Callable[..., tuple[Bucket, FaultProxy]]


@pytest.fixture(scope="session")
def moto() -> Iterator[Server]:
    """A server of moto."""
    with moto_server() as server:
        yield server


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A versitygw; skips where it is not installed."""
    command = versitygw_command()
    if command is None:
        pytest.skip("versitygw is not installed: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
    with versitygw_server(command, tmp_path_factory.mktemp("versitygw")) as server:
        yield server


@pytest.fixture
def bucket(moto: Server) -> Bucket:
    """An empty bucket of moto."""
    return moto.make_bucket(f"bucket-{next(_numbers)}")


@pytest.fixture
def signed_bucket(versitygw: Server) -> Bucket:
    """An empty bucket of versitygw."""
    return versitygw.make_bucket(f"bucket-{next(_numbers)}")


@pytest.fixture
def proxied() -> Iterator[Proxied]:
    """A function that puts a proxy before a bucket, and answers the bucket behind it and the proxy."""
    with ExitStack() as stack:

        def put_before(bucket: Bucket, trouble: Trouble | None = None) -> tuple[Bucket, FaultProxy]:
            proxy = stack.enter_context(FaultProxy(bucket.endpoint, trouble or Trouble()))
            return bucket.through(proxy.endpoint), proxy

        yield put_before


@pytest.fixture(autouse=True)
def no_credentials_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the machine's own environment and profiles say, these tests don't hear it."""
    for name in (
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
        *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_BASE_URL", "STORAGE_EMULATOR_HOST"),
        *("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING"),
        *("AZURE_STORAGE_CLIENT_ID", "AZURE_STORAGE_CLIENT_SECRET", "AZURE_STORAGE_TENANT_ID", "AZURE_AUTHORITY_HOST"),
        *("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "AZURE_STORAGE_USE_EMULATOR", "AZURITE_BLOB_STORAGE_URL"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP"):
        monkeypatch.setenv(name, "127.0.0.1:1")  # nobody is there who would know the role of this machine
