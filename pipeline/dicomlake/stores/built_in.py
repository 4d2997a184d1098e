"""A bucket of Google or Azure as a filesystem of fsspec that only reads: folders, lists and archives need no further package.

It is read by the same client, with the same options, as listings, headers and lakes. Its paths are those of gcsfs and adlfs: the bucket, a
slash, and the key.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO, cast

import fsspec

from dicomlake.stores.client import is_object_store, store_of
from dicomlake.stores.filesystem import StoreFilesystem
from dicomlake.stores.kinds import BUCKET_KINDS

_BUFFER_BYTES = 1 << 20


def built_in_filesystem(url: str, storage_options: Mapping[str, Any], *, is_cached: bool) -> tuple[BucketFilesystem, str] | None:
    """The filesystem of a url and its path there, as ``fsspec.core.url_to_fs`` answers; None where a filesystem of fsspec reads the url.

    Args:
        url: as ``fsspec.open`` takes it.
        storage_options: see `dicomlake.stores.store`.
        is_cached: whether a thread gets the same filesystem for the same options again.

    Raises:
        ConfigurationError: the options can't be used.

    Example:
        >>> built_in_filesystem("s3://bucket/a.dcm", {}, is_cached=False) is None  # s3fs reads it
        True
    """
    scheme, _, path = url.partition("://")
    if not is_object_store(url) or not BUCKET_KINDS[scheme].fsspec_package or store_of(url, storage_options) is None:
        return None
    bucket = path.partition("/")[0]
    make: Any = BucketFilesystem  # fsspec gives each of its classes options of its own
    return make(f"{scheme}://{bucket}", dict(storage_options), skip_instance_cache=not is_cached), path


class BucketFilesystem(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """The objects of a bucket, by path.

    Args:
        url: the bucket's url, such as ``az://container``.
        storage_options: see `dicomlake.stores.store`.

    Raises:
        ConfigurationError: the options can't be used.
    """

    def __init__(self, url: str, storage_options: Mapping[str, Any]) -> None:
        super().__init__()
        self._bucket = url.partition("://")[2]
        self._objects = StoreFilesystem(url, storage_options, title="source")

    def info(self, path: str, **_: object) -> dict[str, Any]:
        """The size, time and etag of an object, or the type ``directory``.

        Raises:
            FileNotFoundError: there is neither an object nor a folder.
            DicomlakeError: the store refuses or fails.
        """
        key = self._key(path)
        if key:
            try:
                return self._entry(self._objects.head(key))
            except FileNotFoundError:
                pass
        if key and not self._objects.holds_anything(key):
            raise FileNotFoundError(path)
        return {"name": path, "size": 0, "type": "directory"}

    def ls(self, path: str, detail: bool = True, **_: object) -> list[Any]:  # noqa: FBT001, FBT002 - as fsspec has it
        """The entries of a folder, or the one of an object.

        Raises:
            FileNotFoundError, DicomlakeError: as ``info``.
        """
        key = self._key(path)
        folders, objects = self._objects.entries(key)
        found = [{"name": f"{self._bucket}/{folder}", "size": 0, "type": "directory"} for folder in folders]
        found += [self._entry(meta) for meta in objects]
        if not found and key:
            found = [self._entry(self._objects.head(key))]
        return found if detail else [entry["name"] for entry in found]

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: object) -> bytes:
        """The bytes of an object from ``start`` up to ``end``, or all.

        Raises:
            FileNotFoundError, DicomlakeError: as ``info``.
        """
        key = self._key(path)
        if start is None or end is None:
            content = self._objects.cat_file(key)
            return content[start:end]
        return self._objects.read_range(key, start, end)

    def _open(self, path: str, mode: str = "rb", **_: object) -> BinaryIO:
        if mode != "rb":
            raise PermissionError(f"a bucket is only read here, and mode {mode} writes")
        return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", self._objects.open(self._key(path), "rb")), _BUFFER_BYTES))

    def _key(self, path: str) -> str:
        return path.rstrip("/").partition("/")[2]

    def _entry(self, meta: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "name": f"{self._bucket}/{meta['path']}",
            "size": meta["size"],
            "type": "file",
            "last_modified": meta["last_modified"],
            "etag": meta["e_tag"],
        }
