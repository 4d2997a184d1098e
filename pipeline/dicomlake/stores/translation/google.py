"""Google Cloud Storage: translation of gcsfs's options, and of the credentials of Google's tools, into options of `object_store`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dicomlake.stores.translation.translated import KeyOrder, Translated, is_address, relevant

_ANONYMOUS = ("anon",)
_ENDPOINT = "google_base_url"
_GOOGLE = ".googleapis.com"
_NOBODY = "nobody in particular (anonymous)"

_NO_ACCOUNT = {"private_key": "", "private_key_id": "", "client_email": "", "disable_oauth": True}
_WITHOUT_CREDENTIALS = {"google_skip_signature": "true", "google_service_account_key": json.dumps(_NO_ACCOUNT)}
"""`object_store` heeds the first option where it reads. Before it writes, it asks for the machine's role; the second stops that."""


def translated(_bucket: str, options: Mapping[str, Any]) -> Translated | None:
    """The options of a bucket; None if only gcsfs understands them.

    Without options, `object_store` finds credentials as Google's tools do: the login of this account (application default credentials),
    then the role of the machine. Another server than Google's, such as an emulator, gets only credentials that are named for it.
    """
    given = relevant(options)
    if set(given) - {"token", "anon", "endpoint_url"}:
        return None
    endpoint = _endpoint(given)
    if endpoint is not None and not is_address(endpoint):
        return None
    address = {} if endpoint is None else {_ENDPOINT: endpoint}
    token = given.get("token")
    if given.get("anon") or token in _ANONYMOUS:
        return Translated(_WITHOUT_CREDENTIALS | address, _NOBODY)
    if token is None and endpoint is not None and not _is_google(endpoint):
        return Translated(_WITHOUT_CREDENTIALS | address, f"{_NOBODY}, since storage_options name no token")
    if token in (None, "google_default"):
        path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        if path is None:
            return Translated(address, "Google's default credentials")
        return Translated({"google_application_credentials": path, **address}, "the credentials that GOOGLE_APPLICATION_CREDENTIALS names")
    if isinstance(token, str) and Path(token).is_file():
        return Translated({"google_application_credentials": token, **address}, "the credentials that storage_options name")
    return None


def key_order(_bucket: str, options: Mapping[str, str]) -> KeyOrder:
    """The order in which a bucket lists keys. Emulators take the key to begin after, and do not heed it."""
    endpoint = options.get(_ENDPOINT)
    return KeyOrder.BYTES if endpoint is None or _is_google(endpoint) else KeyOrder.NOT_KNOWN


def _endpoint(given: Mapping[str, Any]) -> str | None:
    """The address in the options, else in the environment: Google's clients know the first variable, those of `object_store` the second."""
    emulator = os.environ.get("STORAGE_EMULATOR_HOST")
    if emulator and "://" not in emulator:
        emulator = f"http://{emulator}"
    found = given.get("endpoint_url") or emulator or os.environ.get("GOOGLE_BASE_URL")
    return str(found).rstrip("/") if found else None


def _is_google(endpoint: str) -> bool:
    return (urlsplit(endpoint).hostname or "").endswith(_GOOGLE)
