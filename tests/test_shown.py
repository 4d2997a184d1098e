"""Lakes, runs, scans and differences, as a notebook and a prompt of Python show them."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

import dicomlake
from dicomlake.html import html_table
from dicomlake.run import Summary
from dicomlake.samples import write_sample

HOSTILE = "<script>alert(1)</script>\x1b[31m&\u202e"


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= {"style"}
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + "|"


def _shown(thing: object) -> _Tags:
    """What a notebook shows; whatever stands in it, no other tags than those of tables are there."""
    shown = _Tags(thing._repr_html_())  # type: ignore[attr-defined]  # the way of notebooks
    assert shown.tags <= {"div", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert shown.text.replace("|", "").isprintable()
    return shown


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive in a folder with a hostile name, a patient with one too, and a lake of two runs."""
    folder = tmp_path_factory.mktemp("shown")
    archive = folder / "<img src=x onerror=alert(1)>"
    write_sample(archive)
    dicomlake.index(archive, lake=folder / "lake", workers=0)
    shutil.rmtree(archive / "P001")
    dicomlake.index(archive, lake=folder / "lake", workers=0, missing_limit=1.0)
    return folder


def test_lake(folder: Path) -> None:
    """Where it is, its snapshot and its tables."""
    lake = dicomlake.Lake(folder / "lake")
    rows = {name: lake.table(name).collect().height for name in ("instances", "series", "studies", "patients")}
    counts = ", ".join(f"{count:,} {name}" for name, count in rows.items())
    assert repr(lake).startswith(f"<Lake {folder}/lake, snapshot 2 of 2")
    assert repr(lake).endswith(f" UTC: {counts}>")
    shown = _shown(lake)
    assert "source " in shown.text
    assert "<img src=x onerror=alert(1)>" in shown.text
    for name, count in rows.items():
        assert f"{name}|{count:,}|" in shown.text


def test_a_damaged_lake_is_shown_too(folder: Path, tmp_path: Path) -> None:
    """Whatever went since it was opened, showing it does not raise."""
    copy = tmp_path / "lake"
    shutil.copytree(folder / "lake", copy)
    lake = dicomlake.Lake(copy)
    shutil.rmtree(copy / "series")
    assert "instances" in repr(lake)
    assert " series" not in repr(lake)
    assert "instances" in _shown(lake).text


def test_summary_and_scan(folder: Path) -> None:
    """The line that the command prints, and the files by status."""
    source = folder / "<img src=x onerror=alert(1)>"
    summary = dicomlake.index(source, lake=folder / "other", dry_run=True)
    assert isinstance(summary, Summary)
    assert repr(summary).startswith(f"<Summary: snapshot 0: {summary.files_listed} files listed: {summary.files_new} new, 0 changed")
    assert "indexed|0|" in _shown(summary).text
    scanned = dicomlake.scan(source)
    assert repr(scanned).startswith(f"<Scanned {summary.files_listed} files (")
    shown = _shown(scanned)
    assert f"instances|{scanned.instances.num_rows}|" in shown.text
    assert len(repr(scanned)) < 300
    assert repr(dicomlake.scan([])).startswith("<Scanned 0 files: 0 instances")
    assert "status" in _shown(dicomlake.scan([])).text


def test_diff(folder: Path) -> None:
    """What went, by table; and the first entities of each level."""
    diff = dicomlake.Lake(folder / "lake").diff()
    gone = diff.counts.filter(diff.counts["table"] == "series")["went"][0]
    assert gone >= 1
    assert f"series +0 -{gone} ~0" in repr(diff)
    shown = _shown(diff)
    assert "files by status" in shown.text
    assert diff.series["SeriesInstanceUID"][0] in shown.text
    same = dicomlake.Lake(folder / "lake").diff(2)
    assert "nothing differs" in repr(same)
    assert _shown(same)


def test_text_is_escaped_wherever_it_stands() -> None:
    """A name is data, also where it looks like markup or moves the cursor."""

    class Shown:
        def _repr_html_(self) -> str:
            return html_table([HOSTILE], [[HOSTILE], [None], [1234567]], HOSTILE)

    shown = _shown(Shown())
    assert shown.text.count("<script>alert(1)</script>\\x1b[31m&\\u202e") == 3
    assert "1,234,567" in shown.text
