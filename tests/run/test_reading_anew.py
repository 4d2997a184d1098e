"""Another engine or configuration: every row that was read otherwise is read again, and no other."""

from __future__ import annotations

from contextlib import closing

import pyarrow as pa
import pytest

from dicomlake.errors import RefusedError
from dicomlake.lake import Lake, LakeWriter
from dicomlake.parts import Location, write_sorted
from tests.run.comparison import assert_same_lake
from tests.run.conftest import Nights
from tests.run.test_killed import Killed, _kill_at_commit


def _fill(nights: Nights, count: int = 9, folder: str = "a") -> None:
    for number in range(count):
        nights.archive.write(f"{folder}/{number}", SOPInstanceUID=f"1.{folder}.{number}", SeriesInstanceUID="2", Modality="CT")


def _die_with_a_new_engine(nights: Nights) -> None:
    """A finished run, then one with another engine that is killed after it committed some of its units."""
    _fill(nights)
    nights.run()
    nights.engine.version = "json-2"
    with pytest.MonkeyPatch.context() as patch:
        _kill_at_commit(patch, 2)
        with pytest.raises(Killed):
            nights.run()


def test_each_source_is_read_anew_when_its_turn_comes(nights: Nights) -> None:
    """A run over one source does not make the rows of another current."""
    _fill(nights, 2, "a")
    _fill(nights, 2, "b")
    folder = nights.archive.folder
    nights.run(sources=(str(folder / "a"),))
    nights.engine.version = "json-2"
    nights.run(sources=(str(folder / "b"),))
    nights.run(sources=(str(folder / "a"),))
    assert len(nights.engine.read_urls) == 2
    nights.run(sources=(str(folder / "a"), str(folder / "b")))
    assert nights.engine.read_urls == []


def test_rows_of_a_first_run_that_died_are_not_mixed_with_those_of_another_engine(nights: Nights) -> None:
    """What its commits say of how they were read is believed."""
    _fill(nights)
    with pytest.MonkeyPatch.context() as patch:
        _kill_at_commit(patch, 3)
        with pytest.raises(Killed):
            nights.run()
    nights.engine.version = "json-2"
    nights.run()
    assert len(nights.engine.read_urls) == 9


def test_a_run_with_a_new_engine_that_died_is_gone_on_with(nights: Nights) -> None:
    """What it committed is not read a second time."""
    _die_with_a_new_engine(nights)
    nights.run()
    assert 0 < len(nights.engine.read_urls) < 9


def test_going_back_to_the_former_engine_reads_what_the_new_one_read(nights: Nights) -> None:
    """Rows of an engine that was given up do not stay."""
    _die_with_a_new_engine(nights)
    nights.engine.version = "json-1"
    nights.run()
    assert nights.engine.read_urls != []


def test_a_copy_that_another_source_displaced_is_not_taken_for_read(nights: Nights) -> None:
    """Its row changes in a run that reads otherwise and doesn't list it; it is read anew when its own source is listed."""
    header = {"SOPInstanceUID": "1", "SeriesInstanceUID": "2", "StudyInstanceUID": "3", "PatientID": "P", "Modality": "CT"}
    folder = nights.archive.folder
    nights.archive.write("b/1", **header)
    nights.run(sources=(str(folder / "b"),))
    nights.engine.version = "json-2"
    nights.archive.write("a/1", **header)
    nights.run(sources=(str(folder / "a"),))
    assert nights.lake.files.collect()["status"].to_list() == ["indexed", "duplicate"]
    nights.run(sources=(str(folder / "b"),))
    assert nights.engine.read_urls == [str(folder / "b/1")]


def _take_keys_away(nights: Nights) -> None:
    """The lake as an earlier version of dicomlake would have written it: no table has keys."""
    schema, row = nights.settings.schema_of_lake(), nights.lake.row
    with closing(LakeWriter.open(nights.location, schema)) as writer:
        for table in schema.tables:
            if "patient_key" in table.own_names():
                columns = pa.schema([field for field in schema.table(table.name) if not field.name.endswith("_key")])
                rows = nights.lake.table(table.name).select(columns.names).collect().to_arrow().cast(columns)
                parts = write_sorted(nights.location, table.name, rows, table.order, partition_by=schema.partition_of(table.name))
                written = writer.tables[table.name]
                written.commit(parts, list(written.parts.values()), writer.next_number())
        writer.write_snapshot({**row, "snapshot": row["snapshot"] + 1}, {})


def test_rows_without_keys_are_read_again_in_one_run(nights: Nights) -> None:
    """Entities are never rolled up from rows that don't say to which they belong; a run that leaves none of those heals the lake."""
    _fill(nights, 4)
    nights.archive.write("b", SOPInstanceUID="1", SeriesInstanceUID="3", StudyInstanceUID="4", PatientID="P", Manufacturer="a")
    nights.archive.write("c", SOPInstanceUID="2", SeriesInstanceUID="3", StudyInstanceUID="4", PatientID="P", Manufacturer="b")
    nights.run()
    _take_keys_away(nights)
    nights.archive.write("a/0", SOPInstanceUID="1.a.0", SeriesInstanceUID="5", Modality="CT")
    with pytest.raises(RefusedError, match="without keys; index its sources with --full"):
        nights.run()
    nights.run(full=True)
    rebuilt = Location.of(f"{nights.location.url}-rebuilt")
    nights.run(lake=rebuilt)
    assert_same_lake(nights.lake, Lake(rebuilt.url))
    assert set(nights.lake.diff().patients["change"]) == {"came", "went"}
