"""`in_lake` and `dangling-reference` follow the files: targets that come, vanish, move and are copied, in whatever order."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dicomlake.cli.fail_on import check_names, found
from dicomlake.lake import Lake, verify
from dicomlake.run import IndexRequest, Progress, run_index
from dicomlake.runner import SerialRunner
from tests.run import days
from tests.run.comparison import assert_same_lake
from tests.run.conftest import Nights, nights_with
from tests.run.faults import Killed
from tests.run.game import Game
from tests.run.links import PATIENT_CLASS, STUDY_CLASS, ReferringEngine, drawn_references
from tests.run.test_killed import assert_killed_runs_are_healed
from tests.run.test_nights import MORE_SEEDS
from tests.run.test_verify import change_table

NIGHTS = 25
SEEDS = 3


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """An empty archive and no lake yet; headers refer to other objects."""
    return nights_with(ReferringEngine(), tmp_path, monkeypatch)


def _write(nights: Nights, name: str, number: int, *references: dict[str, str], series: int = 0, study: int = 0, **more: Any) -> None:
    header = {"SOPInstanceUID": f"1.{number}", "SeriesInstanceUID": f"2.{series}", "StudyInstanceUID": f"3.{study}"}
    nights.archive.write(name, **header, PatientID="P", Modality="CT", References=list(references), **more)


def _in_lake(nights: Nights) -> dict[str, bool | None]:
    """By the UID of the target, whether it is in the lake."""
    uid = pl.coalesce("ReferencedSOPInstanceUID", "ReferencedSeriesInstanceUID", "ReferencedStudyInstanceUID")
    return dict(nights.lake.instance_references.select(uid, "in_lake").collect().iter_rows())


def _findings(nights: Nights) -> list[tuple[str, str, str]]:
    found = nights.lake.findings.filter(pl.col("code") == "dangling-reference")
    return sorted(found.select("SeriesInstanceUID", "element_path", "message").collect().iter_rows())


def _is_rebuild(nights: Nights) -> None:
    rebuilt = nights.location.of(f"{nights.location.url}-rebuilt-{nights.lake.snapshot}")
    nights.run(lake=rebuilt)
    assert_same_lake(nights.lake, Lake(rebuilt.url))


def _message(relation: str, count: int = 1) -> str:
    if count == 1:
        return f"an object that the series refers to ({relation}) is not in the lake"
    return f"{count} objects that the series refers to ({relation}) are not in the lake"


@pytest.mark.parametrize("unit_files", [1, 2, 100])
def test_first_run(nights: Nights, unit_files: int) -> None:
    """Targets in the same unit, in another, and nowhere; a reference to what no file holds is not judged."""
    nights.overrides["listing.unit_files"] = unit_files
    _write(nights, "a", 1, {"instance": "1.2"}, {"series": "2.5"}, {"study": "3.7"}, {"instance": "1.8"})
    _write(nights, "b", 2, {"instance": "1.9"}, {"instance": "1.1", "relation": "performed-procedure-step"})
    _write(
        nights,
        "c",
        3,
        {"instance": "3.7", "class": STUDY_CLASS},
        {"instance": "3.6", "class": STUDY_CLASS, "relation": "other"},
        series=5,
        study=7,
    )
    _write(nights, "d", 4, {"instance": "3.0", "class": PATIENT_CLASS}, series=5, study=7)
    nights.run()
    expected = {"1.2": True, "2.5": True, "3.7": True, "1.8": False, "1.9": False, "1.1": None, "3.6": False, "3.0": None}
    assert _in_lake(nights) == expected
    path = "SourceImageSequence"
    assert _findings(nights) == [("2.0", path, _message("source-image", 2)), ("2.5", path, _message("other"))]
    _is_rebuild(nights)


def test_finding_of_a_series(nights: Nights) -> None:
    """It has the keys of the series and the smallest path; a target counts once, however many objects and paths name it."""
    for number in (1, 2):
        _write(nights, f"{number}", number, {"instance": "1.9", "path": "B"}, {"instance": "1.9", "path": "A"})
    nights.run()
    row = nights.lake.series.collect().row(0, named=True)
    found = nights.lake.findings.filter(pl.col("code") == "dangling-reference").collect().row(0, named=True)
    keys = ("patient_key", "study_key", "series_key", "PatientID", "StudyInstanceUID", "SeriesInstanceUID")
    assert {name: found[name] for name in keys} == {name: row[name] for name in keys}
    expected = {
        "level": "series",
        "element_path": "A",
        "message": _message("source-image"),
        "url": None,
        "SOPInstanceUID": None,
        "snapshot": 1,
    }
    assert {name: found[name] for name in expected} == expected


def test_target_arrives_and_vanishes(nights: Nights) -> None:
    """The row says so, as of that run; the finding goes and comes. A run that changes nothing rewrites nothing."""
    _write(nights, "a", 1, {"instance": "1.2"})
    _write(nights, "other", 7, {"instance": "1.7"}, series=1)
    nights.run()
    versions = nights.lake.table_versions
    nights.run()
    assert nights.lake.table_versions == versions
    assert (_in_lake(nights), len(_findings(nights))) == ({"1.2": False, "1.7": True}, 1)
    _write(nights, "b", 2)
    nights.run()
    assert (_in_lake(nights), _findings(nights)) == ({"1.2": True, "1.7": True}, [])
    assert sorted(nights.lake.instance_references.select("ReferencedSOPInstanceUID", "snapshot").collect().rows()) == [
        ("1.2", 3),
        ("1.7", 1),
    ]
    (nights.archive.folder / "b").unlink()
    nights.run()
    assert (_in_lake(nights), len(_findings(nights))) == ({"1.2": False, "1.7": True}, 1)
    _is_rebuild(nights)


def test_other_findings_stay_and_those_of_the_same_series_too(nights: Nights) -> None:
    """A series that is rolled up again keeps its finding as it was, and loses it with the object that refers."""
    _write(nights, "a", 1, {"instance": "1.8"})
    nights.run()
    _write(nights, "b", 2)
    nights.run()
    found = nights.lake.findings.filter(pl.col("code") == "dangling-reference").collect()
    assert found["snapshot"].to_list() == [1]
    _write(nights, "b", 2, {"instance": "1.9"})
    nights.run()
    assert _findings(nights) == [("2.0", "SourceImageSequence", _message("source-image", 2))]
    (nights.archive.folder / "a").unlink()
    nights.run()
    assert _findings(nights) == [("2.0", "SourceImageSequence", _message("source-image"))]
    (nights.archive.folder / "b").unlink()
    _write(nights, "c", 3)
    nights.run()
    assert _findings(nights) == []
    _is_rebuild(nights)


@pytest.mark.parametrize("target", [{"series": "2.4"}, {"study": "3.4"}, {"instance": "3.4", "class": STUDY_CLASS}])
def test_series_and_studies(nights: Nights, target: dict[str, str]) -> None:
    """One is there as long as it has an instance, and not if a copy that lost its place was its only one."""
    _write(nights, "a", 1, target)
    for name, number in (("b", 2), ("c", 3)):
        _write(nights, name, number, series=4, study=4)
    nights.run()
    assert [*_in_lake(nights).values()] == [True]
    (nights.archive.folder / "b").unlink()
    nights.run()
    assert [*_in_lake(nights).values()] == [True]
    _write(nights, "0", 3, series=6, study=6)
    nights.run()
    assert [*_in_lake(nights).values()] == [False]
    _is_rebuild(nights)
    (nights.archive.folder / "0").unlink()
    nights.run()
    assert [*_in_lake(nights).values()] == [True]
    _is_rebuild(nights)


@pytest.mark.parametrize("unit_files", [1, 100])
@pytest.mark.parametrize("commit_units", [1, 16])
def test_series_of_a_copy_that_loses_its_place(nights: Nights, unit_files: int, commit_units: int) -> None:
    """A unit finds the series of a copy among its own instances; the lake has it not, since another copy is kept."""
    nights.overrides |= {"listing.unit_files": unit_files, "lake.commit_units": commit_units}
    _write(nights, "a", 1, {"series": "2.4"}, {"study": "3.4"})
    _write(nights, "b", 2, series=5, study=5)
    _write(nights, "c", 2, {"instance": "1.9"}, series=4, study=4)
    nights.run()
    assert _in_lake(nights) == {"2.4": False, "3.4": False}
    _is_rebuild(nights)


def test_promoted_copy(nights: Nights) -> None:
    """When a kept copy vanishes, the next one takes its place: the target is there all the time, and so are the references of the copy."""
    _write(nights, "a", 1, {"instance": "1.9"})
    _write(nights, "b", 1, {"instance": "1.8"})
    _write(nights, "c", 2, {"instance": "1.1"}, series=1)
    nights.run()
    assert _in_lake(nights) == {"1.9": False, "1.1": True}
    (nights.archive.folder / "a").unlink()
    nights.run()
    assert _in_lake(nights) == {"1.8": False, "1.1": True}
    assert [series for series, _, _ in _findings(nights)] == ["2.0"]
    _is_rebuild(nights)


def test_run_counts_findings(nights: Nights) -> None:
    """A run counts those of the series that it judged, which `--fail-on` looks at."""
    _write(nights, "a", 1, {"instance": "1.8"}, {"instance": "1.8", "relation": "evidence"})
    check_names(["dangling-reference"])
    counts = []
    for _ in range(2):
        progress = Progress()
        summary = run_index(IndexRequest((str(nights.archive.folder),), nights.location, nights.settings), SerialRunner, progress)
        counts.append((progress.findings["dangling-reference"], found(["dangling-reference"], summary, progress)))
    assert counts == [(2, True), (0, False)]


@pytest.mark.parametrize(("doubts", "parts", "rows"), [(1, 1, 65_536), (1 << 20, 4, 2)], ids=["in turns", "in row groups"])
def test_many_doubts(nights: Nights, monkeypatch: pytest.MonkeyPatch, doubts: int, parts: int, rows: int) -> None:
    """Doubtful rows are judged some part files at a time where they are many; part files have several row groups."""
    monkeypatch.setattr("dicomlake.run.links.judge._MOST_DOUBTS", doubts)
    monkeypatch.setattr("dicomlake.run.links.judge._PARTS_AT_ONCE", parts)
    monkeypatch.setattr("dicomlake.parts.write.ROW_GROUP_ROWS", rows)
    for number in range(8):
        others = [{"instance": f"1.{number - 1}"}, {"instance": f"1.{number}", "relation": "performed-procedure-step"}]
        ahead = [{"instance": f"1.{number + 1}"}, {"series": f"2.{number // 2 + 1}"}]
        _write(nights, f"{number}", number, *others, *ahead, series=number // 2)
    nights.run()
    assert nights.lake.instance_references.collect().height == 32
    (nights.archive.folder / "5").unlink()
    _write(nights, "8", 8, series=4)
    nights.run()
    dangling = nights.lake.instance_references.filter(pl.col("in_lake").not_())
    uids = dangling.select(pl.coalesce("ReferencedSOPInstanceUID", "ReferencedSeriesInstanceUID")).collect().to_series()
    assert sorted(uids) == ["1.-1", "1.5", "1.5"]
    _is_rebuild(nights)


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("instance_references", pl.lit(None, pl.Boolean).alias("in_lake"), "2 rows whose in_lake is null where it must not be"),
        ("instance_references", pl.lit(value=True).alias("in_lake"), "1 rows whose in_lake is wrong"),
        ("instance_references", pl.lit(value=True).alias("in_lake"), "1 series with findings of such references have no counterpart"),
        ("findings", pl.lit("odd-length").alias("code"), "1 series with references without target have no counterpart"),
    ],
)
def test_broken_rules_are_found(nights: Nights, table: str, change: pl.Expr, said: str) -> None:
    """`verify` judges every row again."""
    _write(nights, "a", 1, {"instance": "1.1"}, {"instance": "1.9"}, {"instance": "1.1", "relation": "performed-procedure-step"})
    nights.run()
    is_judged = pl.lit(value=True) if table == "findings" else pl.col("relation") == "source-image"
    name = change.meta.output_name()
    change_table(nights, table, lambda rows: rows.with_columns(pl.when(is_judged).then(change).otherwise(name).alias(name)))
    assert any(said in defect for defect in verify(nights.location).defects)


@pytest.mark.long
@pytest.mark.parametrize("second_day", [False, True], ids=["first run", "second run"])
def test_runs_killed_before_any_commit_are_healed(
    nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, second_day: bool
) -> None:
    """The next run judges what a unit of the dead one wrote, though its target came and vanished unseen."""
    write = nights.archive.write

    def with_references(name: str, **header: Any) -> Path:
        return write(name, **header, References=drawn_references(int(name[-1]), random.Random(f"{name} {header['KVP']}")))

    monkeypatch.setattr(nights.archive, "write", with_references)
    assert_killed_runs_are_healed(nights, tmp_path, second_day=second_day)


@pytest.mark.parametrize("unit_files", [1, 100])
def test_target_that_only_a_dead_run_saw(nights: Nights, unit_files: int) -> None:
    """A run that dies committed a `true`; its target vanishes before the next run, or in one that dies too."""
    nights.overrides |= {"listing.unit_files": unit_files, "lake.commit_units": 1}
    _write(nights, "z", 7)
    nights.run()
    _write(nights, "a", 1, {"instance": "1.2"}, {"series": "2.3"}, {"instance": "1.7"})
    _write(nights, "b", 2, {"instance": "1.1"}, series=3)

    def die_rolling_up() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("dicomlake.run.stages.roll_up_touched", _die)
            with pytest.raises(Killed):
                nights.run()

    die_rolling_up()
    (nights.archive.folder / "b").unlink()
    (nights.archive.folder / "z").unlink()
    die_rolling_up()
    nights.run()
    assert _in_lake(nights) == {"1.2": False, "2.3": False, "1.7": False}
    _is_rebuild(nights)


def test_finding_whose_object_went_in_a_dead_run(nights: Nights) -> None:
    """The next run finds that in the part files that the last snapshot pins."""
    _write(nights, "a", 1, {"instance": "1.9"})
    _write(nights, "b", 2, {"instance": "1.1"}, series=1)
    nights.run()
    (nights.archive.folder / "a").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dicomlake.run.stages.roll_up_touched", _die)
        with pytest.raises(Killed):
            nights.run()
    nights.run()
    assert _in_lake(nights) == {"1.1": False}
    assert _findings(nights) == [("2.1", "SourceImageSequence", _message("source-image"))]
    _is_rebuild(nights)


def _die(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.long
@pytest.mark.parametrize("seed", [*range(SEEDS), *MORE_SEEDS])
def test_after_every_night_references_equal_those_of_a_rebuild(
    nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Whatever happens to objects that refer to others, to these others, and to runs: see the game."""
    header = days._header

    def with_references(chance: random.Random) -> dict[str, Any]:
        made = header(chance)
        return {**made, "References": drawn_references(int(made["SOPInstanceUID"][2:]), chance)}

    monkeypatch.setattr(days, "_header", with_references)
    game = Game(nights, tmp_path, seed)
    seen = set()
    for night in range(1, NIGHTS + 1):
        game.play(night)
        seen.update(nights.lake.instance_references.select("in_lake").unique().collect()["in_lake"])
    assert game.compared >= NIGHTS // 3
    assert seen == {True, False, None}
