"""The refusal of an object store as a message for the user: the bucket, the identity, and the settings to change.

The client's own text holds urls and parts of a signed request, so only its codes are shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from dicomlake.errors import AccessDenied, DicomlakeError, SourceNotFound
from dicomlake.printable import printable_line
from dicomlake.stores.client import store_of
from dicomlake.stores.kinds import BUCKET_KINDS, KINDS
from dicomlake.stores.store import ObjectStore

_STATUS = re.compile(r"status code(?:: |\s+↳ )(\d{3})\b|status: (\d{3})")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
REFUSED_CODES = {
    "401",
    "403",
    "407",
    "AccessDenied",
    "AllAccessDisabled",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "AccountIsDisabled",
    "AuthenticationFailed",
    "AuthorizationFailure",
    "AuthorizationPermissionMismatch",
    "InsufficientAccountPermissions",
    "NoAuthenticationInformation",
    "PublicAccessNotPermitted",
}
_NOT_UNDERSTOOD_CODES = {"400", "405", "501"}
NO_BUCKET_CODES = {"NoSuchBucket", "ContainerNotFound"}
_OTHER_REGION = {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}


def store_refusal(url: str, error: BaseException, storage_options: Mapping[str, Any], what: str) -> DicomlakeError:
    """The exception for a request that an object store refused.

    Args:
        url: the url of the source or lake.
        error: the error of the client.
        storage_options: the options of the request.
        what: the beginning of the message, which names the action that failed.
    """
    if isinstance(error, DicomlakeError):
        return error
    store: ObjectStore | None = None
    with suppress(DicomlakeError):
        store = store_of(url, storage_options)
    codes = codes_of(error)
    kind = store.kind if store else BUCKET_KINDS.get(url.partition("://")[0], KINDS[0])
    help_text = kind.help
    bucket = printable_line(store.bucket if store else url)
    said = " ".join(sorted(codes)) or type(error).__name__
    if codes & NO_BUCKET_CODES:
        return SourceNotFound(
            f"{what}: there is no bucket {bucket} {_at(store)}; check its spelling, and {kind.address_variable} or storage_options"
        )
    if codes & REFUSED_CODES or type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError", "PermissionError"):
        identity = store.identity if store else "this user"
        return AccessDenied(f"{what}: bucket {bucket} {_at(store)} refuses {identity} ({said}); have access granted, or {help_text}")
    if codes & _OTHER_REGION:
        asked = (
            f"as if in region {printable_line(store.options['aws_region'])}"
            if store and "aws_region" in store.options
            else "in another region"
        )
        return AccessDenied(
            f"{what}: bucket {bucket} {_at(store)} was asked {asked}, where it is not ({said}); set AWS_REGION, or region_name under "
            "client_kwargs in storage_options"
        )
    if type(error).__name__ in ("NotFoundError", "FileNotFoundError"):
        return SourceNotFound(f"{what}: it is not in bucket {bucket} {_at(store)}; check its spelling")
    if codes & _NOT_UNDERSTOOD_CODES and store is not None and store.endpoint is not None:
        return AccessDenied(
            f"{what}: the server of bucket {bucket} {_at(store)} does not understand the request ({said}); check the address, and that "
            f"it can do what {kind.title.removeprefix('in ')} can"
        )
    return AccessDenied(
        f"{what}: bucket {bucket} {_at(store)} can't be reached ({said}); check the address and the network, or {help_text}"
    )


def codes_of(error: BaseException) -> set[str]:
    """The HTTP status and the store's own code of an error, as far as the client has them."""
    text = _COLOURS.sub("", str(error))
    statuses = {found for groups in _STATUS.findall(text) for found in groups if found}
    return statuses | set(_CODE.findall(text))


def _at(store: ObjectStore | None) -> str:
    if store is None:
        return "in its store"
    return f"at {printable_line(store.endpoint)}" if store.endpoint else store.kind.title
