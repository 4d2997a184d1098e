"""Permission to read a lake: a table that may not be read is neither absent nor damaged, and the message says so."""

from __future__ import annotations

import os

from dicomlake.errors import AccessDenied
from dicomlake.parts.location import Location


def refused_by_system(location: Location, table: str) -> AccessDenied | None:
    """The error of a table in a local lake that this user may not read; None where nothing is in the way.

    It is asked after something else failed, so it may look at every file.
    """
    path = _unreadable(location.join(table)) if location.is_local else None
    if path is None:
        return None
    return AccessDenied(f"lake {location.url} can't be read: no permission for {path}; run as a user who may, or have access granted")


def _unreadable(folder: str) -> str | None:
    """The first file or folder of a table, or above it, that may not be read."""
    above = folder
    while not _may_be_looked_at(above):
        above = os.path.dirname(above)
    return above if above != folder else _unreadable_below(folder)


def _may_be_looked_at(path: str) -> bool:
    try:
        os.stat(path)
    except PermissionError:
        return False
    except OSError:
        return True
    return True


def _unreadable_below(folder: str) -> str | None:
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if not os.access(entry.path, os.R_OK, effective_ids=True):
                    return entry.path
                if entry.is_dir(follow_symlinks=False) and (found := _unreadable_below(entry.path)):
                    return found
    except PermissionError:
        return folder
    except OSError:
        return None
    return None
