"""What the workers of a cluster need for a run: the packages of this process, its sources and its lake."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from dicomlake.config import ListingSettings
from dicomlake.errors import AccessDenied
from dicomlake.extract.engines import core_version
from dicomlake.parts import Location
from dicomlake.run.index import IndexRequest
from dicomlake.runner import Requirements
from dicomlake.sources import AddressKind, address_of, open_source
from dicomlake.version import VERSION

DIGITS = {"python": 2, "pyarrow": 1, "polars": 1, "numpy": 1, "fsspec": 0, "s3fs": 0, "compiled core (build)": 0}
"""How many numbers of a version must agree; all, where a name is not here. Arrow tables and frames travel in formats that stay within a
version's first number; two builds of one version of the core may differ by the paths of the machines that they were built on."""

_DISTRIBUTIONS = ("dask", "distributed", "pyarrow", "polars", "numpy", "pydicom", "fsspec", "s3fs")
_WITNESSES = 8
_CHUNK_BYTES = 1 << 20


def packages() -> dict[str, str]:
    """The versions of what this process runs with, by name; of dicomlake also a digest of its code, since checkouts share a version."""
    versions = {
        "python": platform.python_version(),
        "dicomlake": VERSION,
        "dicomlake (code)": _digest_of_code(),
        "compiled core": core_version(),
    }
    core = find_spec("dicomlake._core")
    if core is not None and core.origin is not None:
        versions["compiled core (build)"] = _digest([Path(core.origin)])
    for name in _DISTRIBUTIONS:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def requirements_of(request: IndexRequest) -> Requirements:
    """What a run asks of workers."""

    @contextmanager
    def access() -> Iterator[WorkerAccess]:
        name = f".worker-check-{uuid.uuid4().hex}"
        try:
            with request.lake.open_new(name) as file:
                file.write(name.encode())
        except OSError as error:
            raise AccessDenied(f"lake {request.lake.url} can't be written: {_reason(error)}; check its permissions and space") from None
        try:
            yield WorkerAccess(
                sources=tuple(_Seen.of(source) for source in request.sources if address_of(source).kind is not AddressKind.GIVEN),
                listing=request.settings.listing,
                storage_options=request.settings.storage_options,
                lake=request.lake,
                witness=name,
            )
        finally:
            with suppress(OSError, AccessDenied):
                request.lake.filesystem.rm_file(request.lake.join(name))

    return Requirements(packages, DIGITS, access)


@dataclass(frozen=True)
class _Seen:
    """A source, and a few of the names that stand in it where it is a folder: an empty one may be where a disk belongs."""

    name: str
    folder: str | None
    names: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> _Seen:
        address = address_of(text)
        if address.kind is not AddressKind.LOCAL or not os.path.isdir(address.location):
            return cls(address.name, None, ())
        with os.scandir(address.location) as entries:
            return cls(address.name, address.location, tuple(entry.name for entry in islice(entries, _WITNESSES)))


@dataclass(frozen=True)
class WorkerAccess:
    """Looks, on a worker, whether it sees the sources and can write the lake. Listings made elsewhere are not looked at."""

    sources: tuple[_Seen, ...]
    listing: ListingSettings
    storage_options: Mapping[str, Any] = field(repr=False)
    lake: Location
    witness: str

    def __call__(self) -> None:
        """Look.

        Raises:
            DicomlakeError: something is not there, or can't be read or written.
        """
        for source in self.sources:
            open_source(source.name, self.listing, self.storage_options)
            if source.folder is not None and source.names and not any(_is_in(source.folder, name) for name in source.names):
                raise AccessDenied(
                    f"folder {source.folder} is there, but with none of the names it has elsewhere; mount what belongs there"
                )
        self._see_lake()
        self._write_lake()

    def _see_lake(self) -> None:
        try:
            content = self.lake.filesystem.cat_file(self.lake.join(self.witness))
        except FileNotFoundError:
            content = b""
        except Exception as error:  # noqa: BLE001 - whatever a store's client raises
            raise AccessDenied(f"lake {self.lake.url} can't be read: {_reason(error)}; check its permissions") from None
        if content != self.witness.encode():
            raise AccessDenied(f"lake {self.lake.url} is not the one that the run writes; put it where every worker sees the same files")

    def _write_lake(self) -> None:
        name = f"{self.witness}-{uuid.uuid4().hex}"
        try:
            with self.lake.open_new(name):
                pass
        except Exception as error:  # noqa: BLE001 - likewise
            raise AccessDenied(f"lake {self.lake.url} can't be written: {_reason(error)}; check its permissions") from None
        with suppress(Exception):  # a worker may be allowed to add, and not to remove
            self.lake.filesystem.rm_file(self.lake.join(name))


def _is_in(folder: str, name: str) -> bool:
    return os.path.lexists(os.path.join(folder, name))


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _digest_of_code() -> str:
    return _digest(sorted(Path(__file__).parents[1].rglob("*.py")))


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()[:12]
