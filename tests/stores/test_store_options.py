"""Which stores the core reads, as whom and how: options in fsspec's words, and what the tools of AWS, Google and Azure would find."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dicomlake.config import ListingSettings, Settings
from dicomlake.errors import ConfigurationError
from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.schema import LakeSchema
from dicomlake.sources import open_source
from dicomlake.stores import ObjectStore, object_store_options, stores_of
from dicomlake.stores.options import resolved
from dicomlake.stores.translation import azure, google
from tests.engine.builder import sound
from tests.engine.conftest import SCHEMA, listing
from tests.stores.servers import ACCESS_KEY, SECRET_KEY, Bucket

KEYS = {"key": "AK", "secret": "SK"}
SIGNED = {"aws_access_key_id": "AK", "aws_secret_access_key": "SK"}
HOST = "http://127.0.0.1:1"
N = {"azure_storage_account_name": "n", "azure_storage_account_key": "k=="}
N_HERE = N | {"azure_storage_endpoint": f"{HOST}/n"}
ANONYMOUS = google._WITHOUT_CREDENTIALS
EMULATED = {"azure_storage_account_name": "devstoreaccount1", "azure_storage_account_key": azure._EMULATOR_KEY}
HERE = {"aws_endpoint": "http://127.0.0.1:1", "aws_region": "us-east-1"}


def _store(url: str, options: dict[str, Any]) -> ObjectStore | None:
    stores = stores_of(pa.array([url, url]), options)
    assert len(stores) <= 1
    return stores[0] if stores else None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (KEYS, SIGNED),
        ({"s3": KEYS, "gs": {"token": "anon"}}, SIGNED),
        ({"s3": {"key": "no"}, **KEYS}, SIGNED),
        (KEYS | {"token": "T"}, SIGNED | {"aws_session_token": "T"}),
        ({"anon": True}, {"aws_skip_signature": "true"}),
        (KEYS | {"endpoint_url": "http://127.0.0.1:1/"}, SIGNED | HERE),
        (KEYS | {"client_kwargs": {"endpoint_url": "http://127.0.0.1:1", "region_name": "eu"}}, SIGNED | HERE | {"aws_region": "eu"}),
        (KEYS | {"requester_pays": True, "default_block_size": 5}, SIGNED | {"aws_request_payer": "true"}),
        (
            KEYS | {"endpoint_url": "https://s.example", "config_kwargs": {"s3": {"addressing_style": "virtual"}}},
            SIGNED | HERE | {"aws_endpoint": "https://bucket.s.example", "aws_virtual_hosted_style_request": "true"},
        ),
    ],
)
def test_words_of_s3fs(options: dict[str, Any], expected: dict[str, str]) -> None:
    """Options of s3fs reach the core as options of object_store."""
    store = _store("s3://bucket/a/b.dcm", options)
    assert store is not None
    assert (store.kind.name, store.prefix, store.bucket, dict(store.options)) == ("s3", "s3://bucket/", "bucket", expected)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://bucket/a", KEYS | {"s3_additional_kwargs": {"SSECustomerAlgorithm": "AES256"}}),
        ("s3://bucket/a", KEYS | {"client_kwargs": {"verify": False}}),
        ("s3://bucket/a", KEYS | {"config_kwargs": {"proxies": {}}}),
        ("s3://bucket/a", KEYS | {"endpoint_url": "store.example"}),
        ("s3://bucket/a", KEYS | {"assumed_role_arn": "arn"}),
        ("gs://bucket/a", {"token": {"type": "service_account"}}),
        ("az://container/a", {}),
        ("gs://bucket/a", {"endpoint_url": "ftp://127.0.0.1:1"}),
        ("az://container/a", {"connection_string": "AccountName=a;AccountKey=b;Colour=blue"}),
        ("az://container/a", {"connection_string": "AccountKey=b"}),
        ("az://container/a", {"connection_string": "AccountKey=b;BlobEndpoint=a.example"}),
        ("az://container/a", {"account_name": "a", "account_key": "b", "location_mode": "secondary"}),
        ("https://host/a", {"headers": {"Authorization": "x"}}),
        ("https://user:password@host/a", {}),
        ("memory://a/b", {}),
        ("zip://a::s3://bucket/a.zip", KEYS),
        ("/a/b", {}),
    ],
)
def test_what_is_left_to_fsspec(url: str, options: dict[str, Any]) -> None:
    """Options that have no counterpart, and urls that are not object's, are left to those who know what they mean."""
    assert _store(url, options) is None


