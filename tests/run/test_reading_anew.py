"""Another engine or configuration: every row that was read otherwise is read again, and no other."""

from __future__ import annotations

import pytest

from tests.run.conftest import Nights
from tests.run.test_killed import Killed, _kill_at_commit


def _fill(nights: Nights, count: int = 9, folder: str = "a") -> None:
    for number in range(count):
        nights.archive.write(f"{folder}/{number}", SOPInstanceUID=f"1.{folder}.{number}", SeriesInstanceUID="2", Modality="CT")


def _die_with_a_new_engine(nights: Nights) -> None:
    """A finished run, then one with another engine that is killed after it committed some of its units."""
    _fill(nights)
    nights.run()
    nights.engine.version = "json 2"
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
    nights.engine.version = "json 2"
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
    nights.engine.version = "json 2"
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
    nights.engine.version = "json 1"
    nights.run()
    assert nights.engine.read_urls != []


def test_a_copy_that_another_source_displaced_is_not_taken_for_read(nights: Nights) -> None:
    """Its row changes in a run that reads otherwise and doesn't list it; it is read anew when its own source is listed."""
    header = {"SOPInstanceUID": "1", "SeriesInstanceUID": "2", "StudyInstanceUID": "3", "PatientID": "P", "Modality": "CT"}
    folder = nights.archive.folder
    nights.archive.write("b/1", **header)
    nights.run(sources=(str(folder / "b"),))
    nights.engine.version = "json 2"
    nights.archive.write("a/1", **header)
    nights.run(sources=(str(folder / "a"),))
    assert nights.lake.files.collect()["status"].to_list() == ["indexed", "duplicate"]
    nights.run(sources=(str(folder / "b"),))
    assert nights.engine.read_urls == [str(folder / "b/1")]
