"""The bar of a run in Jupyter, in a real kernel."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from dicomlake.run import Progress
from dicomlake.samples import write_sample
from dicomlake.telling.jupyter import _Drawing, in_jupyter


def test_this_is_no_notebook() -> None:
    """Nothing is drawn where no kernel runs."""
    assert not in_jupyter()


def test_what_is_drawn() -> None:
    """HTML with a bar, text without; what comes from names is escaped; nothing but messages is left at the end."""
    progress = Progress(stage="listing and reading", listing_ended=True, files_to_read=10, files_read=4)
    progress.messages.append("<b>\x1b")
    drawn = _Drawing(progress)._repr_mimebundle_()
    assert '<progress value="4" max="10"' in drawn["text/html"]
    assert "<div>dicomlake: &lt;b&gt;\\x1b</div>" in drawn["text/html"]
    assert drawn["text/plain"].splitlines()[0] == "dicomlake: <b>\\x1b"
    assert drawn["text/plain"].splitlines()[1].startswith("reading: 4 of 10 files read")
    left = _Drawing(progress, is_over=True)._repr_mimebundle_()
    assert left == {"text/plain": "dicomlake: <b>\\x1b", "text/html": "<div>dicomlake: &lt;b&gt;\\x1b</div>"}


@pytest.mark.long
@pytest.mark.filterwarnings("default")  # what the packages of the kernel warn of is theirs
def test_bar_in_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in a cell draws a bar that moves, and removes it; one that is told not to draws none."""
    pytest.importorskip("ipykernel")
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(entry for entry in sys.path if entry))
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    write_sample(tmp_path / "archive", studies=1)
    cells = [
        "import dicomlake, dicomlake.telling.jupyter as bar\nbar.DRAWING_SECONDS = 0.01",
        "one = dicomlake.index('archive', lake='one', workers=0)",
        "two = dicomlake.index('archive', lake='two', workers=0, show_progress=False)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    drawn: list[dict[str, Any]] = []

    class Client(nbclient.NotebookClient):  # type: ignore[name-defined, misc]
        def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
            if msg["msg_type"] in ("display_data", "update_display_data"):
                drawn.append(msg["content"]["data"])
            return super().process_message(msg, cell, cell_index)

    Client(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    bars = [data["text/plain"] for data in drawn if "<progress" in data["text/html"]]
    assert bars[0].startswith("starting: ")
    assert len(set(bars)) > 2
    (output,) = notebook.cells[1].outputs
    assert output["data"] == {"text/plain": "", "text/html": ""}
    assert notebook.cells[2].outputs == []
