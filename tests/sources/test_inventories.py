"""Inventories of object stores as listings: each format, what is left out of it, and what is wrong with one."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import fsspec
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest

from dicomlake.errors import ConfigurationError, SourceNotFound
from dicomlake.sources import name_of_source

List = Callable[..., list[dict[str, Any]]]
MOMENT = datetime(2024, 2, 29, 12, 30, 45, tzinfo=UTC)
KEYS = ["b/é 1+2%20&.dcm", 'b/,"quoted"', "a/1.dcm", "z//odd"]
COLUMNS = ["bucket", "key", "version_id", "is_latest", "is_delete_marker", "size", "last_modified_date", "e_tag", "storage_class"]
CSV_NAMES = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass"


def _objects(keys: list[str]) -> list[tuple[Any, ...]]:
    kept = [("bucket", key, "v2", True, False, 10, MOMENT, "e1", "STANDARD") for key in keys]
    return [
        *kept,
        ("bucket", keys[0], "v1", False, False, 9, MOMENT, "e0", "STANDARD"),
        ("bucket", "deleted", "v1", True, True, None, MOMENT, None, None),
        ("bucket", "folder/", "v1", True, False, 0, MOMENT, "e", "STANDARD"),
    ]


def _encoded(rows: list[tuple[Any, ...]], form: str) -> bytes:
    if form == "CSV":
        lines = []
        for bucket, key, version, latest, gone, size, _, etag, storage in rows:
            values = [bucket, quote_plus(key, safe="/"), version, str(latest).lower(), str(gone).lower(), size, "2024-02-29T12:30:45.000Z"]
            lines.append(",".join('"' + ("" if value is None else str(value)) + '"' for value in (*values, etag, storage)))
        return gzip.compress(("\n".join(lines) + "\n").encode())
    types = [pa.string(), pa.string(), pa.string(), pa.bool_(), pa.bool_(), pa.int64(), pa.timestamp("ms"), pa.string(), pa.string()]
    columns = [pa.array(column, type_) for column, type_ in zip(zip(*rows, strict=True), types, strict=True)]
    table = pa.table(dict(zip(COLUMNS, columns, strict=True)))
    sink = pa.BufferOutputStream()
    if form == "Parquet":
        pyarrow.parquet.write_table(table, sink)
    else:
        pyarrow.orc.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def _inventory(form: str) -> dict[str, bytes]:
    """The manifest and two data files of an S3 inventory, by their keys."""
    made: dict[str, bytes] = {}
    for number, keys in enumerate((KEYS[:2], KEYS[2:])):
        made[f"inventories/bucket/nightly/data/{number}.{form.lower()}"] = _encoded(_objects(keys), form)
    files = [
        {"key": key, "size": len(data), "MD5checksum": hashlib.md5(data, usedforsecurity=False).hexdigest()} for key, data in made.items()
    ]
    manifest = {
        "sourceBucket": "bucket",
        "destinationBucket": "arn:aws:s3:::reports",
        "version": "2016-11-30",
        "creationTimestamp": "1709208000000",
        "fileFormat": form,
        "fileSchema": CSV_NAMES if form == "CSV" else "message s3.inventory { required binary bucket (UTF8); }",
        "files": files,
    }
    return {**made, "inventories/bucket/nightly/2024-02-29T01-00Z/manifest.json": json.dumps(manifest).encode()}


def _written(folder: Path, inventory: dict[str, bytes]) -> str:
    for key, data in inventory.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return f"@{folder}/inventories/bucket/nightly/2024-02-29T01-00Z/manifest.json"


@pytest.mark.parametrize("form", ["CSV", "Parquet", "ORC"])
def test_s3_inventories(tmp_path: Path, memory: fsspec.AbstractFileSystem, listed: List, form: str) -> None:
    """In a folder and on a store: current objects, sorted, with size, time and etag; keys of CSV are decoded."""
    inventory = _inventory(form)
    rows = listed(_written(tmp_path, inventory))
    assert [row["url"] for row in rows] == sorted((f"s3://bucket/{key}" for key in KEYS), key=str.encode)
    assert {(row["file_size"], row["modified"], row["etag"], row["code"]) for row in rows} == {(10, MOMENT, "e1", None)}
    for key, data in inventory.items():
        memory.pipe(f"/reports/{key}", data)
    assert listed("@memory://reports/inventories/bucket/nightly/2024-02-29T01-00Z/manifest.json") == rows


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_azure_inventories(tmp_path: Path, listed: List, form: str) -> None:
    """The container is in the name; snapshots, versions that are not current, folders and what is deleted are left out."""
    folder = tmp_path / "2024/02/29/01-00-00/rule"
    folder.mkdir(parents=True)
    milliseconds = int(MOMENT.timestamp() * 1000)
    table = pa.table(
        {
            "Name": [f"container/{name}" for name in ("b é,1", "a", "a", "a", "dir", "gone")],
            "Last-Modified": pa.array([milliseconds] * 6) if form == "parquet" else ["2024-02-29T12:30:45.0000000Z"] * 6,
            "Etag": ["0x8DC"] * 6,
            "Content-Length": [10] * 6,
            "Snapshot": [None, None, "2024-01-01T00:00:00Z", None, None, None],
            "IsCurrentVersion": [True, True, None, False, None, None],
            "hdi_isfolder": [None, None, None, None, True, None],
            "Deleted": [None, False, None, None, None, True],
        }
    )
    if form == "parquet":
        pyarrow.parquet.write_table(table, folder / "rule.parquet")
    else:
        pyarrow.csv.write_csv(table, folder / "rule.csv")
    manifest = {
        "destinationContainer": "inventory",
        "files": [{"blob": f"2024/02/29/01-00-00/rule/rule.{form}", "size": (folder / f"rule.{form}").stat().st_size}],
        "ruleDefinition": {"format": form, "objectType": "blob"},
        "status": "Succeeded",
    }
    (folder / "rule-manifest.json").write_text(json.dumps(manifest))
    rows = listed(f"@{folder}/rule-manifest.json")
    assert [row["url"] for row in rows] == ["az://container/a", "az://container/b é,1"]
    assert {(row["file_size"], row["modified"], row["etag"]) for row in rows} == {(10, MOMENT, "0x8DC")}
    assert name_of_source(f"@{folder}/rule-manifest.json") == f"@{tmp_path}/rule/rule-manifest.json"
    (folder / "rule-manifest.json").write_text(json.dumps({**manifest, "status": "Failed"}))
    with pytest.raises(ConfigurationError, match="ended as Failed"):
        listed(f"@{folder}/rule-manifest.json")


def test_every_night_is_the_same_source() -> None:
    """The date in the path of a manifest is none of its name, so that what vanished since the last one can be known."""
    names = {name_of_source(f"@s3://reports/x/bucket/nightly/{date}/manifest.json") for date in ("2024-02-29T01-00Z", "2024-03-01T01-00Z")}
    assert names == {"@s3://reports/x/bucket/nightly/manifest.json"}


def test_what_is_wrong_with_an_inventory(tmp_path: Path, listed: List) -> None:
    """One line, and not a row before it."""
    inventory = _inventory("CSV")
    first, second, manifest = inventory
    cases: list[tuple[str, bytes, str]] = [
        (second, inventory[second][:-1], r"1\.csv has [0-9,]+ bytes, and the manifest says"),
        (second, inventory[second][:-1] + b"x", "MD5 checksum differs"),
        (manifest, inventory[manifest][:-20], "is not JSON"),
        (manifest, b'{"a": 1}', "neither the manifest"),
        (manifest, b'{"sourceBucket": "b"}', "does not describe its data files"),
        (manifest, inventory[manifest].replace(b'"CSV"', b'"XML"'), "in xml are not read"),
        (manifest, inventory[manifest].replace(b"Bucket, Key", b"Bucket, Name"), "lacks the columns of bucket and key"),
    ]
    for key, data, message in cases:
        with pytest.raises(ConfigurationError, match=message):
            listed(_written(tmp_path, {**inventory, key: data}))
    source = _written(tmp_path, inventory)
    (tmp_path / first).unlink()
    with pytest.raises(SourceNotFound, match=r"0\.csv is not there"):
        listed(source)
    cut = gzip.compress(b'"bucket","a')[:-9]
    files = json.loads(inventory[manifest])["files"]
    bare = {**json.loads(inventory[manifest]), "files": [{"key": files[0]["key"]}]}
    with pytest.raises(ConfigurationError, match="can't be read as csv"):
        listed(_written(tmp_path, {first: cut, manifest: json.dumps(bare).encode()}))
