"""``--wait`` of the commands that have no progress to show."""

from __future__ import annotations

from datetime import timedelta

from dicomlake.cli.screen import note
from dicomlake.cli.span import optional_span_of
from dicomlake.cli.visible import visible
from dicomlake.lake import Waiting


def waiting_of(wait: str | None) -> Waiting:
    """How long to wait for another writer, telling on stderr for whom.

    Raises:
        UsageError: the text is no span of time.
    """
    return Waiting(optional_span_of(wait, "--wait") or timedelta(0), lambda message: note(f"dicomlake: {visible(message)}"))
