"""A bar in Jupyter, drawn a few times a second from the `Progress` of a run that a cell waits for."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from dicomlake.printable import printable
from dicomlake.telling.figures import figures_of, step_of

if TYPE_CHECKING:
    from dicomlake.run import Progress

DRAWING_SECONDS = 0.3


def in_jupyter() -> bool:
    """Whether this process is the kernel of a notebook. IPython in a terminal is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


@contextmanager
def jupyter_bar_on(progress: Progress) -> Iterator[None]:
    """Draw a bar below the cell during the block. The messages of the run stay there when the bar is removed."""
    from IPython.display import display  # noqa: PLC0415 - only a kernel has it

    handle = display(_Drawing(progress), display_id=True)  # type: ignore[no-untyped-call]
    ended = threading.Event()

    def draw() -> None:
        while not ended.wait(DRAWING_SECONDS):
            handle.update(_Drawing(progress))

    thread = threading.Thread(target=draw, name="dicomlake-talk", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        handle.update(_Drawing(progress, is_over=True))


class _Drawing:
    """A moment of a run, as Jupyter shows it: HTML, and text for what shows no HTML."""

    def __init__(self, progress: Progress, *, is_over: bool = False) -> None:
        self._messages = [f"dicomlake: {printable(message)}" for message in progress.messages]
        self._step = None if is_over else step_of(progress)
        self._figures = "" if is_over else " · ".join(figures_of(progress))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:  # noqa: ANN401 - Jupyter's, of any type
        lines = [*self._messages]
        html = [f"<div>{escape(message)}</div>" for message in self._messages]
        if self._step is not None:
            name, done, total = self._step.name, self._step.done, self._step.total
            # A bar without a value moves by itself.
            value = "" if total is None else f' value="{done}" max="{total}"'
            html.append(f'<div>{escape(name)} <progress{value} style="width: 20em"></progress> {escape(self._figures)}</div>')
            lines.append(f"{name}: {self._figures}")
        return {"text/plain": "\n".join(lines), "text/html": "".join(html)}
