"""What a run reads, counts, refuses and leaves."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import dicomlake.run.index
from dicomlake.errors import (
    ConfigurationError,
    LakeDamaged,
    ListedOutOfOrder,
    MissingLimitExceeded,
    NotALake,
    RefusedError,
    SourceNotFound,
    SourceVanished,
)
from dicomlake.lake import Lake, verify
from dicomlake.parts import Location
from dicomlake.runner import Outcome, SerialRunner
from dicomlake.schema import table_names
from dicomlake.sources import Source, merge_listings
from tests.run.conftest import Nights


def _fill(nights: Nights, count: int = 10, folder: str = "a") -> None:
    for number in range(count):
        nights.archive.write(
            f"{folder}/{number:03}",
            SOPInstanceUID=f"1.{folder}.{number}",
            SeriesInstanceUID=f"2.{number // 4}",
            StudyInstanceUID="3",
            PatientID="P",
            Modality="CT",
        )


def _status(nights: Nights, name: str) -> dict[str, object]:
    url = str(nights.archive.folder / name)
    return nights.lake.files.filter(pl.col("url") == url).collect().row(0, named=True)


def test_a_second_run_reads_nothing(nights: Nights) -> None:
    """What is unchanged is neither opened nor written, and the run still has its snapshot."""
    _fill(nights)
    nights.archive.write_text("text", "no JSON")
    first = nights.run()
    versions = nights.lake.table_versions
    second = nights.run()
    assert (first.snapshot, first.files_listed, first.files_new, first.files_indexed, first.files_not_dicom) == (1, 11, 11, 10, 1)
    assert nights.engine.read_urls == []
    assert (second.snapshot, second.files_unchanged, second.files_indexed, second.bytes_read, second.requests) == (2, 11, 0, 0, 0)
    assert nights.lake.table_versions == versions


def test_only_new_and_changed_files_are_read(nights: Nights) -> None:
    """A file is changed when its size or its modified time is."""
    _fill(nights)
    nights.run()
    nights.archive.write("a/003", SOPInstanceUID="1.a.3", SeriesInstanceUID="other", StudyInstanceUID="3", PatientID="P", Modality="CT")
    nights.archive.write("b/new", SOPInstanceUID="1.b", SeriesInstanceUID="2.0", StudyInstanceUID="3", PatientID="P", Modality="CT")
    summary = nights.run()
    assert [os.path.relpath(url, nights.archive.folder) for url in nights.engine.read_urls] == ["a/003", "b/new"]
    assert (summary.files_new, summary.files_changed, summary.files_unchanged) == (1, 1, 9)
    assert set(nights.lake.series.select("SeriesInstanceUID").collect()["SeriesInstanceUID"]) == {"2.0", "2.1", "2.2", "other"}
    assert _status(nights, "a/003")["first_snapshot"] == 1
    assert _status(nights, "a/003")["last_snapshot"] == 2
    assert _status(nights, "a/004")["last_snapshot"] == 1


def test_a_row_that_came_out_as_it_was_keeps_its_snapshot(nights: Nights) -> None:
    """`series` rows say in which run they last changed."""
    _fill(nights, 8)
    nights.run()
    nights.archive.write("z", SOPInstanceUID="1.z", SeriesInstanceUID="2.1", StudyInstanceUID="3", PatientID="P", Modality="CT")
    nights.run()
    snapshots = dict(nights.lake.series.select("SeriesInstanceUID", "snapshot").collect().iter_rows())
    assert snapshots == {"2.0": 1, "2.1": 2}


def test_what_was_read_before_the_workers_were_lost_is_kept(nights: Nights) -> None:
    """Though its group was not full: the next run does not read it again."""
    for number in range(9):
        nights.archive.write(str(number), SOPInstanceUID=f"1.{number}", SeriesInstanceUID="2", PatientID="P", Modality="CT")
    nights.overrides["lake.commit_units"] = 64

    class Lost(SerialRunner):
        def run(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[Outcome[Any, Any]]:
            yield from islice(super().run(function, tasks), 2)
            raise RefusedError("the cluster is gone")

    with pytest.raises(RefusedError, match="the cluster is gone"):
        nights.run(runner=Lost())
    read = set(nights.engine.read_urls)
    assert len(read) == 6
    assert nights.run().files_indexed == 3
    assert read.isdisjoint(nights.engine.read_urls)
    assert nights.lake.instances.collect().height == 9


def test_full_reads_everything_and_changes_nothing(nights: Nights) -> None:
    """``--full`` replaces every row by an equal one."""
    _fill(nights)
    nights.run()
    before = nights.lake.instances.drop("snapshot").sort("url").collect()
    summary = nights.run(full=True)
    assert len(nights.engine.read_urls) == 10
    assert (summary.files_unchanged, summary.files_indexed) == (10, 10)
    assert_frame_equal(nights.lake.instances.drop("snapshot").sort("url").collect(), before)


def test_another_engine_or_configuration_reads_everything(nights: Nights) -> None:
    """Rows of two ways of reading never stand side by side."""
    _fill(nights)
    nights.run()
    nights.engine.version = "json-2"
    nights.run()
    assert len(nights.engine.read_urls) == 10
    nights.overrides["columns"] = [{"path": "(0019,xx0C)[SIEMENS MR HEADER]", "name": "b_value", "vr": "IS"}]
    nights.run()
    assert len(nights.engine.read_urls) == 10
    assert nights.lake.instances.collect_schema()["b_value"] == pl.Int64
    nights.run()
    assert nights.engine.read_urls == []
    nights.overrides["columns"] = []
    nights.run()
    assert nights.lake.instances.select("b_value").collect()["b_value"].null_count() == 10


def test_a_file_that_could_not_be_read_is_tried_again(nights: Nights) -> None:
    """``unreadable`` files are read by every run, whether or not they changed."""
    _fill(nights, 3)
    nights.archive.write("gone", SOPInstanceUID="1")
    scan = nights.engine.scan

    def vanish_then_scan(files, request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "read_text", _failing_read_text)
            return scan(files, request)

    nights.engine.scan = vanish_then_scan  # type: ignore[method-assign]
    nights.run()
    assert (_status(nights, "gone")["status"], _status(nights, "gone")["code"]) == ("failed", "unreadable")
    nights.engine.scan = scan  # type: ignore[method-assign]
    summary = nights.run()
    assert [os.path.basename(url) for url in nights.engine.read_urls] == ["gone"]
    assert (summary.files_unchanged, summary.files_indexed) == (4, 1)
    assert _status(nights, "gone")["status"] == "indexed"


_READ_TEXT = Path.read_text


def _failing_read_text(path: Path, encoding: str) -> str:
    if path.name == "gone":
        raise FileNotFoundError(path)
    return _READ_TEXT(path, encoding)


def test_files_that_vanish_leave_a_row_and_take_theirs_along(nights: Nights) -> None:
    """A vanished file is ``missing``; its instance goes, and so does a series that has no other."""
    _fill(nights, 9)
    nights.run()
    (nights.archive.folder / "a/008").unlink()
    summary = nights.run()
    assert (summary.files_missing, summary.files_listed) == (1, 8)
    assert _status(nights, "a/008")["status"] == "missing"
    assert nights.lake.instances.select(pl.len()).collect().item() == 8
    assert sorted(nights.lake.series.collect()["SeriesInstanceUID"]) == ["2.0", "2.1"]
    nights.archive.write("a/008", SOPInstanceUID="1.a.8", SeriesInstanceUID="2.2", StudyInstanceUID="3", PatientID="P", Modality="CT")
    assert nights.run().files_new == 1
    assert _status(nights, "a/008")["status"] == "indexed"


def test_too_much_gone_at_once_is_refused(nights: Nights) -> None:
    """An unmounted disk must not empty a lake: nothing is changed, and the message says what to do."""
    _fill(nights, 20)
    nights.overrides["lake.missing_limit"] = 0.1
    nights.run()
    versions = nights.lake.table_versions
    for number in range(3):
        (nights.archive.folder / f"a/{number:03}").unlink()
    nights.archive.write("b/new", SOPInstanceUID="1.b", SeriesInstanceUID="2.0", StudyInstanceUID="3", PatientID="P", Modality="CT")
    with pytest.raises(MissingLimitExceeded, match=r"3 of 20 files .* --missing-limit 1"):
        nights.run()
    assert nights.lake.table_versions == versions
    assert nights.lake.snapshot == 1
    assert verify(nights.location).defects == []
    nights.overrides["lake.missing_limit"] = 1
    assert nights.run().files_missing == 3


@pytest.mark.parametrize("batch_rows", [None, 1])
def test_a_folder_that_can_not_be_read_does_not_lose_its_files(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, batch_rows: int | None
) -> None:
    """No one has looked into it, so what stands below it is not judged as vanished, wherever the batches of a listing end."""
    if batch_rows is not None:
        monkeypatch.setattr("dicomlake.sources.batches.BATCH_ROWS", batch_rows)
    _fill(nights, 4)
    _fill(nights, 3, "b")
    nights.archive.write_text("c", "no JSON")
    nights.run()
    scandir = os.scandir

    def refusing(path: str | int) -> object:
        if not isinstance(path, int) and os.path.basename(os.fsdecode(path)) == "b":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("dicomlake.sources.local.folder.look_at_folder", lambda _: (None, False))  # Python looks instead
    monkeypatch.setattr(os, "scandir", refusing)
    summary = nights.run()
    monkeypatch.undo()
    assert summary.files_missing == 0
    assert nights.lake.instances.select(pl.len()).collect().item() == 7
    assert (_status(nights, "b")["status"], _status(nights, "b")["code"]) == ("failed", "unreadable")


def test_a_source_that_was_never_there_and_one_that_is_gone(nights: Nights) -> None:
    """The first is a mistake in the request (2), the second a reason to stop (1); neither makes or changes a lake."""
    with pytest.raises(SourceNotFound) as unknown:
        nights.run(sources=(str(nights.archive.folder / "nowhere"),))
    assert unknown.value.exit_code == 2
    assert not Path(nights.location.url).exists()
    _fill(nights, 2)
    nights.run()
    shutil.rmtree(nights.archive.folder)
    with pytest.raises(SourceVanished) as gone:
        nights.run()
    assert gone.value.exit_code == 1
    assert nights.lake.snapshot == 1


def test_sources_do_not_see_each_others_files_as_vanished(nights: Nights) -> None:
    """A run judges only the sources that it listed whole; a url belongs to the one that listed it first."""
    _fill(nights, 3, "a")
    _fill(nights, 3, "b")
    folder = nights.archive.folder
    nights.run(sources=(str(folder / "a"),))
    summary = nights.run(sources=(str(folder / "b"), str(folder)))
    assert (summary.files_listed, summary.files_new, summary.files_unchanged, summary.files_missing) == (6, 3, 3, 0)
    sources = dict(nights.lake.files.group_by("source").agg(pl.len()).collect().iter_rows())
    assert sources == {str(folder / "a"): 3, str(folder / "b"): 3}
    (folder / "a/000").unlink()
    assert nights.run(sources=(str(folder / "b"),)).files_missing == 0
    assert nights.run(sources=(str(folder / "a"),)).files_missing == 1


def test_a_given_listing_is_partial_unless_told_otherwise(nights: Nights) -> None:
    """``@list`` names some files of a source; with ``--complete`` it names all."""
    _fill(nights, 3)
    listing = nights.archive.folder.parent / "list.csv"
    urls = [str(nights.archive.folder / f"a/{number:03}") for number in range(3)]
    listing.write_text("\n".join(["url", *urls]))
    nights.run(sources=(f"@{listing}",))
    listing.write_text("\n".join(["url", *urls[:2]]))
    assert nights.run(sources=(f"@{listing}",)).files_missing == 0
    assert nights.run(sources=(f"@{listing}",), complete=True).files_missing == 1


def test_a_dry_run_writes_nothing(nights: Nights) -> None:
    """It lists, compares and counts; a lake that is not there is not made."""
    _fill(nights, 5)
    assert nights.run(dry_run=True).files_new == 5
    assert not Path(nights.location.url).exists()
    nights.run()
    nights.archive.write("b", SOPInstanceUID="1.b")
    versions = nights.lake.table_versions
    summary = nights.run(dry_run=True)
    assert (summary.files_listed, summary.files_new, summary.files_unchanged, summary.files_indexed) == (6, 1, 5, 0)
    assert nights.lake.table_versions == versions
    assert nights.engine.read_urls == []


def test_an_empty_source_makes_a_lake(nights: Nights) -> None:
    """A run that finds nothing to do still writes its snapshot, and every table can be read."""
    summary = nights.run()
    assert (summary.snapshot, summary.files_listed) == (1, 0)
    for name in table_names():
        assert nights.lake.table(name).collect().height == (1 if name == "snapshots" else 0)


def test_entries_that_no_engine_may_open_have_their_row(nights: Nights) -> None:
    """FIFOs, dangling links and links to folders are rows with a code, and are not read."""
    _fill(nights, 1)
    folder = nights.archive.folder
    os.mkfifo(folder / "fifo")
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "loop").symlink_to(folder)
    summary = nights.run()
    assert (summary.files_listed, summary.files_indexed, summary.files_skipped, summary.files_failed) == (4, 1, 2, 1)
    assert (_status(nights, "fifo")["status"], _status(nights, "fifo")["code"]) == ("skipped", "not-regular")
    assert (_status(nights, "dangling")["status"], _status(nights, "dangling")["code"]) == ("failed", "unreadable")
    assert nights.run().files_unchanged == 4
    assert nights.engine.read_urls == []


def test_a_lake_inside_its_source_is_not_indexed(nights: Nights) -> None:
    """The lake's own part files are not files of the archive."""
    _fill(nights, 2)
    inside = Location.of(nights.archive.folder / "lake")
    nights.run(lake=inside)
    assert nights.run(lake=inside).files_listed == 2


