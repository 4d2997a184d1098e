"""Filesystems of fsspec for urls, and their many kinds of errors as messages for the user."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import fsspec
from fsspec.core import split_protocol, url_to_fs

from dicomlake.errors import AccessDenied, ConfigurationError, DicomlakeError, SourceNotFound
from dicomlake.printable import printable_line
from dicomlake.stores.built_in import built_in_filesystem
from dicomlake.stores.kinds import BUCKET_KINDS, StoreKind
from dicomlake.stores.options import resolved, secrets_of
from dicomlake.stores.refusal import NO_BUCKET_CODES, REFUSED_CODES

_ABSENT_CODES = {"404", "410", "NoSuchKey", *NO_BUCKET_CODES}
_UNKNOWN_OPTION = re.compile(r"unexpected keyword argument '([^']{1,60})'")


def filesystem_of(url: str, storage_options: Mapping[str, Any], *, is_built_in: bool = True) -> tuple[fsspec.AbstractFileSystem, str]:
    """A new filesystem for a url, without cached listings, and the path of the url in it.

    Buckets of Google and Azure are read by the client that is built in, all others by fsspec.

    Args:
        url: as ``fsspec.open`` takes it, chains included.
        storage_options: as fsspec takes them: for the first filesystem of the url, or under the name of a protocol for that protocol.
        is_built_in: whether that client may be used.

    Raises:
        ConfigurationError: the protocol is unknown or its package is missing.
        AccessDenied, SourceNotFound: the filesystem can't be set up.
    """
    built_in = built_in_filesystem(url, storage_options, is_cached=False) if is_built_in else None
    if built_in is not None:
        return built_in
    try:
        filesystem, path = url_to_fs(url, **{**options_of(url, resolved(storage_options)), "skip_instance_cache": True})
    except Exception as error:  # noqa: BLE001  (each fsspec implementation raises what it likes)
        raise refusal(url, error, storage_options) from None
    return filesystem, path


def options_of(url: str, storage_options: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the storage options without those of protocols that the url does not use."""
    used = {split_protocol(part)[0] or part for part in url.split("::")}
    known = set(fsspec.available_protocols())
    return {
        key: copy.deepcopy(value)
        for key, value in storage_options.items()
        if not (isinstance(value, Mapping) and key in known and key not in used)
    }


def refusal(url: str, error: BaseException, storage_options: Mapping[str, Any]) -> DicomlakeError:
    """The exception for a url that can't be listed, with advice and without any credential."""
    where = printable_line(url)
    kind = _kind(url)
    help_text = kind.help if kind else "set storage_options in the configuration"
    if isinstance(error, DicomlakeError):
        return error
    if isinstance(error, ImportError):
        takes = (
            f"the client that is built in takes {kind.takes}; check them and the environment, or: " if kind and kind.fsspec_package else ""
        )
        return ConfigurationError(f"source {where}: {takes}{printable_line(error)}")
    if isinstance(error, ValueError) and "rotocol" in str(error):
        return ConfigurationError(f"source {where}: {printable_line(error)}; the documentation of fsspec lists the protocols")
    if unknown := _UNKNOWN_OPTION.search(str(error)) if isinstance(error, TypeError) else None:
        return ConfigurationError(
            f"storage_options for {where}: option {printable_line(unknown[1])} is unknown to its filesystem; check its spelling"
        )
    cause = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ is not None else error
    if _is_refusal(cause):
        return AccessDenied(f"no access to source {where}: {_text(cause, storage_options)}; {help_text}")
    if _is_absence(cause):
        bucket = urlsplit(url).netloc
        hint = f" (bucket {printable_line(bucket)}), and that it is not empty" if kind else ""
        return SourceNotFound(f"source {where} is not there; check its spelling{hint}")
    return AccessDenied(
        f"source {where} can't be listed: {_text(cause, storage_options)}; check the address and the network, or {help_text}"
    )


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, PermissionError) or _codes(error) & REFUSED_CODES != set() or "Credential" in type(error).__name__


def _is_absence(error: BaseException) -> bool:
    """Whether a url is really not there: an http filesystem also calls an unreachable host not found."""
    return isinstance(error, FileNotFoundError) or _codes(error) & _ABSENT_CODES != set()


def _codes(error: BaseException) -> set[str]:
    """The status of an http error, or the code of an error of botocore."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, Mapping) else None
    return {str(getattr(error, "status", None)), str(code)}


def _kind(url: str) -> StoreKind | None:
    return BUCKET_KINDS.get(split_protocol(url.rsplit("::", 1)[-1])[0] or "file")


def _text(error: BaseException, storage_options: Mapping[str, Any]) -> str:
    return printable_line(error, secrets_of(resolved(storage_options))) or type(error).__name__
