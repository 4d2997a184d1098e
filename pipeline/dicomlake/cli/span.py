"""Spans of time on a command line: ``30d``, ``12h``, ``4w``."""

from __future__ import annotations

import re
from datetime import timedelta

from dicomlake.errors import UsageError

_SPAN = re.compile(r"(\d{1,6})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def span_of(text: str, option: str) -> timedelta:
    """The span that a text says.

    Raises:
        UsageError: it says none; ``option`` is where it was given.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise UsageError(f"{option} '{text}' is no span of time; give a whole number of hours, days or weeks: 12h, 30d, 4w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