def test_tables_read_directly_are_the_tables_of_the_lake(nights: Nights) -> None:
    """``polars.scan_delta`` on each table gives what `Lake` gives."""
    _fill(nights)
    nights.run()
    nights.archive.write("b", SOPInstanceUID="1.b", Modality="A%B =C", PatientID="Q")
    nights.run()
    for name in table_names():
        direct = pl.scan_delta(f"{nights.location.url}/{name}").collect()
        order = [column for column, dtype in direct.schema.items() if not isinstance(dtype, pl.List)]
        assert_frame_equal(direct.sort(order), nights.lake.table(name).collect().sort(order))
        schema = nights.settings.schema_of_lake().table(name)
        assert direct.columns == schema.names


def test_earlier_snapshots_stay_readable(nights: Nights) -> None:
    """``at`` shows the lake as a run left it."""
    _fill(nights, 3)
    nights.run()
    _fill(nights, 5)
    nights.run()
    assert nights.lake.instances.select(pl.len()).collect().item() == 5
    assert nights.lake.at(1).instances.select(pl.len()).collect().item() == 3
    with pytest.raises(NotALake, match="no snapshot 9"):
        nights.lake.at(9)


def test_fields_say_what_they_are(nights: Nights) -> None:
    """Tag, VR, VM, description and units ride in the metadata of the tables' fields."""
    nights.run()
    field = nights.lake.schema("instances").field("KVP")
    assert {key.decode(): value.decode() for key, value in field.metadata.items()} == {
        "tag": "(0018,0060)",
        "path": "KVP",
        "vr": "DS",
        "vm": "1",
        "group": "x-ray",
        "description": "KVP",
        "units": "kV",
    }
    assert nights.lake.schema("files").field("file_size").metadata[b"units"] == b"bytes"


