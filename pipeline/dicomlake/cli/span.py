"""Spans of time on a command line: ``30d``, ``12h``, ``4w``; also ``45s`` and ``30min``, but no ``m``, which could be months."""

from __future__ import annotations

import re
from datetime import timedelta

from dicomlake.errors import UsageError

_SPAN = re.compile(r"(\d{1,6})(s|min|h|d|w)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span_of(text: str, option: str) -> timedelta:
    """The span that a text says.

    Raises:
        UsageError: it says none; ``option`` is where it was given.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise UsageError(f"{option} '{text}' is no span of time; give a whole number and its unit: 45s, 30min, 12h, 30d, 4w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def optional_span_of(text: str | None, option: str) -> timedelta | None:
    """The span that a text says; None where the option was not given.

    Raises:
        UsageError: it says none; ``option`` is where it was given.
    """
    return None if text is None else span_of(text, option)
