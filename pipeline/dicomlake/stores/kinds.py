"""The kinds of store, a row each. A new kind needs a row here and a module that translates its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dicomlake.stores.translation import azure, google, s3
from dicomlake.stores.translation.translated import KeyOrder, Translated


@dataclass(frozen=True)
class StoreKind:
    """A kind of store.

    Attributes:
        name: its name in the compiled core.
        title: the location of its buckets in messages.
        schemes: the schemes of its urls, each with its spelling in the lake.
        help: the settings to check after a refusal.
        translate: turns fsspec's options of a bucket into those of `object_store`, or None if only fsspec understands them.
        client: the class of obstore; None for a kind that can't list keys.
        other_schemes: schemes that only fsspec opens.
        key_order: the order in which a bucket lists keys, by its name and options.
        lake_options: further options that a lake needs.
        endpoint: the option of `object_store` with the address of another server than the cloud's own.
        address_variable: the environment variable with that address.
        allow_http: the option by which clients of lakes may use plain HTTP.
        takes: the options that `translate` understands.
        fsspec_package: the package of fsspec's filesystem, where dicomlake comes without it: then obstore reads folders, lists and
            archives too.
    """

    name: str
    title: str
    schemes: Mapping[str, str]
    help: str
    translate: Callable[[str, Mapping[str, Any]], Translated | None]
    client: str | None
    other_schemes: tuple[str, ...] = ()
    key_order: Callable[[str, Mapping[str, str]], KeyOrder] = lambda _bucket, _options: KeyOrder.NOT_KNOWN
    lake_options: Mapping[str, str] = field(default_factory=dict)
    endpoint: str = ""
    address_variable: str = ""
    allow_http: str = ""
    takes: str = ""
    fsspec_package: str = ""


KINDS = (
    StoreKind(
        "s3",
        "in Amazon S3",
        {"s3": "s3", "s3a": "s3"},
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL for another store, or storage_options",
        s3.translated,
        "S3Store",
        key_order=s3.key_order,
        lake_options={"aws_conditional_put": "etag"},  # also against the environment: without it commits are lost
        endpoint="aws_endpoint",
        address_variable="AWS_ENDPOINT_URL",
        allow_http="aws_allow_http",
        takes="keys, tokens, profile, region, endpoint_url and addressing_style",
    ),
    StoreKind(
        "gs",
        "in Google Cloud Storage",
        {"gs": "gs", "gcs": "gs"},
        "set GOOGLE_APPLICATION_CREDENTIALS, STORAGE_EMULATOR_HOST for an emulator, or storage_options",
        google.translated,
        "GCSStore",
        key_order=google.key_order,
        endpoint="google_base_url",
        address_variable="STORAGE_EMULATOR_HOST",
        allow_http="google_allow_http",
        takes="endpoint_url and token, which names a file or is anon",
        fsspec_package="gcsfs",
    ),
    StoreKind(
        "az",
        "in Azure Storage",
        {"az": "az", "abfs": "abfs"},
        "set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or storage_options",
        azure.translated,
        "AzureStore",
        other_schemes=("abfss", "adl"),
        endpoint="azure_storage_endpoint",
        address_variable="AZURE_STORAGE_CONNECTION_STRING",
        allow_http="azure_allow_http",
        takes="connection_string, or account_name with account_key, sas_token or a client, and account_host",
        fsspec_package="adlfs",
    ),
    StoreKind(
        "http",
        "on the web",
        {"http": "http", "https": "https"},
        "only files that anybody may read can be read from web servers",
        lambda _server, options: None if options else Translated({}, "anybody"),
        None,
    ),
)

KIND_OF_SCHEME = {scheme: kind for kind in KINDS for scheme in kind.schemes}
"""The kinds of the urls that the compiled core reads."""
BUCKET_KINDS = {scheme: kind for kind in KINDS if kind.client is not None for scheme in (*kind.schemes, *kind.other_schemes)}
"""The kinds of the urls that name a bucket, with the schemes that only fsspec opens."""
CANONICAL_SCHEMES = {scheme: spelt for kind in KINDS for scheme, spelt in kind.schemes.items() if spelt != scheme}
"""The spelling in the lake of schemes with several names."""
