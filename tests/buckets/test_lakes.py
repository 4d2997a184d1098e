"""Lakes in buckets: the same tables as in a folder, whoever writes, and whatever the store does to requests."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pyarrow as pa
import pytest
from obstore.store import LocalStore

from dicomlake import Lake
from dicomlake.cli import main
from dicomlake.errors import AccessDenied, ConfigurationError, LakeChanged, LakeLocked, SourceNotFound
from dicomlake.lake import LakeWriter, Table, optimize, vacuum, verify
from dicomlake.lake.write import lease
from dicomlake.lake.write.lease import Lease
from dicomlake.parts import Layout, Location, PartWriter
from dicomlake.parts.write import writing
from dicomlake.run import IndexRequest, run_index
from dicomlake.runner import SerialRunner
from dicomlake.samples import write_sample
from dicomlake.schema import table_names
from dicomlake.stores import StoreFilesystem, renewed
from tests.buckets.conftest import BucketNights
from tests.buckets.servers import HeedlessProxy, troubled
from tests.run.comparison import assert_same_lake
from tests.run.faults import VACUUM, Killed
from tests.stores.fault_proxy import Fault
from tests.stores.servers import Bucket, Server

pytestmark = pytest.mark.long


def _write(nights: BucketNights, *numbers: int, **more: Any) -> None:
    for number in numbers:
        nights.archive.write(
            f"{number}", SOPInstanceUID=f"1.{number}", SeriesInstanceUID="2", StudyInstanceUID="3", PatientID="P", Modality="CT", **more
        )


@pytest.mark.long
def test_the_same_lake_as_in_a_folder(nights: BucketNights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nights, optimize, vacuum and time travel; nothing is left behind but the lake and its lease."""
    _write(nights, 1, 2, 3, 4)
    nights.run()
    _write(nights, 4, 5, KVP=1.0)
    second = nights.run()
    assert (second.files_new, second.files_changed, second.files_unchanged) == (1, 1, 3)
    local = Location.of(tmp_path / "folder")
    nights.run(lake=local)
    lake = Lake(nights.location.url, nights.location.storage_options)
    assert_same_lake(lake, Lake(local.url))
    assert lake.at(1).instances.collect().height == 4
    assert optimize(nights.location).snapshot == 3
    assert lake.sql("select count(*) as n from instances").collect()["n"].to_list() == [5]
    stray = f"lake/instances/part-{'0' * 32}.parquet"
    nights.bucket.put(stray, b"what a run that died had written")
    assert any("no version names" in note for note in verify(nights.location).notes)
    monkeypatch.setattr(VACUUM, "READER_TIME", timedelta())
    report = vacuum(nights.location, timedelta(0))
    assert report.closed == (1, 2)
    assert stray in nights.keys_below()  # a run may be about to commit it
    assert_same_lake(Lake(nights.location.url, nights.location.storage_options), Lake(local.url))
    assert {key.split("/")[1] for key in nights.keys_below()} == {".lease", *lake.table_versions, "snapshots"}
    assert len(nights.keys_below("lake/.lease/")) == 1


