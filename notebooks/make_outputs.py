"""Run the notebooks and store their outputs in them: ``python notebooks/make_outputs.py``, with the environment that ``make`` builds.

A stored output says nothing of the machine, the hour or the folder of the run, so that a second run stores the same file. Review the
difference that git shows.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import nbclient
import nbformat
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parent
TIMEOUT_SECONDS = 300

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""Of every notebook: a kernel writes its version of Python there."""

STANDING_FOR = (
    (re.compile(r"""[^\s"'<>()]*/dicomlake-\w{8}(?=[/"'<>()\s,]|$)"""), "/tmp/dicomlake"),  # noqa: S108 - a text, and no file
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"), "… UTC"),
    (re.compile(r"(?<= in )(?:\d+ h \d+ min|\d+ min \d+ s|\d+ s)\b"), "… s"),
    (re.compile(r"(?<=by dicomlake )\d[^\s,<>]*|(?<=engine native )\d[^\s,<>]*"), "…"),
)
"""Patterns of text that differs from run to run, and the text that is stored instead: folders, times, durations, versions."""

PASSING_REMARK = "Matplotlib is building the font cache"
"""matplotlib says it once in the life of a machine, and only where that is slow."""


def run(path: Path, folder: Path) -> NotebookNode:
    """Run every cell of a notebook, in order, in a new kernel.

    Args:
        path: of the notebook, which stays as it is.
        folder: the working folder of the kernel.

    Returns:
        The notebook with the outputs of this run, settled.

    Raises:
        CellExecutionError: a cell raises.
        ValueError: a cell warns.

    Example:
        >>> run(NOTEBOOKS / "01_quickstart.ipynb", folder).cells[1].outputs[0].data["text/plain"]
        '(14, 20, 38, 352)'
    """
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=TIMEOUT_SECONDS, record_timing=False, coalesce_streams=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return settled(notebook)


def settled(notebook: NotebookNode) -> NotebookNode:
    """Take out of a notebook what the next run on another machine would write otherwise.

    Raises:
        ValueError: a cell warns: its text on stderr would be stored.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
        if cell.cell_type == "code":
            cell.outputs = [settled_output(output) for output in cell.outputs if _says_something(output)]
    return notebook


def settled_output(output: NotebookNode) -> NotebookNode:
    """Replace in the texts of one output what `STANDING_FOR` names."""
    if output.output_type == "stream":
        output.text = settled_text(output.text)
    else:
        output.data = NotebookNode({kind: settled_text(value) if _is_text(kind) else value for kind, value in output.data.items()})
        output.metadata = NotebookNode()
    return output


def settled_text(text: str) -> str:
    """Replace in a text what `STANDING_FOR` names.

    Example:
        >>> settled_text("Lake /var/tmp/dicomlake-ab12cd34/lake, snapshot 1 of 2026-05-04 03:02:01 UTC")
        'Lake /tmp/dicomlake/lake, snapshot 1 of … UTC'
    """
    for pattern, stands_for_it in STANDING_FOR:
        text = pattern.sub(stands_for_it, text)
    return text


def texts(cell: NotebookNode) -> list[tuple[str, str]]:
    """Answer the texts that a cell shows, each with its kind, and without its pictures."""
    shown: list[tuple[str, str]] = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            shown.append((output.name, output.text))
        else:
            shown.extend((kind, value) for kind, value in sorted(output.data.items()) if _is_text(kind))
    return shown


def main(paths: Iterable[Path]) -> None:
    """Store in each notebook the outputs of a run."""
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            notebook = run(path, Path(folder))
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB")


def notebooks() -> Sequence[Path]:
    """Answer the notebooks of the project, by name."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def _says_something(output: NotebookNode) -> bool:
    """Tell whether a reader sees anything of an output. A bar that is over leaves an empty one."""
    if output.output_type == "stream" and output.name == "stderr":
        if PASSING_REMARK in output.text:
            return False
        raise ValueError(f"a cell warns; mend it: {output.text}")
    return output.output_type == "stream" or any(output.data.values())


def _is_text(kind: str) -> bool:
    return kind.startswith("text/")


if __name__ == "__main__":
    main(notebooks())
