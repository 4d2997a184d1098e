"""Entities that their unit rolled up: final where the unit has all of their rows. The tables are always those of the general way."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dicomlake.extract.kept
import dicomlake.run.reading
from dicomlake.extract.unit import UnitResult, UnitTask, run_unit
from dicomlake.lake import Lake, LakeWriter, verify
from dicomlake.parts import Location
from dicomlake.run.rolling_up.early import EarlyRollUps, FinalRollUps
from dicomlake.runner import SerialRunner
from dicomlake.runner.protocol import Outcome
from tests.run.comparison import assert_same_lake
from tests.run.conftest import Nights, nights_with
from tests.run.json_engine import JsonEngine
from tests.run.test_killed import Killed, _kill_at_commit

T = TypeVar("T")
R = TypeVar("R")


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[FinalRollUps]:
    """The roll-ups that each run took from its units, and the entities that it left."""
    settle, found = EarlyRollUps.settle, []

    def noting(self: EarlyRollUps, *arguments: Any) -> FinalRollUps:
        found.append(settle(self, *arguments))
        return found[-1]

    monkeypatch.setattr(EarlyRollUps, "settle", noting)
    return found


def _write(nights: Nights, name: str, uid: str, series: str = "S1", study: str = "T1", patient: str = "P1", **more: Any) -> Path:
    keys = {"SOPInstanceUID": uid, "SeriesInstanceUID": series, "StudyInstanceUID": study, "PatientID": patient, "Modality": "CT"}
    return nights.archive.write(name, **{**keys, **more})


def _assert_as_the_general_way(nights: Nights, tmp_path: Path) -> None:
    """A lake of the same archive of which no unit rolled up anything has the same rows."""
    other = Location.of(tmp_path / "general")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dicomlake.extract.kept.KeptRows, "rolled_up", lambda *_: None)
        nights.run(lake=other)
    assert_same_lake(Lake(nights.location.url), Lake(other.url))


def _left(final: FinalRollUps) -> dict[str, int]:
    return {level: keys.height for level, keys in final.rest.items()}


def _assert_no_part_file_is_left_over(nights: Nights) -> None:
    assert verify(nights.location).notes == []


def test_whole_units_need_no_second_reading(nights: Nights, tmp_path: Path, settled: list[FinalRollUps]) -> None:
    """No unit shares an entity with another: all of them are final. The findings are those of the general way."""
    for number in range(6):
        for name in "abc":
            uid, kvp = f"{number}{name}", 80.0 if name == "a" else 120.0
            _write(nights, f"{number}/{name}", uid, f"S{number}", f"T{number}", f"P{number}", KVP=kvp, Manufacturer=name)
    summary = nights.run()
    assert summary.files_indexed == 18
    assert [(final.entities, final.findings, _left(final)) for final in settled] == [
        (18, {"inconsistent-attribute": 6}, {"series": 0, "studies": 0, "patients": 0})
    ]
    assert settled[0].instances == []
    _assert_no_part_file_is_left_over(nights)
    _assert_as_the_general_way(nights, tmp_path)


def test_a_series_and_a_study_in_two_units(nights: Nights, tmp_path: Path, settled: list[FinalRollUps]) -> None:
    """These are rolled up from all of their rows; the other entities of the units are final."""
    entities = ["A", "A", "A", "B", "B", "C", "C", "C", "D", "E", "E", "E"]  # three files a unit: C lies in two
    for number, series in enumerate(entities):
        study = "T-AB" if series in "AB" else f"T-{series}"
        more = {"Manufacturer": str(number), "StudyDescription": str(number % 2), "KVP": float(number)}
        _write(nights, f"{number:02}", str(number), f"S-{series}", study, f"P-{study}", **more)
    nights.run()
    (final,) = settled
    assert _left(final) == {"series": 1, "studies": 2, "patients": 2}
    assert final.entities == 4 + 2 + 2
    assert len(final.instances) == 3
    _assert_no_part_file_is_left_over(nights)
    _assert_as_the_general_way(nights, tmp_path)


def test_a_copy_in_another_unit_takes_a_row_away(nights: Nights, tmp_path: Path, settled: list[FinalRollUps]) -> None:
    """Be it committed with the row, or after it."""
    for name, uid, series in (("b1", "1", "A"), ("b2", "2", "A"), ("b3", "3", "B"), ("c1", "4", "C"), ("c2", "5", "C"), ("c3", "6", "D")):
        _write(nights, name, uid, series, f"T-{series}", f"P-{series}", code="truncated" if uid in "14" else None, file_note=name)
    _write(nights, "d1", "1", "A", "T-A", "P-A", KVP=1.0)  # read whole, so it is kept, though its url is greater
    _write(nights, "z1", "4", "C", "T-C", "P-C", KVP=2.0)
    _write(nights, "z2", "9", "Z", "T-Z", "P-Z")
    nights.overrides["lake.commit_units"] = 2
    nights.run()
    (final,) = settled
    # Of A and C one row went and another came elsewhere.
    assert _left(final) == {"series": 2, "studies": 2, "patients": 2}
    assert final.entities == 9
    _assert_no_part_file_is_left_over(nights)
    _assert_as_the_general_way(nights, tmp_path)


def test_a_row_that_goes_for_a_copy_elsewhere_is_missed(nights: Nights, tmp_path: Path, settled: list[FinalRollUps]) -> None:
    """The copy says that it is of another series: the first one has fewer rows than its unit rolled up, and in no other unit any."""
    for number in range(3):
        _write(nights, f"b{number}", str(number), "A", "T-A", "P-A", KVP=float(number), code="truncated" if number == 0 else None)
    _write(nights, "c", "0", "B", "T-B", "P-B")
    nights.run()
    (final,) = settled
    assert _left(final) == {"series": 1, "studies": 1, "patients": 1}
    assert final.entities == 3
    row = nights.lake.series.filter(pl.col("SeriesInstanceUID") == "A").collect().row(0, named=True)
    assert (row["NumberOfSeriesRelatedInstances"], row["KVP_min"]) == (2, 1.0)
    _assert_no_part_file_is_left_over(nights)
    _assert_as_the_general_way(nights, tmp_path)


def test_a_copy_in_the_same_unit_loses_before_it_is_rolled_up(nights: Nights, tmp_path: Path, settled: list[FinalRollUps]) -> None:
    """Its part file is written anew, and holds as many rows as were rolled up."""
    _write(nights, "b1", "1", "A", KVP=1.0, code="truncated")
    _write(nights, "b2", "1", "A", KVP=2.0)
    _write(nights, "b3", "1", "A", KVP=3.0)
    nights.run()
    (final,) = settled
    assert (final.entities, _left(final)) == (3, {"series": 0, "studies": 0, "patients": 0})
    row = nights.lake.series.collect().row(0, named=True)
    assert (row["NumberOfSeriesRelatedInstances"], row["KVP"], row["varying_attributes"]) == (1, 2.0, None)
    _assert_no_part_file_is_left_over(nights)
    _assert_as_the_general_way(nights, tmp_path)


def test_units_that_share_their_series_stop_rolling_up(nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of folders that say nothing of studies: after two units the others leave it."""
    for number in range(15):
        _write(nights, f"{number:02}", str(number), f"S{number % 3}", KVP=float(number))
    results: list[UnitResult] = []

    def noted(task: UnitTask) -> UnitResult:
        results.append(run_unit(task))
        return results[-1]

    monkeypatch.setattr(dicomlake.run.reading, "run_unit", noted)
    nights.run()
    assert [result.roll_up is not None for result in results] == [True, True, False, False, False]
    _assert_no_part_file_is_left_over(nights)
    _assert_as_the_general_way(nights, tmp_path)