def test_a_folder_with_other_things_is_no_lake(nights: Nights, tmp_path: Path) -> None:
    """A lake is never made among other people's files; a folder of tables that can't be read is damaged."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(NotALake, match="name a new or empty folder"):
        nights.run(lake=Location.of(tmp_path / "other"))
    assert [entry.name for entry in (tmp_path / "other").iterdir()] == ["thesis.txt"]
    with pytest.raises(NotALake, match="is not a lake"):
        Lake(tmp_path / "other")
    _fill(nights, 2)
    nights.run()
    log = Path(nights.location.url) / "instances" / "_delta_log"
    for entry in log.iterdir():
        entry.write_bytes(b"\x00 no JSON")
    with pytest.raises(LakeDamaged, match="instances"):
        nights.run()


def test_a_lake_belongs_to_its_owner_alone(nights: Nights) -> None:
    """It holds patients' data: the folder and its part files are not for others."""
    _fill(nights, 1)
    nights.run()
    assert Path(nights.location.url).stat().st_mode & 0o077 == 0
    parts = list(Path(nights.location.url).glob("*/**/*.parquet"))
    assert parts
    assert all(part.stat().st_mode & 0o077 == 0 for part in parts)


def test_a_configuration_that_does_not_fit_the_lake_is_refused(nights: Nights) -> None:
    """Another partition column, or another type of a column that is there, would need another lake."""
    nights.overrides["columns"] = [{"path": "(0019,xx0C)[SIEMENS MR HEADER]", "name": "b_value", "vr": "IS"}]
    nights.run()
    nights.overrides["columns"] = [{"path": "(0019,xx0C)[SIEMENS MR HEADER]", "name": "b_value", "vr": "DS"}]
    with pytest.raises(ConfigurationError, match="b_value"):
        nights.run()
    nights.overrides["columns"] = []
    nights.overrides["lake.partition_by"] = "PatientSex"
    with pytest.raises(ConfigurationError, match="partitioned by Modality"):
        nights.run()


