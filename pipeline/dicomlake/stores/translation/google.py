"""Google Cloud Storage: translation of gcsfs's options, and of the credentials of Google's tools, into options of `object_store`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dicomlake.stores.translation.translated import Translated, relevant

_ANONYMOUS = ("anon",)


def translated(_bucket: str, options: Mapping[str, Any]) -> Translated | None:
    """The options of a bucket; None if only gcsfs understands them.

    Without options, `object_store` finds credentials as Google's tools do: the login of this account (application default credentials),
    then the role of the machine.
    """
    given = relevant(options)
    if set(given) - {"token", "anon"}:
        return None
    token = given.get("token")
    if given.get("anon") or token in _ANONYMOUS:
        return Translated({"google_skip_signature": "true"}, "nobody in particular (anonymous)")
    if token in (None, "google_default"):
        path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        if path is None:
            return Translated({}, "Google's default credentials")
        return Translated({"google_application_credentials": path}, "the credentials that GOOGLE_APPLICATION_CREDENTIALS names")
    if isinstance(token, str) and Path(token).is_file():
        return Translated({"google_application_credentials": token}, "the credentials that storage_options name")
    return None
