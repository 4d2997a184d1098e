"""Azure Blob Storage: translation of adlfs's options, and of its environment variables, into those of `object_store`.

The address of an account is that of Azure's public cloud, of another cloud (``EndpointSuffix``), or of any server (``BlobEndpoint``,
``account_host``). An emulator is such a server: its account and key are known to everybody.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from dicomlake.stores.translation.translated import Translated, is_address, relevant

_NAMES = {
    "account_name": "azure_storage_account_name",
    "account_key": "azure_storage_account_key",
    "sas_token": "azure_storage_sas_key",
    "client_id": "azure_storage_client_id",
    "client_secret": "azure_storage_client_secret",
    "tenant_id": "azure_storage_tenant_id",
}
_OPTIONS = (*_NAMES, "connection_string", "account_host")
_ENDPOINT = "azure_storage_endpoint"

_PUBLIC_SUFFIX = "core.windows.net"
_AUTHORITIES = {"core.chinacloudapi.cn": "https://login.chinacloudapi.cn", "core.usgovcloudapi.net": "https://login.microsoftonline.us"}
"""The hosts that name the clients of other clouds, by the ends of the addresses of accounts there."""

_EMULATOR = "http://127.0.0.1:10000"
_EMULATOR_ACCOUNT = "devstoreaccount1"
_EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""No secret: every emulator of Azure has this account and this key, and Microsoft's documentation names both."""

_OF_OTHER_SERVICES = frozenset(
    f"{service}{which}endpoint" for service in ("blob", "queue", "table", "file", "dfs") for which in ("", "secondary")
) - {"blobendpoint"}
_OF_CONNECTION_STRING = {
    *("usedevelopmentstorage", "developmentstorageproxyuri", "defaultendpointsprotocol", "endpointsuffix", "blobendpoint"),
    *("accountname", "accountkey", "sharedaccesssignature"),
}
_OF_ENVIRONMENT = ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "AZURE_STORAGE_USE_EMULATOR")
"""The variables by which a client of `object_store` would find another address by itself."""

_IDENTITIES = {"account_key": "the account's key", "sas_token": "the shared access signature", "client_id": "the client that is named"}


def translated(_bucket: str, options: Mapping[str, Any]) -> Translated | None:
    """The options of a container; None if only adlfs understands them, or if no account is named.

    Without a key, a token or a client, `object_store` uses the identity of the machine.
    """
    given = relevant(options)
    anonymous = given.pop("anon", None)
    if set(given) - set(_OPTIONS):
        return None
    is_emulator = os.environ.get("AZURE_STORAGE_USE_EMULATOR", "").lower() in ("1", "true", "yes", "on")
    names_account = is_emulator or "account_name" in given or "account_host" in given
    for name in (*_NAMES, *(() if names_account else ("connection_string",))):
        from_outside = os.environ.get(f"AZURE_STORAGE_{name.upper()}")
        if from_outside and name not in given:
            given[name] = from_outside
    connection_string = given.pop("connection_string", None)
    host = given.pop("account_host", None)
    if connection_string is not None:
        read = _of_connection_string(str(connection_string))
        if read is None:
            return None
        given, endpoint = read
    elif host is not None:
        endpoint = str(host) if "://" in str(host) else f"https://{host}"
    elif is_emulator:
        given = _emulator_account() | given
        endpoint = f"{os.environ.get('AZURITE_BLOB_STORAGE_URL', _EMULATOR).rstrip('/')}/{given['account_name']}"
    else:
        endpoint = next((os.environ[name] for name in _OF_ENVIRONMENT[:2] if os.environ.get(name)), None)
    if endpoint is not None and not is_address(endpoint):
        return None
    account = given.get("account_name") or (_account_of(endpoint) if endpoint else None)
    if not account:
        return None
    return _translated({**given, "account_name": account}, endpoint, anonymous=bool(anonymous))


def _translated(given: Mapping[str, Any], endpoint: str | None, *, anonymous: bool) -> Translated:
    found = _address(str(given["account_name"]), endpoint)
    if anonymous:
        return Translated(
            {"azure_storage_account_name": str(given["account_name"]), **found, "azure_skip_signature": "true"}, "nobody (anonymous)"
        )
    if given.get("client_id") and endpoint is not None:
        authority = next((where for suffix, where in _AUTHORITIES.items() if str(urlsplit(endpoint).hostname).endswith(suffix)), None)
        if authority is not None and not os.environ.get("AZURE_AUTHORITY_HOST"):
            found["azure_storage_authority_host"] = authority
    identity = next((words for name, words in _IDENTITIES.items() if name in given), "the identity of this machine")
    return Translated({_NAMES[name]: str(value) for name, value in given.items()} | found, identity)


def _address(account: str, endpoint: str | None) -> dict[str, str]:
    """The option with the address; none where it is that of the public cloud, which `object_store` knows."""
    public = f"https://{account}.blob.{_PUBLIC_SUFFIX}"
    endpoint = (endpoint or public).rstrip("/")
    if any(os.environ.get(name) for name in _OF_ENVIRONMENT):
        return {_ENDPOINT: endpoint, "azure_storage_use_emulator": "false"}  # else its clients look there themselves
    return {} if endpoint == public else {_ENDPOINT: endpoint}


def _of_connection_string(text: str) -> tuple[dict[str, Any], str | None] | None:
    """The options and the address in a connection string; None where it has parts that are unknown."""
    parts = {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in text.split(";") if part.strip())}
    if set(parts) - _OF_CONNECTION_STRING - _OF_OTHER_SERVICES:
        return None
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        proxy = urlsplit(parts.get("developmentstorageproxyuri", _EMULATOR))
        return _emulator_account(), f"{proxy.scheme}://{proxy.hostname}:{urlsplit(_EMULATOR).port}/{_EMULATOR_ACCOUNT}"
    names = {"accountname": "account_name", "accountkey": "account_key", "sharedaccesssignature": "sas_token"}
    given = {name: parts[part] for part, name in names.items() if parts.get(part)}
    endpoint = parts.get("blobendpoint")
    if not endpoint and "account_name" in given:
        protocol, suffix = parts.get("defaultendpointsprotocol", "https"), parts.get("endpointsuffix", _PUBLIC_SUFFIX)
        endpoint = f"{protocol}://{given['account_name']}.blob.{suffix}"
    return given, endpoint or None


def _emulator_account() -> dict[str, Any]:
    return {"account_name": _EMULATOR_ACCOUNT, "account_key": _EMULATOR_KEY}


def _account_of(endpoint: str) -> str:
    """The account in an address: the first name of the host, or of the path where the host holds several accounts, as an emulator does."""
    url = urlsplit(endpoint)
    return url.path.strip("/").partition("/")[0] or str(url.hostname).partition(".")[0]
