"""The folder that a sample or corpus is written into: new or empty, so that nothing is ever overwritten."""

from __future__ import annotations

from pathlib import Path

from dicomlake.errors import AccessDenied, ConfigurationError


def claim_destination(destination: Path) -> None:
    """Make sure that ``destination`` is an empty folder, with its parents.

    Raises:
        ConfigurationError: it exists and is not an empty folder.
        AccessDenied: it can't be listed or made.
    """
    try:
        if destination.exists() and not (destination.is_dir() and not any(destination.iterdir())):
            raise ConfigurationError(f"{destination} exists and is not an empty folder: name a new or an empty one")
        destination.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AccessDenied(f"{destination} can't be made: {error.strerror}") from error
