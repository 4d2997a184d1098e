"""Archives and lakes in Azure and Google, against emulators: the same rows as from a folder, by whatever way they are named."""

from __future__ import annotations

import io
import shutil
import threading
import zipfile
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import dicomlake
from dicomlake import Lake
from dicomlake.cli import main
from dicomlake.config import ListingSettings, load_settings
from dicomlake.errors import AccessDenied, ConfigurationError, LakeLocked, SourceNotFound
from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.lake import optimize, vacuum, verify
from dicomlake.lake.write.lease import Lease
from dicomlake.parts import Location
from dicomlake.samples import write_sample
from dicomlake.sources import open_source
from tests.clouds.servers import WRONG_KEY, Cloud, CloudBucket
from tests.corpus import write_corpus
from tests.engine.agreement import differing_instances
from tests.engine.builder import E, keys, part10, sound
from tests.engine.conftest import SCHEMA, listing
from tests.run.comparison import Tables, assert_same_tables, whole
from tests.sources.conftest import checked
from tests.stores.fault_proxy import FaultProxy, Trouble

pytestmark = pytest.mark.long

OF_PLACES = ("modified", "etag", "source")
"""Columns of `files` that say where and when a file was stored."""


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The regular files of a small archive with planted defects, as a bucket can hold them."""
    written, folder = (tmp_path_factory.mktemp(name) for name in ("written", "sample"))
    write_sample(written, studies=3)
    for path in sorted(written.rglob("*")):
        if path.is_file() and not path.is_symlink():
            copy = folder / path.relative_to(written)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return folder


def _index(source: str, lake: str, bucket: CloudBucket | None, **overrides: Any) -> dicomlake.Summary:
    options = {} if bucket is None else {"storage_options": bucket.storage_options}
    return dicomlake.index(source, lake=lake, config=load_settings(overrides=options | overrides), workers=0)


def _without_place(tables: Tables, place: str) -> Tables:
    """The tables of a lake with urls relative to the place of its archive."""
    return {
        name: rows.with_columns(pl.col(pl.String).str.replace_all(place, "", literal=True)).drop(OF_PLACES, strict=False)
        for name, rows in tables.items()
    }


def test_an_archive_and_its_lake(bucket: CloudBucket, sample: Path, tmp_path: Path) -> None:
    """Every row is that of the same archive in a folder; a second run reads nothing; a night, upkeep and time travel work."""
    bucket.put_folder(sample, "archive/")
    source, lake = f"{bucket.url}/archive", f"{bucket.url}/lake"
    first = _index(source, lake, bucket)
    _index(str(sample), str(tmp_path / "lake"), None)
    there, here = Lake(lake, bucket.storage_options), Lake(tmp_path / "lake")
    assert_same_tables(_without_place(whole(there), source), _without_place(whole(here), str(sample)))
    again = _index(source, lake, bucket)
    assert (again.files_unchanged, again.bytes_read, again.requests) == (first.files_listed, 0, 0)
    bucket.put("archive/new.dcm", sound())
    assert _index(source, lake, bucket).files_new == 1
    location = Location.of(lake, bucket.storage_options)
    optimize(location)
    vacuum(location, timedelta(0))
    assert verify(location).defects == []
    there = Lake(lake, bucket.storage_options)
    assert there.files.collect().height == first.files_listed + 1
    assert there.at(1).files.collect().height == first.files_listed
    assert there.sql("select count(*) as n from files").collect()["n"].to_list() == [first.files_listed + 1]


def test_commands_find_the_store_in_the_environment(
    bucket: CloudBucket, sample: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command, with the variables that the tools of Azure and Google know, and nothing else."""
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    paths = [path for path in sorted(sample.rglob("*.dcm")) if path.stat().st_size > 2000][:3]
    urls = [bucket.put(f"archive/{number}.dcm", path.read_bytes()) for number, path in enumerate(paths)]
    lake = f"{bucket.url}/lake"
    for _ in range(2):
        assert main(["index", f"{bucket.url}/archive", "--lake", lake, "--workers", "0", "--quiet"]) == 0
    for command in (["info"], ["info", "--snapshots"], ["diff"], ["verify"], ["optimize"], ["vacuum"]):
        assert main([command[0], lake, *command[1:]]) == 0, command
        assert capsys.readouterr().err == ""
    assert main(["query", lake, "select url from files order by url", "--format", "csv"]) == 0
    assert capsys.readouterr().out.split() == ["url", *urls]
    assert main(["inspect", urls[0]]) == 0
    assert urls[0] in capsys.readouterr().out
    instance = Lake(lake).instances.sort("url").collect()["SOPInstanceUID"][0]
    assert Lake(lake).open(instance).SOPInstanceUID == instance
    with dicomlake.open_url(urls[1]) as file:
        assert file.read() == paths[1].read_bytes()


