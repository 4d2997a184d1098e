"""The stores that the compiled core reads: each is a bucket with options of `object_store`.

The core takes plain text. Every process sets up its stores for each unit, with its newest credentials, and credentials are never pickled. A
store with options that `object_store` does not have is left to fsspec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.errors import AccessDenied, ConfigurationError, RefusedError, UsageError
from dicomlake.stores.kinds import BUCKET_KINDS, KIND_OF_SCHEME, StoreKind
from dicomlake.stores.options import resolved

_PREFIX = rf"^(?P<prefix>(?:{'|'.join(KIND_OF_SCHEME)})://[^/?#@:]+(?::[0-9]+)?/)"
_PROTOCOLS = frozenset({*KIND_OF_SCHEME, *BUCKET_KINDS, "zip", "tar", "file", "local", "memory"})


@dataclass(frozen=True)
class ObjectStore:
    """A bucket or web server that the core reads from.

    Attributes:
        kind: its row of `KINDS`.
        prefix: the beginning of the urls of its objects; the key follows.
        bucket: the bucket or container; for a web server its address.
        identity: the identity in messages; no credential.
        options: the options of `object_store`.
    """

    kind: StoreKind
    prefix: str
    bucket: str
    identity: str
    options: Mapping[str, str] = field(repr=False)

    @property
    def endpoint(self) -> str | None:
        """The address of its server, where that is not the cloud's own."""
        return self.options.get(self.kind.endpoint)

    @property
    def is_plain(self) -> bool:
        """Whether it is reached by plain HTTP, because its address says so."""
        return (self.endpoint or "").startswith("http://")

    def as_tuple(self) -> tuple[str, str, str, dict[str, str]]:
        """The form that the core takes."""
        return self.kind.name, self.prefix, self.bucket, dict(self.options)

    def no_access(self, trouble: str, reason: str) -> RefusedError | UsageError:
        """The exception for a store from which nothing can be read; ``trouble`` and ``reason`` are the core's."""
        where = self.prefix.rstrip("/")
        if trouble == "configuration":
            return ConfigurationError(f"store {where}: {reason}; check storage_options and the environment")
        if trouble == "refused":
            return AccessDenied(f"no access to the objects of {where}: the store answers {reason} to {self.identity}; {self.kind.help}")
        where_to_look = "the address and the network" if not reason.startswith("301") else "the region (AWS_REGION)"
        return AccessDenied(
            f"{where} can't be read, although every request was tried again: {reason}; check {where_to_look}, then run again"
        )


def stores_of(urls: pa.StringArray, storage_options: Mapping[str, Any]) -> list[ObjectStore]:
    """The stores among the urls of a unit that the core can read from.

    Args:
        urls: as in the column `url` of `files`.
        storage_options: as fsspec takes them: for one protocol, or under the name of each.

    Raises:
        ConfigurationError: an option refers to an environment variable that is not set, or to a profile that does not exist.
    """
    prefixes = pc.struct_field(pc.extract_regex(urls, _PREFIX), "prefix").drop_null().unique().to_pylist()
    if not prefixes:
        return []
    options = resolved(storage_options)
    stores = (_store(prefix, options) for prefix in prefixes)
    return [store for store in stores if store is not None]


def _store(prefix: str, storage_options: Mapping[str, Any]) -> ObjectStore | None:
    protocol, _, bucket = prefix.rstrip("/").partition("://")
    options = _of_protocol(protocol, storage_options)
    kind = KIND_OF_SCHEME[protocol]
    if kind.client is None:
        bucket = prefix.rstrip("/")
    translated = kind.translate(bucket, options)
    if translated is None:
        return None
    return ObjectStore(kind, prefix, bucket, translated.identity, translated.options)


def _of_protocol(protocol: str, storage_options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that fsspec gives to the filesystem of a protocol."""
    own = storage_options.get(protocol)
    others = {key: value for key, value in storage_options.items() if not (isinstance(value, Mapping) and key in _PROTOCOLS)}
    return {**(own if isinstance(own, Mapping) else {}), **others}
