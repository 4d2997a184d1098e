"""Repeated requests to a store. Its client does not repeat one whose answer has begun, or that might act twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from obstore.exceptions import GenericError

from dicomlake.stores.refusal import codes_of

PAUSES_SECONDS = (0.1, 0.5, 2.0)
_FINAL_CODES = frozenset({"400", "401", "403", "404", "409", "412"})

Answer = TypeVar("Answer")


def is_passing(error: Exception) -> bool:
    """Whether a failure may pass: one of the network or the store, not an answer to the request."""
    return isinstance(error, GenericError) and not codes_of(error) & _FINAL_CODES


def patiently(
    ask: Callable[[], Answer], pauses_seconds: tuple[float, ...] = PAUSES_SECONDS, passes: Callable[[Exception], bool] = is_passing
) -> Answer:
    """Repeat a request that failed; after the last pause its failure is raised.

    Args:
        ask: a request that may be done twice, or that notices that it was done already.
        pauses_seconds: the pauses between attempts.
        passes: decides if a failure may pass; the default knows the failures of obstore.

    Raises:
        Exception: the store's last answer, as its client raises it.
    """
    for pause in pauses_seconds:
        try:
            return ask()
        except Exception as error:
            if not passes(error):
                raise
        time.sleep(pause)
    return ask()
