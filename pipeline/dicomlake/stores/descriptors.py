"""The limit of open files: each request in flight is a connection, and many processes start with a limit of a thousand."""

from __future__ import annotations

import contextlib
import functools
import resource

ENOUGH_DESCRIPTORS = 16_384
"""Enough for the connections of a hundred worker threads."""


@functools.cache
def make_room_for_connections() -> None:
    """Raise the limit of open files of this process, as far as the system allows and `ENOUGH_DESCRIPTORS` needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = ENOUGH_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(ENOUGH_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        with contextlib.suppress(OSError, ValueError):  # some systems allow less than they report
            resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
