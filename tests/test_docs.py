"""The documents tell the truth: links lead somewhere, named files are there, and the recipes are as short as they say."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest
from pydicom.dataset import Dataset

from dicomlake.cli.commands import COMMANDS
from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.schema import LakeSchema, columns
from dicomlake.stores import kinds

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
RECIPES = (ROOT / "docs" / "recipes.md").read_text("utf-8")
FEWEST = {"a column": 1, "a finding": 3, "a command": 2, "a kind of store": 2, "a table": 3}


@pytest.mark.usefixtures("package_sources")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Links inside the repository name files that are there."""
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    inside = [link for link in links if not link.startswith(("http://", "https://"))]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_no_document_outside_the_repository_is_cited() -> None:
    """Whoever has the repository has every document that it cites."""
    named = [path for folder in ("pipeline", "docs", "configs") for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES]
    assert [path for path in named if re.search(r"DESIGN(\.md| section)", path.read_text("utf-8"))] == []


SOURCES = {".py", ".pyi", ".rs", ".csv", ".md", ".yaml"}


@pytest.mark.usefixtures("package_sources")
@pytest.mark.parametrize("recipe", FEWEST)
def test_recipes_name_files_that_are_there(recipe: str) -> None:
    """Each row of a recipe is a file to touch; placeholders in capitals stand for a name of one's own."""
    section = RECIPES.split(f"## Add {recipe}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (?!touch|---)(.+?) \|", section, re.MULTILINE)
    assert len(rows) == FEWEST[recipe]
    paths = [path for row in rows for path in re.findall(r"`([^`]+)`", row)]
    assert paths
    for path in paths:
        whole = ROOT / path
        assert whole.parent.is_dir() if re.search(r"/[A-Z]+\.py$", path) else whole.exists(), path


def test_a_column_is_a_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another row of columns.csv is a column of `instances` with values, without a change anywhere else."""
    rows = columns.data_rows("columns.csv")
    own = {"name": "BirthTime", "group": "patient", "path": "PatientBirthTime", "tag": "(0010,0032)", "vr": "TM", "vm": "1", "type": "time"}
    added = dict.fromkeys(rows[0], "") | own
    read = columns.data_rows
    monkeypatch.setattr(columns, "data_rows", lambda name: [*rows, added] if name == "columns.csv" else read(name))
    columns.standard_columns.cache_clear()
    try:
        schema = LakeSchema.build()
        assert "BirthTime" in schema.table("patients").names
        dataset = Dataset()
        dataset.SOPInstanceUID, dataset.PatientBirthTime = "1.2", "123456"
        dataset.save_as(tmp_path / "file", implicit_vr=False, little_endian=True)
        nothing = {"file_size": pa.int64(), "modified": pa.timestamp("us", "UTC"), "etag": pa.string()}
        files = pa.table({"url": [str(tmp_path / "file")], **{name: pa.nulls(1, type_) for name, type_ in nothing.items()}})
        scanned = make_engine("native").scan(files, ScanRequest(schema))
        assert scanned.instances["BirthTime"].to_pylist() == ["12:34:56.000000"]
    finally:
        columns.standard_columns.cache_clear()


def test_a_command_is_a_file_and_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module and its name in COMMANDS make a command."""
    import importlib

    import dicomlake.cli.application
    import dicomlake.cli.commands

    module = ModuleType("dicomlake.cli.commands.toy")

    def toy() -> None:
        """Do nothing."""

    module.toy = toy  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(dicomlake.cli.commands, "COMMANDS", (*COMMANDS, "toy"))
    try:
        assert "toy" in importlib.reload(dicomlake.cli.application).command_line().commands
    finally:
        monkeypatch.undo()
        importlib.reload(dicomlake.cli.application)


def test_a_kind_of_store_is_a_row_and_a_module() -> None:
    """Each kind that takes options has its module of translation."""
    modules = {path.stem for path in Path(kinds.__file__).with_name("translation").glob("*.py")} - {"__init__", "translated"}
    of_kinds = {kind.translate.__module__.rpartition(".")[2] for kind in kinds.KINDS} - {"kinds"}
    assert of_kinds == modules
