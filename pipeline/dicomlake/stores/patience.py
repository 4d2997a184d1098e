"""Asking a store again: its client does so by itself, but not once an answer has begun, nor where asking twice might do a thing twice."""

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
    """Whether a store's failure may pass: the network's, or its own, and no answer to what was asked."""
    return isinstance(error, GenericError) and not codes_of(error) & _FINAL_CODES


def patiently(
    ask: Callable[[], Answer], pauses_seconds: tuple[float, ...] = PAUSES_SECONDS, passes: Callable[[Exception], bool] = is_passing
) -> Answer:
    """Ask again where a store failed, and after the last pause let its failure be seen.

    Args:
        ask: an action that may be done twice, or that finds out itself that it was done.
        pauses_seconds: between the attempts.
        passes: says of a failure whether it may pass; by default of one of obstore's.

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