class _ReadsTwice(SerialRunner):
    """Each task is carried out twice, as where a worker died after it had written; the second result counts."""

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        for task in tasks:
            function(task)
            yield Outcome(task, function(task))


def test_a_unit_that_is_read_twice_counts_once(nights: Nights, tmp_path: Path, settled: list[FinalRollUps]) -> None:
    """The part files of its first reading are in no table."""
    for number in range(7):
        _write(nights, str(number), str(number), f"S{number // 2}", f"T{number // 4}", KVP=float(number))
    nights.run(runner=_ReadsTwice())
    assert settled[0].entities > 0
    _assert_as_the_general_way(nights, tmp_path)


@pytest.mark.parametrize("commits", [2, 4, 6])
def test_a_run_that_dies_before_its_roll_ups_loses_them_alone(
    nights: Nights, tmp_path: Path, settled: list[FinalRollUps], commits: int
) -> None:
    """The next run rolls up again what the dead one had read, and takes what its own units rolled up."""
    for number in range(6):
        _write(nights, str(number), str(number), f"S{number // 2}", f"T{number // 4}", f"P{number // 4}", Manufacturer=str(number))
    with pytest.MonkeyPatch.context() as patch:
        _kill_at_commit(patch, commits)
        with pytest.raises(Killed):
            nights.run()
    settled.clear()
    _write(nights, "6", "6", "S3", "T1", "P1", Manufacturer="6")
    _write(nights, "7", "7", "S7", "T7", "P7")
    nights.run()
    assert nights.engine.read_urls == [str(nights.archive.folder / name) for name in "67"]
    assert settled[0].entities == 4  # series 3 and 7, study 7, patient 7
    _assert_as_the_general_way(nights, tmp_path)


