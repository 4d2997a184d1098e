"""From the SOURCE that the user typed to a source that can be listed."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from dicomlake.config import ListingSettings
from dicomlake.errors import ConfigurationError, DicomlakeError, SourceNotFound
from dicomlake.printable import printable_line
from dicomlake.sources.address import Address, AddressKind, address_of, is_url
from dicomlake.sources.given.dicomdir import ReadFileIDs
from dicomlake.sources.given.given_list import GivenList
from dicomlake.sources.local.file import list_file, refusal
from dicomlake.sources.local.folder import LocalRules, list_folder
from dicomlake.sources.pattern import Pattern
from dicomlake.sources.remote.bucket import BucketListing
from dicomlake.sources.remote.folder import list_root
from dicomlake.sources.remote.root import RemoteRoot
from dicomlake.sources.source import Source
from dicomlake.stores.client import is_object_store, store_of
from dicomlake.urls import carries_credentials


def open_source(
    text: str,
    settings: ListingSettings,
    storage_options: Mapping[str, Any],
    *,
    complete: bool = False,
    exclude: Sequence[str] = (),
    read_file_ids: ReadFileIDs | None = None,
    trusts_order: bool = True,
) -> Source:
    """Resolve a SOURCE, and check that it is there. Nothing is listed yet; ``@-`` reads standard input to its end.

    Args:
        text: a folder, a file, a glob, a url of fsspec, or ``@list.parquet``, ``@list.csv``, ``@list.txt``, ``@DICOMDIR``,
            ``@-``; see `address_of`.
        settings: decides if links to folders are followed.
        storage_options: options for fsspec; see `filesystem_of`.
        complete: whether a list (``@``) names all files of its source; other sources are always listed completely.
        exclude: folders not to be listed, as absolute local paths or urls: the lake itself, if it is below the source.
        trusts_order: whether a store of unknown order is taken to list keys in order; see `BucketListing`.
        read_file_ids: reads the records of a DICOMDIR that is given as a list; see `given.dicomdir`.

    Raises:
        SourceNotFound: it is not there.
        AccessDenied: it is there, or may be, but can't be read.
        ConfigurationError: it can't be understood, a list has no column ``url``, a url carries credentials, a package is missing.
    """
    address = address_of(text)
    if is_url(address.location) and carries_credentials(address.location):
        raise ConfigurationError(
            f"source {printable_line(address.location)} carries credentials, which would be written to the lake; "
            "leave them out and set storage_options in the configuration"
        )
    if address.kind is AddressKind.GIVEN:
        given = GivenList.open(address.location, address.name, storage_options, read_file_ids)
        return Source(address.name, complete, given.batches, messages=given.messages)
    if address.kind is AddressKind.REMOTE:
        return _open_remote(address, storage_options, exclude, trusts_order=trusts_order)
    return _open_local(address, settings, exclude)


def _open_local(address: Address, settings: ListingSettings, exclude: Sequence[str]) -> Source:
    path = address.location
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
        if is_folder:
            os.scandir(path).close()
    except (OSError, ValueError) as error:
        raise refusal(path, error) from None
    if not is_folder:
        if address.pattern:
            raise SourceNotFound(
                f"source {printable_line(address.name)}: {printable_line(path)} is a file, not a folder: nothing can match below it"
            )
        return Source(address.name, whole=True, _list=partial(list_file, path), is_file=True)
    pattern = Pattern(address.pattern) if address.pattern else None
    local = [folder for folder in exclude if not is_url(folder)]
    rules = LocalRules.of(path, local, follow_folder_links=settings.follow_folder_links)
    return Source(address.name, whole=True, _list=partial(list_folder, path, rules, pattern), is_glob=pattern is not None)


def _open_remote(address: Address, storage_options: Mapping[str, Any], exclude: Sequence[str], *, trusts_order: bool) -> Source:
    root = RemoteRoot.of(address.location, storage_options, [folder for folder in exclude if is_url(folder)])
    pattern = Pattern(address.pattern) if address.pattern else None
    goes_deep = pattern is None or pattern.has_any_folders
    is_listed_in_arrow = goes_deep and is_object_store(root.url) and store_of(root.url, storage_options) is not None
    if is_listed_in_arrow and BucketListing.of(root).holds_anything():
        return _of_bucket(address, root, pattern, trusts_order=trusts_order)
    try:
        info = root.info()
    except DicomlakeError as error:
        raise _clearer(root, error) from None
    if address.pattern and not root.is_folder(info):
        raise SourceNotFound(
            f"source {printable_line(address.name)}: {printable_line(root.url)} is a file, not a folder: nothing can match below it"
        )
    if is_listed_in_arrow and root.is_folder(info):
        return _of_bucket(address, root, pattern, trusts_order=trusts_order)
    is_file = not root.is_folder(info)
    return Source(address.name, whole=True, _list=partial(list_root, root, pattern), is_file=is_file, is_glob=pattern is not None)


def _of_bucket(address: Address, root: RemoteRoot, pattern: Pattern | None, *, trusts_order: bool) -> Source:
    listing = BucketListing.of(root, pattern, trusts_order=trusts_order)
    return Source(address.name, whole=True, _list=listing.batches, is_glob=pattern is not None)


def _clearer(root: RemoteRoot, error: DicomlakeError) -> DicomlakeError:
    """The refusal by the store's own client, which knows the identity it used, and whether the bucket exists."""
    if not is_object_store(root.url):
        return error
    try:
        return BucketListing.of(root).why_not() or error
    except DicomlakeError:
        return error
