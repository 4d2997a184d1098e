"""Azure Blob Storage: translation of adlfs's options, and of its environment variables, into those of `object_store`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dicomlake.stores.translation.translated import Translated, relevant

_NAMES = {
    "account_name": "azure_storage_account_name",
    "account_key": "azure_storage_account_key",
    "sas_token": "azure_storage_sas_key",
    "client_id": "azure_storage_client_id",
    "client_secret": "azure_storage_client_secret",
    "tenant_id": "azure_storage_tenant_id",
}
_OF_CONNECTION_STRING = {"AccountName": "account_name", "AccountKey": "account_key", "SharedAccessSignature": "sas_token"}
_WITHOUT_EFFECT = {"DefaultEndpointsProtocol": "https", "EndpointSuffix": "core.windows.net"}


def translated(_bucket: str, options: Mapping[str, Any]) -> Translated | None:
    """The options of a container; None if only adlfs understands them, or if no account is named.

    Without a key, a token or a client, `object_store` uses the identity of the machine.
    """
    given = relevant(options)
    anonymous = given.pop("anon", None)
    if set(given) - {*_NAMES, "connection_string"}:
        return None
    for name in (*_NAMES, "connection_string"):
        from_outside = os.environ.get(f"AZURE_STORAGE_{name.upper()}")
        if from_outside and name not in given:
            given[name] = from_outside
    connection_string = given.pop("connection_string", None)
    if connection_string is not None:
        parts = dict(part.partition("=")[::2] for part in str(connection_string).split(";") if part)
        if any(parts.pop(name, value) != value for name, value in _WITHOUT_EFFECT.items()) or set(parts) - set(_OF_CONNECTION_STRING):
            return None  # an endpoint of its own: an emulator, another cloud
        given = {_OF_CONNECTION_STRING[name]: value for name, value in parts.items()}
    if not given.get("account_name"):
        return None
    found = {_NAMES[name]: str(value) for name, value in given.items()}
    if anonymous:
        return Translated({"azure_storage_account_name": str(given["account_name"]), "azure_skip_signature": "true"}, "nobody (anonymous)")
    identity = next((words for name, words in _IDENTITIES.items() if name in given), "the identity of this machine")
    return Translated(found, identity)


_IDENTITIES = {"account_key": "the account's key", "sas_token": "the shared access signature", "client_id": "the client that is named"}
