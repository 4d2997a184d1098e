"""The conditions that the workers of a cluster must meet for a run: the packages of this process, its sources and its lake."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from dicomlake.config import ListingSettings
from dicomlake.errors import AccessDenied, DicomlakeError
from dicomlake.extract.engines import core_version
from dicomlake.parts import Location
from dicomlake.run.index import IndexRequest
from dicomlake.runner import Requirements
from dicomlake.sources import AddressKind, address_of, open_source
from dicomlake.version import VERSION

DIGITS = {"python": 2, "pyarrow": 1, "polars": 1, "numpy": 1}
"""How many numbers of a version must agree; all of them where a name is missing. Arrow tables and frames keep their format within a
version's first number."""

_DISTRIBUTIONS = ("dask", "distributed", "pyarrow", "polars", "numpy", "pydicom")
_WITNESSES = 8


def packages() -> dict[str, str]:
    """The versions of the packages of this process, by name, with a digest of our code, since checkouts share a version."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        code.update(path.read_bytes())
    versions = {
        "python": platform.python_version(),
        "dicomlake": VERSION,
        "dicomlake (code)": code.hexdigest()[:12],
        "compiled core": core_version(),
    }
    for name in _DISTRIBUTIONS:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def requirements_of(request: IndexRequest) -> Requirements:
    """The requirements of a run: the packages here, the sources, and the lake."""

    @contextmanager
    def access() -> Iterator[WorkerAccess]:
        lake, name = request.lake, f".worker-check-{uuid.uuid4().hex}"
        with _explained(lake, "written"), lake.open_new(name) as file:
            file.write(name.encode())
        try:
            sources = tuple(_SeenSource.of(source) for source in request.sources if address_of(source).kind is not AddressKind.GIVEN)
            yield WorkerAccess(sources, request.settings.listing, request.settings.storage_options, lake, name)
        finally:
            with suppress(OSError, AccessDenied):
                lake.filesystem.rm_file(lake.join(name))

    return Requirements(packages, DIGITS, access)


@dataclass(frozen=True)
class _SeenSource:
    """A source, and a few of the names in its folder: on a worker, an empty folder may be a disk that is not mounted."""

    name: str
    folder: str | None
    names: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> _SeenSource:
        address = address_of(text)
        if address.kind is not AddressKind.LOCAL or not os.path.isdir(address.location):
            return cls(address.name, None, ())
        with os.scandir(address.location) as entries:
            return cls(address.name, address.location, tuple(entry.name for entry in islice(entries, _WITNESSES)))


@dataclass(frozen=True)
class WorkerAccess:
    """Checks on a worker that it can read the sources, except given listings, and write the lake."""

    sources: tuple[_SeenSource, ...]
    listing: ListingSettings
    storage_options: Mapping[str, Any] = field(repr=False)
    lake: Location
    witness: str

    def __call__(self) -> None:
        """Check.

        Raises:
            DicomlakeError: a source or the lake is not there, or can't be read or written.
        """
        for source in self.sources:
            open_source(source.name, self.listing, self.storage_options)
            folder = source.folder
            if folder and source.names and not any(os.path.lexists(os.path.join(folder, name)) for name in source.names):
                raise AccessDenied(f"folder {folder} has none of the names that it has elsewhere; mount its disk on the worker")
        lake, content = self.lake, b""
        with _explained(lake, "read"), suppress(FileNotFoundError):
            content = lake.filesystem.cat_file(lake.join(self.witness))
        if content != self.witness.encode():
            raise AccessDenied(f"lake {lake.url} is not the one that the run writes; put it where every worker sees the same files")
        name = f"{self.witness}-{uuid.uuid4().hex}"
        with _explained(lake, "written"), lake.open_new(name):
            pass
        with suppress(Exception):  # a worker may be allowed to add files and not to remove them
            lake.filesystem.rm_file(lake.join(name))


@contextmanager
def _explained(lake: Location, action: str) -> Iterator[None]:
    """Turn any error in the block, from whichever client, into one line about the lake."""
    try:
        yield
    except DicomlakeError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a store's client raises
        reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        raise AccessDenied(f"lake {lake.url} can't be {action}: {reason}; check its permissions and space") from None
