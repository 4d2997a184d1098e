"""A client whose credentials may end before the run, as those of a role or of a single sign-on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dicomlake.stores.client import open_object_store, store_of

if TYPE_CHECKING:
    from obstore.store import ObjectStore

LOOK_SECONDS = 30.0
"""The time between looks for newer credentials. Services renew temporary credentials minutes before they end."""


class RenewedClient:
    """A store's client, opened again when its options have changed.

    Args:
        url: as for `open_object_store`.
        storage_options: the options of the store.
        whole_bucket: whether paths are keys of the bucket, not keys below the url.

    Raises:
        ConfigurationError: the options can't be used.
    """

    def __init__(self, url: str, storage_options: Mapping[str, Any], *, whole_bucket: bool = False) -> None:
        self._url = url
        self._storage_options = dict(storage_options)
        self._whole_bucket = whole_bucket
        self._opened_with = self._options()
        self._looked = time.monotonic()
        self._client = open_object_store(url, storage_options, whole_bucket=whole_bucket)

    @property
    def client(self) -> ObjectStore:
        """The client with the newest credentials."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            if (options := self._options()) != self._opened_with:
                self._client = open_object_store(self._url, self._storage_options, whole_bucket=self._whole_bucket)
                self._opened_with = options
        return self._client

    def _options(self) -> dict[str, str]:
        store = store_of(self._url, self._storage_options)
        return dict(store.options) if store is not None else {}
