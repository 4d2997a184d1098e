"""SIGINT and SIGTERM: a run ends soon after such a signal, and closes what it opened."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""The exit status of a command that was interrupted."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM interrupt as SIGINT does. A second signal ends the process at once, if the cleaning up takes too long."""
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
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup and & ask to ignore it
                former[number] = signal.signal(number, interrupt)
        except ValueError:  # only the main thread may handle signals
            break
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def wake_from_waiting() -> None:
    """Let SIGINT end a wait for input or for another thread. To be called after polars is imported.

    The handler of polars asks the system to restart the call that the signal interrupted. So Python would wait on and never see the signal.
    """
    signal.siginterrupt(signal.SIGINT, True)  # noqa: FBT003 - there is not a keyword
