"""The notebooks run, show today what is stored in them, and are stored without what a machine put into them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipykernel")
pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

from notebooks.make_outputs import METADATA, notebooks, run, settled, settled_text, texts  # noqa: E402 - needs the packages above

pytestmark = pytest.mark.long

NOTEBOOKS = notebooks()
LARGEST_BYTES = 400_000

of_each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_is_a_notebook() -> None:
    """The tests below look at something."""
    assert [path.name for path in NOTEBOOKS] == ["01_quickstart.ipynb"]


@pytest.mark.filterwarnings("default")  # what the packages of the notebook's kernel warn of is theirs
@of_each_notebook
def test_notebook_shows_what_is_stored(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs, in order, in a new kernel, and shows the texts that are stored, and a picture where one is stored."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(entry for entry in sys.path if entry))
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    stored, shown = _code(nbformat.read(path, as_version=4)), _code(run(path, tmp_path))
    advice = "review what differs, then run: python notebooks/make_outputs.py"
    assert [texts(cell) for cell in shown] == [texts(cell) for cell in stored], advice
    assert [_pictures(cell) for cell in shown] == [_pictures(cell) for cell in stored], advice


@of_each_notebook
def test_every_cell_has_its_output(path: Path) -> None:
    """A reader who only looks sees what each cell shows, in the order of a run, and pictures."""
    code = _code(nbformat.read(path, as_version=4))
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert [cell.id for cell in code if not cell.outputs] == []
    assert sum(map(_pictures, code)) >= 2
    assert path.stat().st_size < LARGEST_BYTES


@of_each_notebook
def test_notebook_is_stored_settled(path: Path) -> None:
    """No folder, time or version of the machine that ran it is in the stored file."""
    notebook = nbformat.read(path, as_version=4)
    assert dict(notebook.metadata) == METADATA
    assert all(cell.metadata == {} for cell in notebook.cells)
    stored = path.read_text("utf-8")
    assert nbformat.writes(settled(notebook)) + "\n" == stored
    assert [name for name in (str(Path.home()), str(path.parents[1]), sys.prefix) if name in stored and name != "/"] == []


@of_each_notebook
def test_links_lead_somewhere(path: Path) -> None:
    """A page of the docs that the notebook names is there."""
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    links = re.findall(r"\]\(([^):]+)\)", "\n".join(cells))
    assert links
    assert [link for link in links if not (path.parent / link).is_file()] == []


@pytest.mark.parametrize(
    ("shown", "stored"),
    [
        ("<div>source /var/tmp/dicomlake-ab12_d34/archive</div>", "<div>source /tmp/dicomlake/archive</div>"),
        ("Lake /tmp/dicomlake-ab12cd34/lake, snapshot 1 of 2026-05-04 03:02:01 UTC", "Lake /tmp/dicomlake/lake, snapshot 1 of … UTC"),
        ("9 read, 1 failed, in 12 s</div>", "9 read, 1 failed, in … s</div>"),
        ("9 read, 1 failed, in 2 min 05 s>", "9 read, 1 failed, in … s>"),
        ("9 read, 1 failed, in 1 h 02 min", "9 read, 1 failed, in … s"),
        ("index by dicomlake 0.2.0.dev1, engine native 0.2.0</div>", "index by dicomlake …, engine native …</div>"),
        ("StudyDate 2022-03-27, 20 slices in 4 series", "StudyDate 2022-03-27, 20 slices in 4 series"),
    ],
)
def test_settled_text(shown: str, stored: str) -> None:
    """Folders, times, durations and versions are replaced, and answers are not."""
    assert settled_text(shown) == stored


@pytest.mark.parametrize("text", ["DeprecationWarning: use the other one", "1/0"])
def test_a_warning_is_not_stored(text: str) -> None:
    """A cell that writes to stderr is mended, and not stored."""
    with pytest.raises(ValueError, match="a cell warns"):
        settled(_notebook(nbformat.v4.new_output("stream", name="stderr", text=text)))


def test_an_output_that_says_nothing_is_left_out() -> None:
    """The bar of a run that is over, and matplotlib's first start, leave nothing; a number that is 0 stays."""
    bar = nbformat.v4.new_output("display_data", {"text/plain": "", "text/html": ""})
    first = nbformat.v4.new_output("stream", name="stderr", text="Matplotlib is building the font cache; this may take a moment.\n")
    zero = nbformat.v4.new_output("execute_result", {"text/plain": "0"}, execution_count=1)
    (cell,) = settled(_notebook(bar, first, zero)).cells
    assert texts(cell) == [("text/plain", "0")]


def _notebook(*outputs: Any) -> Any:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=list(outputs))])


def _code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _pictures(cell: Any) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.outputs)
