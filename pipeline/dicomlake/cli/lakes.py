"""The lake that a command was given: its location, its snapshots, and the wait for another writer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dicomlake.cli.options import optional_span_of
from dicomlake.cli.output.screen import note
from dicomlake.printable import printable

if TYPE_CHECKING:
    from dicomlake.lake import Lake, Waiting
    from dicomlake.parts import Location


def location_of(lake: str, config: str | None) -> Location:
    """The location of a lake. A lake in a folder takes no storage options, as in `index`.

    Raises:
        ConfigurationError: the configuration can't be used.
    """
    from dicomlake.parts.location import Location

    location = Location.of(lake)
    if config is None:
        return location
    from dicomlake.config import load_settings

    settings = load_settings(config)
    return location if location.is_local else Location.of(lake, settings.storage_options)


def lake_at(lake: str, config: str | None, snapshot: int | None = None) -> Lake:
    """A lake at a snapshot, by default the last one.

    Raises:
        ConfigurationError: the configuration can't be used.
        NotALake: there is no lake, or it has no such snapshot.
    """
    from dicomlake.lake import Lake

    location = location_of(lake, config)
    return Lake(location.url, location.storage_options, snapshot=snapshot)


def waiting_of(wait: str | None) -> Waiting:
    """The wait for another writer, which a note on stderr names.

    Raises:
        UsageError: the text is not a span of time.
    """
    from dicomlake.lake import Waiting

    return Waiting(optional_span_of(wait, "--wait") or timedelta(0), lambda message: note(f"dicomlake: {printable(message)}"))