@pytest.mark.parametrize(
    ("url", "options", "kind", "expected"),
    [
        ("gs://bucket/a", {"token": "anon"}, "gs", ANONYMOUS),
        ("gs://bucket/a", {"project": "p"}, "gs", {}),
        (
            "az://c/a",
            {"account_name": "n", "account_key": "k"},
            "az",
            {"azure_storage_account_name": "n", "azure_storage_account_key": "k"},
        ),
        ("az://c/a", {"account_name": "n", "anon": True}, "az", {"azure_storage_account_name": "n", "azure_skip_signature": "true"}),
        (
            "abfs://c/a",
            {"connection_string": "DefaultEndpointsProtocol=https;AccountName=n;AccountKey=k==;EndpointSuffix=core.windows.net"},
            "az",
            {"azure_storage_account_name": "n", "azure_storage_account_key": "k=="},
        ),
        ("gs://bucket/a", {"endpoint_url": "http://127.0.0.1:1/"}, "gs", ANONYMOUS | {"google_base_url": HOST}),
        (
            "gs://bucket/a",
            {"endpoint_url": "https://x.p.googleapis.com"},
            "gs",
            {"google_base_url": "https://x.p.googleapis.com"},
        ),
        ("gs://bucket/a", {"endpoint_url": HOST, "token": "google_default"}, "gs", {"google_base_url": HOST}),
        ("az://c/a", {"connection_string": f"AccountName=n;AccountKey=k==;BlobEndpoint={HOST}/n/;QueueEndpoint={HOST}/n"}, "az", N_HERE),
        ("az://c/a", {"connection_string": f"blobendpoint={HOST}/n;accountkey=k=="}, "az", N_HERE),
        (
            "az://c/a",
            {"connection_string": "BlobEndpoint=https://n.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=x%3D"},
            "az",
            {"azure_storage_account_name": "n", "azure_storage_sas_key": "sv=1&sig=x%3D"},
        ),
        (
            "az://c/a",
            {"connection_string": "AccountName=n;AccountKey=k==;EndpointSuffix=core.chinacloudapi.cn"},
            "az",
            N | {"azure_storage_endpoint": "https://n.blob.core.chinacloudapi.cn"},
        ),
        (
            "az://c/a",
            {"connection_string": "DefaultEndpointsProtocol=http;AccountName=n;AccountKey=k==;EndpointSuffix=core.usgovcloudapi.net"},
            "az",
            N | {"azure_storage_endpoint": "http://n.blob.core.usgovcloudapi.net"},
        ),
        (
            "az://c/a",
            {"connection_string": "UseDevelopmentStorage=true"},
            "az",
            EMULATED | {"azure_storage_endpoint": "http://127.0.0.1:10000/devstoreaccount1"},
        ),
        (
            "az://c/a",
            {"connection_string": "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite"},
            "az",
            EMULATED | {"azure_storage_endpoint": "http://azurite:10000/devstoreaccount1"},
        ),
        (
            "az://c/a",
            {"account_name": "n", "account_key": "k==", "account_host": "n.privatelink.example"},
            "az",
            N | {"azure_storage_endpoint": "https://n.privatelink.example"},
        ),
        ("az://c/a", {"account_key": "k==", "account_host": "n.blob.core.windows.net"}, "az", N),
        (
            "az://c/a",
            {"account_host": "n.blob.core.usgovcloudapi.net", "client_id": "c", "client_secret": "s", "tenant_id": "t"},
            "az",
            {
                "azure_storage_account_name": "n",
                "azure_storage_client_id": "c",
                "azure_storage_client_secret": "s",
                "azure_storage_tenant_id": "t",
                "azure_storage_endpoint": "https://n.blob.core.usgovcloudapi.net",
                "azure_storage_authority_host": "https://login.microsoftonline.us",
            },
        ),
        ("https://host:8443/a/b", {}, "http", {}),
    ],
)
def test_words_of_others(url: str, options: dict[str, Any], kind: str, expected: dict[str, str]) -> None:
    """Likewise for gcsfs, adlfs and web servers."""
    store = _store(url, options)
    assert store is not None
    assert (store.kind.name, dict(store.options)) == (kind, expected)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("gs://bucket/a", {"token": "anon"}),
        ("az://container/a", {"account_name": "name", "account_key": "a2V5"}),
        ("gs://bucket/a", {"endpoint_url": HOST}),
        ("az://container/a", {"account_name": "name", "client_id": "c", "client_secret": "s", "tenant_id": "t"}),
        ("az://container/a", {"account_host": "n.blob.core.chinacloudapi.cn", "client_id": "c", "client_secret": "s", "tenant_id": "t"}),
        ("az://container/a", {"connection_string": "UseDevelopmentStorage=true"}),
        ("s3://bucket/a", KEYS | {"requester_pays": True, "token": "T", "endpoint_url": "http://127.0.0.1:1"}),
    ],
)
def test_the_core_knows_every_option(url: str, options: dict[str, Any]) -> None:
    """The core sets a store up with what it is given; an empty object needs no request, so that no store has to be there."""
    files = make_engine("native").scan(listing([url], [0]), ScanRequest(SCHEMA, storage_options=options)).files
    assert files["code"].to_pylist() == ["empty-file"]


