"""Figures and pictures on the pages are those of a record, or of today."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.docs.pages import DOCS, ROOT

pytestmark = pytest.mark.long

SPEED = (DOCS / "speed.md").read_text("utf-8")


def _record(name: str) -> dict[str, Any]:
    """The record of a benchmark beside which the figures stand."""
    (path,) = set(re.findall(rf"benchmarks/records/({name}-[\d-]+\.json)", SPEED))
    record: dict[str, Any] = json.loads((ROOT / "benchmarks" / "records" / path).read_text("utf-8"))
    return record


def _figures(heading: str) -> list[str]:
    """The last column of the table with this heading."""
    shown = re.search(rf"\| reader \| {heading} \|\n\|---\|---\|\n((?:\|.*\n)+)", SPEED)
    assert shown is not None
    return re.findall(r"\| ([\d.,]+) \|\n", shown[1])


def _is_one_of(figure: str, measured: list[float]) -> bool:
    digits = len(figure.partition(".")[2])
    return any(f"{one:,.{digits}f}" == figure for one in measured)


@pytest.mark.parametrize(
    ("name", "heading", "key", "count"),
    [
        ("scan", "µs a file", "least_microseconds_a_file", 7),
        ("object-store", "µs of client CPU a file", "least_cpu_microseconds_a_file", 3),
    ],
)
def test_figures_are_those_of_the_record(name: str, heading: str, key: str, count: int) -> None:
    """Every figure of speed is the least of the record that stands beside it."""
    measured = [reader[key] for reader in _record(name)["readers"]]
    figures = _figures(heading)
    assert len(figures) == count
    for figure in figures:
        assert _is_one_of(figure, measured), figure


def test_seconds_of_frames_are_those_of_the_record() -> None:
    """So are the seconds for a header of many frames, and those of pydicom."""
    (rows,) = re.findall(r"become rows in ([\d.]+) seconds", SPEED)
    (walked,) = re.findall(r"pydicom takes (\d+) seconds to walk", SPEED)
    measured = _record("frames")["seconds"].values()
    assert _is_one_of(rows, [seconds["rows"] for seconds in measured])
    assert _is_one_of(walked, [seconds["pydicom"] for seconds in measured])


def test_files_a_second_are_those_of_the_record() -> None:
    """So is the speed of the whole command over a slow store."""
    (figure,) = re.findall(r"read ([\d,]+) files a second", SPEED)
    assert _is_one_of(figure, [reader["most_files_a_second"] for reader in _record("object-store")["readers_20_ms_late"]])


def _picture_maker() -> ModuleType:
    """The script that makes the picture."""
    specification = importlib.util.spec_from_file_location("make_answer", DOCS / "pictures" / "make_answer.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_picture_shows_answers_of_today(tmp_path: Path) -> None:
    """Its text is that of the questions and of their answers; it loads nothing from elsewhere."""
    maker = _picture_maker()
    picture = maker.PICTURE.read_text("utf-8")
    expected = " ".join(" ".join(f"{question}\n{answer}" for question, answer in maker.answers(tmp_path)).split())
    assert maker.text_of(picture) == expected
    assert set(re.findall(r"https?://[^\"'\s]+", picture)) == {"http://www.w3.org/2000/svg"}
