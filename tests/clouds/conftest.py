"""A bucket of each emulator that is installed; tests skip, and say so, where it is not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.clouds.servers import Cloud, CloudBucket, azurite, azurite_command, fake_gcs, fake_gcs_command
from tests.stores.conftest import no_credentials_from_outside

__all__ = ["no_credentials_from_outside"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An Azurite."""
    command = azurite_command()
    if command is None:
        pytest.skip("Azurite is not installed: make servers, which needs npm")
    with azurite(command, tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture(scope="session")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A fake-gcs-server behind its proxy."""
    command = fake_gcs_command()
    if command is None:
        pytest.skip("fake-gcs-server is not installed: make servers, which needs Go")
    with fake_gcs(command, tmp_path_factory.mktemp("fake-gcs")) as server:
        yield server


@pytest.fixture(params=["azure", "google"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    """Each of the two."""
    server: Cloud = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def bucket(cloud: Cloud) -> CloudBucket:
    """An empty bucket of each."""
    return cloud.make_bucket(f"bucket-{next(_numbers)}")


@pytest.fixture
def google_bucket(google: Cloud) -> CloudBucket:
    """An empty bucket of fake-gcs-server."""
    return google.make_bucket(f"bucket-{next(_numbers)}")


@pytest.fixture
def azure_container(azure: Cloud) -> CloudBucket:
    """An empty container of Azurite."""
    return azure.make_bucket(f"container-{next(_numbers)}")
