"""SIGINT and SIGTERM: a run that is asked to end does so soon, and tidily."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""The exit code of whatever was interrupted."""


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM interrupts as SIGINT does; a second signal ends the process at once, in case tidying up takes too long for whoever waits."""
    seen = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        if seen:
            os._exit(INTERRUPTED)
        seen = True
        raise KeyboardInterrupt

    former = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup and & mean it
                former[number] = signal.signal(number, interrupt)
        except ValueError:  # not the main thread: signals are another's business
            break
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def wake_from_waiting() -> None:
    """Have SIGINT end a wait for input or for another thread; to be called once polars is imported.

    Polars puts a handler of its own before Python's and asks the system to restart what the
    signal broke off, so that Python, waiting, would never hear of it.
    """
    signal.siginterrupt(signal.SIGINT, True)  # noqa: FBT003 - there is not a keyword