def test_the_emulator_of_azure_by_its_variables(azure_container: CloudBucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As other clients of Azure find it; the variables don't lead the clients of a lake elsewhere."""
    monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
    monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", azure_container.endpoint.rpartition("/")[0])
    azure_container.put("archive/a.dcm", sound())
    abfs = azure_container.url.replace("az:", "abfs:")
    for url, lake in ((azure_container.url, f"{azure_container.url}/lake"), (abfs, f"{abfs}/other"), (abfs, str(tmp_path / "lake"))):
        dicomlake.index(f"{url}/archive", lake=lake, workers=0)
        assert Lake(lake).files.collect()["status"].to_list() == ["indexed"]


def test_sources_of_all_kinds(bucket: CloudBucket, tmp_path: Path) -> None:
    """One file, a glob, a list and an archive are read by the client that is built in."""
    one, _ = bucket.put("a/1.dcm", sound()), bucket.put("a/2.txt", b"x")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inside.dcm", sound())
    whole_zip = bucket.put("zips/b.zip", packed.getvalue())
    bucket.put("lists/list.csv", f"url\n{one}\n".encode())
    expected = {
        one: [one],
        f"{bucket.url}/a/*.dcm": [one],
        f"{bucket.url}/**/*.dcm": [one],
        f"@{bucket.url}/lists/list.csv": [one],
        f"{bucket.url}/zips": [whole_zip, f"zip://inside.dcm::{whole_zip}"],
    }
    for number, (source, urls) in enumerate(expected.items()):
        lake = tmp_path / str(number)
        _index(source, str(lake), bucket)
        files = Lake(lake).files.collect()
        assert sorted(files["url"]) == sorted(urls), source
        assert "indexed" in files["status"].to_list(), source


def test_both_engines(bucket: CloudBucket, sample: Path) -> None:
    """Both find the same; pydicom reads through the client that is built in."""
    paths = sorted(sample.rglob("*.dcm"))[::9]
    urls = [bucket.put(f"{number}.dcm", path.read_bytes()) for number, path in enumerate(paths)]
    request = ScanRequest(SCHEMA, storage_options=bucket.storage_options)
    native, by_pydicom = (make_engine(engine).scan(listing(urls), request) for engine in ("native", "pydicom"))
    assert native.instances.num_rows > 10
    assert differing_instances(native, by_pydicom) == []


def test_requests_a_file(bucket: CloudBucket) -> None:
    """As in S3: at most 1.05 requests and twice the header's bytes, as a proxy counts, where the files of a folder are alike."""
    data = [
        part10(keys() + E.element("PatientComments", "P" * (3000 + n % 90)) + E.element("PixelData", bytes(60_000), "OW"))
        for n in range(200)
    ]
    urls = [bucket.put(f"alike/{number:03}", one) for number, one in enumerate(data)]
    with FaultProxy(bucket.endpoint.removesuffix("/devstoreaccount1")) as proxy:
        request = ScanRequest(SCHEMA, storage_options=bucket.through(proxy.endpoint).storage_options)
        scanned = make_engine("native").scan(listing(urls, [len(one) for one in data]), request)
    assert set(scanned.files["status"].to_pylist()) == {"indexed"}
    gets = [exchange for exchange in proxy.exchanges if exchange.method == "GET"]
    assert len(gets) == len(proxy.exchanges) == sum(scanned.files["requests"].to_pylist())
    assert len(gets) <= 1.05 * len(urls)
    assert sum(get.body_bytes for get in gets) <= 2 * sum(scanned.instances["header_bytes"].to_pylist())


def test_a_tenth_of_all_requests_fails(bucket: CloudBucket, tmp_path: Path) -> None:
    """They are repeated, and every file is read."""
    write_corpus(tmp_path, 60)
    bucket.put_folder(tmp_path, "archive/")
    files = checked(open_source(f"{bucket.url}/archive", ListingSettings(), bucket.storage_options).batches())
    with FaultProxy(bucket.endpoint.removesuffix("/devstoreaccount1"), Trouble(share=0.1, pause_seconds=0.2)) as proxy:
        request = ScanRequest(SCHEMA, storage_options=bucket.through(proxy.endpoint).storage_options)
        scanned = make_engine("native").scan(listing([row["url"] for row in files], [row["file_size"] for row in files]), request)
    assert scanned.files["status"].to_pylist() == ["indexed"] * 60
    assert len({exchange.fault for exchange in proxy.exchanges}) > 2


def test_one_writer_at_a_time(bucket: CloudBucket, tmp_path: Path) -> None:
    """A lease is created only if it is not there, which both stores know how to do."""
    write_corpus(tmp_path, 3)
    location = Location.of(f"{bucket.url}/lake", bucket.storage_options)
    lease = Lease(location)
    assert lease.try_acquire() is None
    assert Lease(location).try_acquire() is not None
    with pytest.raises(LakeLocked, match="is being written by process"):
        _index(str(tmp_path), location.url, bucket)
    lease.release()
    assert _index(str(tmp_path), location.url, bucket).files_indexed == 3


def test_what_is_not_there(bucket: CloudBucket) -> None:
    """An empty prefix; and of Azure, which says so, a container."""
    bucket.put("a/1", b"x")
    with pytest.raises(SourceNotFound, match="nothing"):
        open_source(f"{bucket.url}/nothing", ListingSettings(), bucket.storage_options)
    if bucket.server.scheme == "az":
        with pytest.raises(SourceNotFound, match=r"there is no bucket no-such at http://127\.0\.0\.1:[0-9]+/devstoreaccount1; .* AZURE_"):
            open_source("az://no-such/x", ListingSettings(), bucket.storage_options)


def test_a_key_that_is_refused(azure: Cloud, azure_container: CloudBucket, tmp_path: Path) -> None:
    """One line says which container, as whom, and what to set. It holds no key."""
    azure_container.put("archive/a.dcm", sound())
    write_corpus(tmp_path, 1)
    wrong = CloudBucket(azure, azure_container.name, azure.endpoint, WRONG_KEY)
    for source, lake in ((f"{wrong.url}/archive", str(tmp_path / "lake")), (str(tmp_path), f"{wrong.url}/lake")):
        with pytest.raises(AccessDenied) as refused:
            _index(source, lake, wrong)
        line = str(refused.value)
        assert (
            f"bucket {wrong.name} at {azure.endpoint} refuses the account's key (403 AuthorizationFailure); have access granted, or" in line
        )
        assert "AZURE_STORAGE_CONNECTION_STRING" in line
        assert WRONG_KEY not in line
        assert "\n" not in line


def test_a_google_store_that_refuses(tmp_path: Path) -> None:
    """No emulator of Google refuses anybody, so this server refuses everybody. Nobody else is asked for credentials then."""
    write_corpus(tmp_path, 1)
    with _refuser() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        for source, lake in (("gs://bucket/archive", str(tmp_path / "lake")), (str(tmp_path), "gs://bucket/lake")):
            with pytest.raises(AccessDenied) as refused:
                dicomlake.index(source, lake=lake, storage_options={"endpoint_url": endpoint}, workers=0)
            line = str(refused.value)
            assert f"bucket bucket at {endpoint} refuses nobody in particular (anonymous), since storage_options name no token (403" in line
            assert "\n" not in line
        server.shutdown()


def _refuser() -> ThreadingHTTPServer:
    class Refuser(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code></Error>"
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815 - http.server calls them so

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Refuser)


def test_fake_gcs_server_alone(google: Cloud, google_bucket: CloudBucket, tmp_path: Path) -> None:
    """An archive in it is read without the proxy. It can't keep a lake, and the refusal says so in one line."""
    google_bucket.put("archive/a.dcm", sound())
    alone = google_bucket.through(google.admin_endpoint)
    assert _index(f"{alone.url}/archive", str(tmp_path / "lake"), alone).files_indexed == 1
    with pytest.raises(
        AccessDenied, match=r"does not understand the request \(400\); check the address, and that it can do what Google Cloud"
    ):
        _index(f"{alone.url}/archive", f"{alone.url}/lake", alone)


def test_a_key_without_a_name(google_bucket: CloudBucket) -> None:
    """The client that is built in can't name it. The line names the package that can, which is not installed with dicomlake."""
    google_bucket.put("a/1", b"x")
    google_bucket.server.upload(google_bucket.name, "a//2", b"x")
    with pytest.raises(
        ConfigurationError, match=r"/a holds keys that only gcsfs can name, such as a//b; install it \(pip install gcsfs\), or"
    ):
        checked(open_source(f"{google_bucket.url}/a", ListingSettings(), google_bucket.storage_options).batches())


def test_an_account_that_is_not_named() -> None:
    """One line says which options the built-in client takes."""
    with pytest.raises(ConfigurationError, match=r"takes connection_string, or account_name with .*; check them and the environment"):
        open_source("az://container/a", ListingSettings(), {})
    with pytest.raises(ConfigurationError, match=r"a lake there takes connection_string, or account_name with .*; check them and the env"):
        Lake("az://container/lake", {})