def test_a_night_adds_to_what_is_known(nights: Nights, tmp_path: Path, settled: list[FinalRollUps]) -> None:
    """An entity that a snapshot has is not final; a row that came out as it was keeps its number."""
    for number in range(4):
        _write(nights, f"a/{number}", str(number), f"S{number // 2}", "T", "P")
    nights.run()
    _write(nights, "b/1", "10", "S1", "T", "P")
    _write(nights, "b/2", "11", "S9", "T", "P")
    nights.run()
    assert _left(settled[1]) == {"series": 1, "studies": 1, "patients": 1}
    assert settled[1].entities == 1
    numbers = dict(nights.lake.series.select("SeriesInstanceUID", "snapshot").collect().iter_rows())
    assert numbers == {"S0": 1, "S1": 2, "S9": 2}
    _assert_as_the_general_way(nights, tmp_path)


_FILE = st.fixed_dictionaries(
    {
        "uid": st.integers(0, 12).map(str),
        "series": st.sampled_from("ABCD"),
        "study": st.sampled_from(["T", "U", None]),
        "patient": st.sampled_from(["P", "Q", None]),
        "Modality": st.sampled_from(["CT", "MR", None]),
        "Manufacturer": st.sampled_from(["x", "y", None]),
        "KVP": st.sampled_from([None, 80.0, 120.0, -0.0, 0.0]),
        "ImageType": st.sampled_from([None, ["A"], ["A", "B"], ["A", None]]),
        "code": st.sampled_from([None, None, "truncated"]),
    }
)


@pytest.mark.long
@settings(max_examples=15, deadline=None)
@given(st.lists(_FILE, min_size=1, max_size=14), st.lists(_FILE, max_size=5), st.integers(1, 4), st.integers(1, 3))
def test_the_same_rows_as_the_general_way(files: list[dict[str, Any]], later: list[dict[str, Any]], size: int, group: int) -> None:
    """Whatever the files say, in however many units and nights."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        nights = nights_with(JsonEngine(), Path(folder), patch)
        nights.overrides |= {"listing.unit_files": size, "lake.commit_units": group}
        for night in (files, later):
            for number, file in enumerate(night):
                header = dict(file)
                names = ("uid", "series", "study", "patient")
                _write(nights, f"{number:02}", *(header.pop(name) for name in names), **header)
            nights.run()
        _assert_as_the_general_way(nights, Path(folder))


def test_without_units_nothing_is_settled(nights: Nights) -> None:
    """As in a night that changed nothing."""
    _write(nights, "a", "1")
    nights.run()
    writer = LakeWriter.open(nights.location, nights.settings.schema_of_lake())
    with closing(writer):
        touched = {level.name: pl.DataFrame(schema={level.key[0]: pl.String}) for level in writer.schema.levels}
        final = EarlyRollUps().settle(writer, touched)
    assert (final.entities, final.instances, sum(map(len, final.parts.values()))) == (0, [], 0)