def test_the_lake_can_be_partitioned_by_another_column(nights: Nights) -> None:
    """Any column of text will do; a value that no folder can be named after is quoted."""
    nights.overrides["lake.partition_by"] = "PatientID"
    for number, patient in enumerate(["a/b", "ü %", None, "a/b", "."]):
        nights.archive.write(str(number), SOPInstanceUID=f"1.{number}", PatientID=patient)
    nights.run()
    assert sorted(nights.lake.instances.collect()["PatientID"].to_list(), key=str) == [".", None, "a/b", "a/b", "ü %"]
    assert nights.lake.patients.select(pl.len()).collect().item() == 4


def test_standard_input_is_read_once(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that begins again, because another source came out of order, takes it for what it was, and nothing for vanished."""
    urls = [nights.archive.write(f"{number}", SOPInstanceUID=f"1.{number}", StudyInstanceUID="2") for number in range(4)]
    listing = "url\n" + "".join(f"{url}\n" for url in urls)
    attempts = []

    def out_of_order_at_first(sources: Sequence[Source]) -> Iterator[pa.RecordBatch]:
        attempts.append(sources)
        yield from merge_listings(sources)
        if len(attempts) % 2:
            raise ListedOutOfOrder("another source")

    monkeypatch.setattr(dicomlake.run.index, "merge_listings", out_of_order_at_first)
    for _ in range(2):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(listing.encode()))))
        summary = nights.run(sources=("@-",), complete=True)
        assert (summary.files_listed, summary.files_missing) == (4, 0)
    assert len(attempts) == 4
