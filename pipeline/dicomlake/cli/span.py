"""Spans of time on a command line."""

from __future__ import annotations

from datetime import timedelta

from dicomlake import span
from dicomlake.errors import UsageError


def span_of(text: str, option: str) -> timedelta:
    """The span that a text says.

    Raises:
        UsageError: it says none; ``option`` is where it was given.
    """
    try:
        return span.span_of(text)
    except ValueError as error:
        raise UsageError(f"{option} {error}") from None


def optional_span_of(text: str | None, option: str) -> timedelta | None:
    """The span that a text says; None where the option was not given.

    Raises:
        UsageError: it says none; ``option`` is where it was given.
    """
    return None if text is None else span_of(text, option)
