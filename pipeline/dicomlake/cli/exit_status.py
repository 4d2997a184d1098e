"""The exit status of an error that ends a command, and its name in a log."""

from __future__ import annotations

from dicomlake.cli.interrupts import INTERRUPTED
from dicomlake.errors import RefusedError, UsageError

USAGE_EVENT = "usage-error"


def exit_status_of(error: BaseException) -> int:
    """0 done, 1 refused, broken off or a bug, 2 usage or configuration, 130 interrupted; otherwise the status that the error carries."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    asked: object = getattr(error, "exit_code", None)
    return asked if isinstance(asked, int) else 1


def event_of(error: BaseException) -> str:
    """The event in a log for a command that ended with an error."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, UsageError):
        return USAGE_EVENT
    return "refused" if isinstance(error, RefusedError) else "failed"