def test_one_writer_at_a_time(nights: BucketNights, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is told who writes; one that was given back is free, one that died on this machine too, one elsewhere after a minute."""
    first, second = Lease(nights.location), Lease(nights.location)
    assert first.try_acquire() is None
    assert first.is_contested  # nobody gave back a lease before
    holder = second.try_acquire()
    assert holder is not None
    assert f"process {os.getpid()} on " in holder
    with pytest.raises(LakeLocked, match=f"is being written by process {os.getpid()} on .* since .* UTC; run again"):
        nights.run()
    first.release()
    assert second.try_acquire() is None
    assert not second.is_contested
    monkeypatch.setattr(lease, "_machine", lambda: "another machine")
    assert first.try_acquire() is not None
    monkeypatch.setattr(lease, "GIVEN_UP", timedelta(seconds=-5))
    assert first.try_acquire() is None
    assert first.is_contested
    first.release(clean=False)
    assert second.try_acquire() is None
    assert second.is_contested
    second.release()


def test_a_number_of_a_process_that_another_has_now(nights: BucketNights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that is not renewed is given up, even if its process number is in use: every container is process 1."""
    first, second = Lease(nights.location), Lease(nights.location)
    assert first.try_acquire() is None
    assert second.try_acquire() is not None
    monkeypatch.setattr(lease, "GIVEN_UP", timedelta(seconds=-5))
    assert second.try_acquire() is None
    second.release()
    first.release()


def test_who_fenced_nothing_leaves_that_to_the_next(nights: BucketNights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vacuum, or a run that could not open the lake, after a writer that may live on."""
    _write(nights, 1)
    nights.run()
    lost = Lease(nights.location)
    assert lost.try_acquire() is None
    lost.release(clean=False)
    vacuum(nights.location, timedelta(0))
    with monkeypatch.context() as patch:
        patch.setattr(Table, "fence", Mock(side_effect=AccessDenied))
        with pytest.raises(AccessDenied):
            nights.run()
    fence = Mock()
    monkeypatch.setattr(Table, "fence", fence)
    for _ in range(2):
        LakeWriter.open(nights.location, nights.settings.schema_of_lake()).close()
        assert fence.call_count == len(table_names())


@pytest.mark.parametrize("name", ["a b", "a#b", "a%2Fb", "a?b", "ä", 'a"b', "a=b"])
def test_a_url_that_readers_understand_otherwise(nights: BucketNights, name: str) -> None:
    """Part files and logs would stand below different keys; nothing is written."""
    with pytest.raises(ConfigurationError, match=r"readers of Delta tables find no url with '.'; name another"):
        nights.run(lake=Location.of(f"{nights.bucket.url}/{name}", nights.bucket.storage_options))
    assert nights.keys_below("") == []


def test_a_url_of_all_that_may_stand_there(nights: BucketNights) -> None:
    """It names the same keys to all who open it."""
    location = Location.of(f"{nights.bucket.url}/Lake-1_2.3~!$&'()*+,:;@[x]", nights.bucket.storage_options)
    for _ in range(2):
        _write(nights, 1)
        nights.run(lake=location)
    assert Lake(location.url, location.storage_options).instances.collect().height == 1


def test_a_file_that_is_not_to_be(nights: BucketNights) -> None:
    """Its writer ends it later, when nobody looks any more; and one that is gone can be removed."""
    filesystem = StoreFilesystem(nights.location.url, nights.location.storage_options)
    writer = PartWriter(nights.location, "files", Layout.of(pa.schema({"url": pa.string()})), None, None, empty=[])
    writer.write(pa.table({"url": ["a"]}))
    writer.__exit__(Killed)
    writer._writer.close()
    del writer
    assert nights.keys_below("") == []
    filesystem._renewed._client = LocalStore(nights.archive.folder)  # which says that there is none, as Google and Azure do
    filesystem.rm_file("lake/nothing")


def test_a_writer_that_was_killed_blocks_nobody(nights: BucketNights) -> None:
    """Its lease names a process of this machine that has ended."""
    script = (
        "import json, sys; from dicomlake.parts import Location; from dicomlake.lake.write.lease import Lease; "
        "print(Lease(Location.of(*json.loads(sys.argv[1]))).try_acquire(), flush=True); sys.stdin.read()"
    )
    arguments = json.dumps([nights.location.url, dict(nights.location.storage_options)])
    with subprocess.Popen([sys.executable, "-c", script, arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "None\n"
        assert Lease(nights.location).try_acquire() is not None
        process.send_signal(signal.SIGKILL)
    _write(nights, 1)
    assert nights.run().snapshot == 1


@pytest.mark.long
def test_a_writer_that_was_given_up_commits_nothing_more(nights: BucketNights, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may live on, between any two of its commits: what it finished stands, what it had half done goes."""
    _write(nights, 1, 2)
    nights.run()
    schema = nights.settings.schema_of_lake()
    monkeypatch.setattr(Lease, "try_acquire", lambda _: None)
    with closing(LakeWriter.open(nights.location, schema)) as first:
        instances = first.tables["instances"]
        former = list(instances.parts.values())
        instances.commit([], former, first.next_number())
        with closing(LakeWriter.open(nights.location, schema)) as second:
            for table in first.tables.values():
                with pytest.raises(LakeChanged):
                    table.commit([], [], first.next_number())
            assert second.recover()
            assert second.tables["instances"].parts.keys() == {part.path for part in former}
    monkeypatch.undo()
    assert verify(nights.location).defects == []


def test_a_store_that_heeds_no_conditions_is_refused(nights: BucketNights, bucket: Bucket) -> None:
    """At the start, in one line, and nothing is left there."""
    _write(nights, 1)
    with HeedlessProxy(bucket.endpoint) as proxy:  # before a server that believes the signature of what is left of a request
        location = nights.reached_through(bucket.through(proxy.endpoint))
        with pytest.raises(AccessDenied, match=r"ignores the condition of conditional writes \(If-None-Match\)"):
            nights.run(lake=location)
    assert "Contents" not in bucket.server.client.list_objects_v2(Bucket=bucket.name)


@pytest.mark.long
@pytest.mark.parametrize("faults", [[Fault.DROPPED], [Fault.DROPPED, Fault.CUT, Fault.RESET, Fault.SLOW_DOWN]], ids=["lost replies", "all"])
def test_a_commit_whose_reply_was_lost_is_done_once(nights: BucketNights, tmp_path: Path, faults: list[Fault]) -> None:
    """It is known by its transaction, and neither done twice nor taken for another's."""
    with troubled(nights.bucket.endpoint, faults, share=0.3, puts_only=len(faults) == 1) as proxy:
        location = nights.reached_through(nights.bucket.through(proxy.endpoint))
        _write(nights, 1, 2, 3, 4)
        request = IndexRequest((str(nights.archive.folder),), location, nights.settings)
        run_index(request, SerialRunner)
        local = Location.of(tmp_path / "folder")
        nights.run(lake=local)
        _write(nights, 4, 5, 6)
        nights.overrides["columns"] = [{"path": "KVP", "name": "kilovolts"}]  # tables are altered, too
        assert run_index(replace(request, settings=nights.settings), SerialRunner).snapshot == 2
        assert proxy.faults()["DROPPED"] >= 3
    assert verify(nights.location).defects == []
    nights.run(lake=local)
    assert_same_lake(Lake(nights.location.url, nights.location.storage_options), Lake(local.url))


def test_credentials_are_renewed_while_a_run_goes_on(signed: Bucket, nights: BucketNights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of roles end after an hour: files, commits and the lease are then written with those that are there by now."""
    for name, value in signed.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(renewed, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(lease, "HEARTBEAT", timedelta(seconds=1000))
    location = Location.of(f"{signed.url}/lake")
    with closing(LakeWriter.open(location, nights.settings.schema_of_lake())) as writer:
        table = writer.tables["files"]
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "has-ended")
        with pytest.raises(AccessDenied, match="refuses the keys of the environment"):
            location.filesystem.find(location.join("files"), detail=True)
        with pytest.raises(AccessDenied, match="refuses the keys of the environment"):
            table.commit([], [], writer.next_number())
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", signed.environment["AWS_SECRET_ACCESS_KEY"])
        table.commit([], [], writer.next_number())
    (name,) = (key for key in location.filesystem.find(location.join(lease.LEASE_FOLDER), detail=True))
    assert lease.Claim.decoded(location.filesystem.cat_file(name)).released


SECRET = "s3cr3t/DISTINCTIVE+key"
TOKEN = "t0ken-DISTINCTIVE"


def test_no_secret_is_shown_or_kept(
    nights: BucketNights, bucket: Bucket, signed: Bucket, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by a store that takes it, nor by one that refuses it: not in the lake, messages, JSON or the repr of what is raised."""
    _write(nights, 1)
    config = tmp_path / "config.yaml"
    told = []
    for place, status in ((bucket, 0), (signed, 1)):
        config.write_text(
            "storage_options: {s3: {key: AKIADISTINCTIVE, secret: '${STORE_SECRET}', token: "
            f"{TOKEN}, endpoint_url: '{place.endpoint}', client_kwargs: {{region_name: us-east-1}}}}}}\n"
        )
        monkeypatch.setenv("STORE_SECRET", SECRET)
        for arguments in (
            ["index", str(nights.archive.folder), "--lake", f"{place.url}/lake", "--config", str(config), "--json", "--workers", "0"],
            ["index", f"{place.url}/archive", "--lake", str(tmp_path / "other"), "--config", str(config), "--json", "--workers", "0"],
        ):
            try:
                ended = main(arguments)
            except SystemExit as error:
                ended = error.code
            shown = capfd.readouterr()
            told.append(shown.out + shown.err)
            assert ended == (status if "lake" in arguments[3] and arguments[1] == str(nights.archive.folder) else ended), told[-1]
        location = Location.of(f"{place.url}/lake", {"key": "AKIADISTINCTIVE", "secret": SECRET, "endpoint_url": place.endpoint})
        told.append(repr(location))
        with pytest.raises((AccessDenied, SourceNotFound)) as raised:
            LakeWriter.open(Location.of(f"{place.url}-not/lake", location.storage_options), nights.settings.schema_of_lake())
        told.append(repr(raised.value) + str(raised.value.__cause__))
    client = bucket.server.client
    entries = client.list_objects_v2(Bucket=bucket.name)["Contents"]
    kept = b"".join(client.get_object(Bucket=bucket.name, Key=entry["Key"])["Body"].read() for entry in entries)
    assert b"1.1" in kept
    for secret in (SECRET, TOKEN, "AKIADISTINCTIVE"):
        assert all(secret not in text for text in told)
        assert secret.encode() not in kept
    assert any("refuses the key of storage_options" in text for text in told), told


@pytest.mark.long
def test_commands_open_a_lake_with_the_options_of_a_configuration(
    store_of_lakes: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command reads a lake of `index --config` with the same configuration, without settings in the environment."""
    bucket = store_of_lakes.make_bucket("of-a-configuration")
    options = bucket.storage_options
    monkeypatch.setenv("STORE_SECRET", options["secret"])
    config = tmp_path / "store.yaml"
    config.write_text(json.dumps({"storage_options": {"s3": {**options, "secret": "${STORE_SECRET}"}}}))
    write_sample(tmp_path / "sample")
    folder, lake = tmp_path / "cut", f"{bucket.url}/lake"
    folder.mkdir()
    whole = next(path for path in sorted((tmp_path / "sample").rglob("*.dcm")) if path.stat().st_size > 2000)
    (folder / "file").write_bytes(whole.read_bytes()[:200])
    assert main(["index", str(folder), "--lake", lake, "--config", str(config), "--workers", "0"]) == 0
    assert f"dicomlake query {lake} --config {config} " in capsys.readouterr().err
    for command in (["info"], ["info", "--snapshots"], ["verify"], ["optimize"], ["vacuum"]):
        assert main([command[0], lake, *command[1:], "--config", str(config)]) == 0
        assert capsys.readouterr().err == ""
    assert main(["index", str(folder), "--lake", lake, "--config", str(config), "--workers", "0", "--quiet"]) == 0
    assert main(["diff", lake, "--config", str(config)]) == 0
    capsys.readouterr()
    assert main(["query", lake, "select status from files", "--format", "csv", "--config", str(config)]) == 0
    assert capsys.readouterr().out.split() == ["status", "failed"]
    url = bucket.put("archive/file", (folder / "file").read_bytes())
    assert main(["inspect", url, "--json", "--config", str(config)]) == 0
    assert json.loads(capsys.readouterr().out)["file"]["code"] == "truncated"


def test_an_interrupt_while_a_file_is_uploaded_is_one(bucket: Bucket) -> None:
    """The client reads the file, and makes an error of the file of whatever is raised meanwhile."""

    class Interrupted(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writing(location := Location.of(bucket.url, bucket.storage_options)):
        StoreFilesystem(location.url, location.storage_options).upload("file", Interrupted(b"content"))
    assert "Contents" not in bucket.server.client.list_objects_v2(Bucket=bucket.name)
