"""Whether messages on stderr are JSON. The answer is needed before anything is imported, even if the rest of the command line is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

OPTION = "--log-format"


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON."""
    options = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    return f"{OPTION}=json" in options or any(pair == (OPTION, "json") for pair in pairwise(options))
