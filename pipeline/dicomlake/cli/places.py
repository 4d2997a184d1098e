"""Where a lake is that a command was given, and how its store is opened."""
# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that --help answers at once

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dicomlake.lake import Lake
    from dicomlake.parts import Location


def location_of(lake: str, config: str | None) -> Location:
    """The place of a lake. A lake in a folder takes no options of stores, as in `index`.

    Raises:
        ConfigurationError: the configuration can't be used.
    """
    from dicomlake.config import load_settings
    from dicomlake.parts import Location

    location = Location.of(lake)
    if config is None:
        return location
    settings = load_settings(config)
    return location if location.is_local else Location.of(lake, settings.storage_options)


def lake_at(lake: str, config: str | None, snapshot: int | None = None) -> Lake:
    """A lake as a finished run left it, the last one unless told which.

    Raises:
        ConfigurationError: the configuration can't be used.
        NotALake: there is no lake, or it has no such snapshot.
    """
    from dicomlake.lake import Lake

    location = location_of(lake, config)
    return Lake(location.url, location.storage_options, snapshot=snapshot)
