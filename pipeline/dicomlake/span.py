"""Spans of time as people write them, on a command line and in the configuration: ``30d``, ``12h``, ``4w``.

Also ``45s`` and ``30min``, but no ``m``, which could be months.
"""

from __future__ import annotations

import re
from datetime import timedelta

_SPAN = re.compile(r"(\d{1,6})(s|min|h|d|w)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span_of(text: str) -> timedelta:
    """The span that a text says.

    Raises:
        ValueError: it says none.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no span of time; give a whole number and its unit: 45s, 30min, 12h, 30d, 4w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
