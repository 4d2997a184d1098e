"""Object stores by their own clients: obstore for listings and conditional writes, and the options that deltalake and polars take.

`storage_options` are those of fsspec's filesystems; `store` translates them for the compiled core, obstore, deltalake and polars.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dicomlake.errors import ConfigurationError
from dicomlake.printable import printable_line
from dicomlake.stores.kinds import KIND_OF_SCHEME
from dicomlake.stores.store import ObjectStore, stores_of
from dicomlake.stores.translation.translated import KeyOrder

if TYPE_CHECKING:
    import obstore.store

_URL = re.compile(rf"({'|'.join(scheme for scheme, kind in KIND_OF_SCHEME.items() if kind.client)})://[^/?#@:]+")
_RETRY = timedelta(seconds=60)


def is_object_store(url: str) -> bool:
    """Whether a url is in an object store (S3, Google, Azure), which allows conditional writes and listings in Arrow."""
    return "::" not in url and _URL.match(url) is not None


def store_of(url: str, storage_options: Mapping[str, Any]) -> ObjectStore | None:
    """The store of a url, with the options of `object_store`; None if only fsspec can reach it.

    Raises:
        ConfigurationError: an option refers to an environment variable or profile that does not exist.
    """
    found = stores_of(pa.array([url.rstrip("/") + "/"], pa.string()), storage_options)
    return found[0] if found else None


def object_store_options(url: str, storage_options: Mapping[str, Any]) -> dict[str, str]:
    """The options of a lake's store for deltalake and polars.

    Raises:
        ConfigurationError: `object_store` has no such options.
    """
    store = _known(url, storage_options)
    return {**store.options, **store.kind.lake_options, **({store.kind.allow_http: "true"} if store.is_plain else {})}


def open_object_store(
    url: str, storage_options: Mapping[str, Any], *, whole_bucket: bool = False, retries: int = 10
) -> obstore.store.ObjectStore:
    """A client whose paths are keys below a url, or in its bucket. It repeats a request ``retries`` times if the store does not answer.

    Raises:
        ConfigurationError: the options can't be used.
    """
    import obstore.store  # noqa: PLC0415 - only commands that use a bucket should import it

    store = _known(url, storage_options)
    key = "" if whole_bucket else url[len(store.prefix) :].strip("/")
    make: Any = getattr(obstore.store, store.kind.client or "")
    try:
        client: obstore.store.ObjectStore = make(
            store.bucket,
            prefix=key or None,
            config=dict(store.options),
            client_options={"allow_http": store.is_plain},
            retry_config={"retry_timeout": _RETRY, "max_retries": retries},
        )
    except Exception as error:  # noqa: BLE001 - its text may hold credentials
        raise ConfigurationError(f"storage_options for {printable_line(url)} can't be used: {type(error).__name__}; check them") from None
    return client


def key_order(url: str, storage_options: Mapping[str, Any]) -> KeyOrder:
    """The order in which a store lists keys."""
    store = store_of(url, storage_options)
    return KeyOrder.NOT_KNOWN if store is None else store.kind.key_order(store.bucket, store.options)


def _known(url: str, storage_options: Mapping[str, Any]) -> ObjectStore:
    store = store_of(url, storage_options)
    if store is None:
        takes = KIND_OF_SCHEME[url.partition("://")[0]].takes
        raise ConfigurationError(
            f"storage_options for {printable_line(url)} lack what a lake in a bucket needs, or hold what only fsspec knows; "
            f"a lake there takes {takes}; check them and the environment"
        )
    return store
