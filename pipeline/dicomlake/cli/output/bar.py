"""The progress bar of a terminal. It is drawn a few times a second from a `Progress`, and removed at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dicomlake.printable import printable
from dicomlake.telling.figures import figures_of, step_of

if TYPE_CHECKING:
    from dicomlake.run import Progress

DRAWINGS_PER_SECOND = 5


@contextmanager
def bar_on(progress: Progress, stream: TextIO) -> Iterator[None]:
    """Draw a bar during the block. Messages of the run are above it, and stay when it is removed."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)

    live = Live(
        get_renderable=lambda: drawing_of(progress),
        console=console,
        refresh_per_second=DRAWINGS_PER_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    try:
        with live:
            yield
    finally:
        for message in progress.messages:
            console.print(_line(message))


def drawing_of(progress: Progress) -> RenderableType:
    """Messages, the step and its bar, the figures below it, then the workers and the dashboard."""
    step = step_of(progress)
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(no_wrap=True)
    row.add_column(ratio=1, min_width=8)
    row.add_row(Text(step.name), ProgressBar(total=step.total, completed=step.done, pulse=step.total is None))
    lines = [" · ".join(figures_of(progress))]
    if progress.workers:
        dashboard = f" · dashboard {printable(progress.dashboard)}" if progress.dashboard else ""
        lines.append(f"{progress.workers} {'worker' if progress.workers == 1 else 'workers'}{dashboard}")
    return Group(*map(_line, progress.messages), row, *(Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in lines))


def _line(message: str) -> Text:
    return Text(f"dicomlake: {printable(message)}")