def test_credentials_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Environment, then profiles, then nobody; addresses in the order of AWS's tools; what is named in the options comes first."""
    nobody = _store("s3://bucket/a", {})
    assert nobody is not None
    assert dict(nobody.options) == {"aws_skip_signature": "true"}
    assert "no credentials were found" in nobody.identity
    (tmp_path / "no-credentials").write_text(
        "[default]\naws_access_key_id=D\naws_secret_access_key=DS\n[lab]\naws_access_key_id=L\naws_secret_access_key=LS\n"
    )
    (tmp_path / "no-config").write_text(
        "[profile lab]\nregion=eu-north-1\nservices=here\nendpoint_url=http://127.0.0.1:3\n[services here]\ns3 =\n  endpoint_url = http://127.0.0.1:2\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "lab")
    lab = _store("s3://bucket/a", {})
    assert lab is not None
    assert "profile 'lab'" in lab.identity
    expected = {"aws_access_key_id": "L", "aws_secret_access_key": "LS", "aws_region": "eu-north-1", "aws_endpoint": "http://127.0.0.1:2"}
    assert dict(lab.options) == expected
    default = _store("s3://bucket/a", {"profile": "default"})
    assert default is not None
    assert dict(default.options) == {"aws_access_key_id": "D", "aws_secret_access_key": "DS"}
    monkeypatch.delenv("AWS_PROFILE")
    for name, value in {"AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "ES", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    of_environment = _store("s3://bucket/a", {})
    assert of_environment is not None
    assert dict(of_environment.options) == HERE | {"aws_access_key_id": "E", "aws_secret_access_key": "ES"}
    assert of_environment.identity == "the keys of the environment"
    with pytest.raises(ConfigurationError, match="there is no AWS profile 'none'"):
        _store("s3://bucket/a", {"profile": "none"})


@pytest.mark.parametrize(
    ("url", "options", "variables", "expected"),
    [
        ("gs://b/a", {}, {"STORAGE_EMULATOR_HOST": "127.0.0.1:1"}, ANONYMOUS | {"google_base_url": HOST}),
        ("gs://b/a", {"token": "anon"}, {"STORAGE_EMULATOR_HOST": HOST}, ANONYMOUS | {"google_base_url": HOST}),
        ("gs://b/a", {}, {"GOOGLE_BASE_URL": "https://x.p.googleapis.com"}, {"google_base_url": "https://x.p.googleapis.com"}),
        (
            "gs://b/a",
            {"endpoint_url": "https://own.example"},
            {"STORAGE_EMULATOR_HOST": HOST, "GOOGLE_BASE_URL": HOST},
            ANONYMOUS | {"google_base_url": "https://own.example"},
        ),
        ("az://c/a", {}, {"AZURE_STORAGE_CONNECTION_STRING": f"AccountName=n;AccountKey=k==;BlobEndpoint={HOST}/n"}, N_HERE),
        (
            "az://c/a",
            {},
            {"AZURE_STORAGE_USE_EMULATOR": "true", "AZURE_STORAGE_CONNECTION_STRING": "AccountName=real;AccountKey=k"},
            EMULATED | {"azure_storage_endpoint": "http://127.0.0.1:10000/devstoreaccount1", "azure_storage_use_emulator": "false"},
        ),
        (
            "az://c/a",
            {"account_name": "n", "account_key": "k=="},
            {"AZURE_STORAGE_USE_EMULATOR": "1", "AZURITE_BLOB_STORAGE_URL": HOST + "/"},
            N_HERE | {"azure_storage_use_emulator": "false"},
        ),
        ("az://c/a", {"account_name": "n", "account_key": "k=="}, {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=o;AccountKey=o"}, N),
        (
            "az://c/a",
            {"account_name": "n", "account_key": "k=="},
            {"AZURE_STORAGE_ENDPOINT": f"{HOST}/n"},
            N_HERE | {"azure_storage_use_emulator": "false"},
        ),
        (
            "az://c/a",
            {"connection_string": "AccountName=n;AccountKey=k=="},
            {"AZURE_STORAGE_ENDPOINT": "https://other.example", "AZURE_STORAGE_USE_EMULATOR": "true"},
            N | {"azure_storage_endpoint": "https://n.blob.core.windows.net", "azure_storage_use_emulator": "false"},
        ),
    ],
)
def test_addresses_of_the_environment(
    url: str, options: dict[str, Any], variables: dict[str, str], expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Emulators and other addresses in the variables that the tools of Google and Azure know; what the options name comes first.

    The clients of lakes look at some of these variables themselves: then the address is always named, so that all clients use the same.
    """
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    store = _store(url, options)
    assert store is not None
    assert dict(store.options) == expected


@pytest.mark.parametrize(
    ("url", "options", "allowed"),
    [
        ("gs://bucket/lake", {"endpoint_url": "http://127.0.0.1:1"}, {"google_allow_http": "true"}),
        ("gs://bucket/lake", {"endpoint_url": "https://127.0.0.1:1"}, {}),
        ("gs://bucket/lake", {"token": "anon"}, {}),
        ("az://container/lake", {"connection_string": "UseDevelopmentStorage=true"}, {"azure_allow_http": "true"}),
        ("az://container/lake", {"connection_string": "AccountName=n;AccountKey=a2V5"}, {}),
        ("s3://bucket/lake", KEYS | {"endpoint_url": "http://127.0.0.1:1"}, {"aws_allow_http": "true", "aws_conditional_put": "etag"}),
        ("s3://bucket/lake", KEYS, {"aws_conditional_put": "etag"}),
    ],
)
def test_plain_http_only_where_the_address_says_so(url: str, options: dict[str, Any], allowed: dict[str, str]) -> None:
    """Else a lake's client could be led from an encrypted connection to a plain one."""
    store = _store(f"{url}/a", options)
    assert store is not None
    assert object_store_options(url, options) == {**store.options, **allowed}
    assert store.is_plain == any(name.endswith("allow_http") for name in allowed)


def test_a_bucket_by_the_environment_alone(monkeypatch: pytest.MonkeyPatch, signed_bucket: Bucket) -> None:
    """A store is reached with nothing but the variables that every tool knows."""
    for name, value in signed_bucket.environment.items():
        monkeypatch.setenv(name, value)
    url = signed_bucket.put("a", sound())
    assert make_engine("native").scan(listing([url]), ScanRequest(SCHEMA)).files["status"].to_pylist() == ["indexed"]


def test_references_to_the_environment(monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
    """A reference is looked up where a store is opened, and nowhere else does the secret stand."""
    monkeypatch.setenv("STORE_SECRET", SECRET_KEY)
    options = bucket.storage_options | {"secret": "${STORE_SECRET}"}
    assert resolved({"a": {"b": "x${STORE_SECRET}y"}, "c": 1}) == {"a": {"b": f"x{SECRET_KEY}y"}, "c": 1}
    settings = Settings(storage_options=options)
    request = ScanRequest(LakeSchema.build(), storage_options=settings.storage_options)
    (store,) = stores_of(pa.array([bucket.url + "/a"]), options)
    assert store.options["aws_secret_access_key"] == SECRET_KEY
    for shown in (repr(settings), repr(request), repr(store), settings.model_dump_json(), pickle.dumps(request).decode("latin-1")):
        assert SECRET_KEY not in shown
    for shown in (repr(settings), repr(request), repr(store)):
        assert ACCESS_KEY not in shown
    assert settings.digest() == Settings().digest()
    bucket.put("a", sound())
    listed = [row["url"] for batch in open_source(bucket.url, ListingSettings(), options).batches() for row in batch.to_pylist()]
    for engine in ("native", "pydicom"):
        assert make_engine(engine).scan(listing(listed), request).files["status"].to_pylist() == ["indexed"]
    monkeypatch.delenv("STORE_SECRET")
    with pytest.raises(
        ConfigurationError, match=r"storage_options\.secret refers to the environment variable STORE_SECRET, which is not set"
    ):
        make_engine("native").scan(listing(listed), request)
    with pytest.raises(ConfigurationError, match=r"write a reference .* as \$\{NAME\}"):
        resolved({"a": "${not a name}"})
