"""File descriptors: each request on its way to a store is a connection, and a process often starts with leave for a thousand."""

from __future__ import annotations

import contextlib
import functools
import resource

ENOUGH_DESCRIPTORS = 16_384
"""Connections of a hundred worker threads."""


@functools.cache
def make_room_for_connections() -> None:
    """Raise what this process may have open to what the system allows it, or to as much as is of use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = ENOUGH_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(ENOUGH_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        with contextlib.suppress(OSError, ValueError):  # some systems allow less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
