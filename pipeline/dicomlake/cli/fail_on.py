"""``--fail-on``: names of defects that give a run an exit status of its own."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from dicomlake.errors import FileCode, FindingCode, UsageError

if TYPE_CHECKING:
    from dicomlake.run import Progress, Summary

FOUND = 3
"""The exit status of a run that finished and found one of the names."""

FAILED = "failed"
_NAMES = {FAILED, *(code.value for code in FileCode), *(code.value for code in FindingCode)}


def check_names(names: Sequence[str]) -> None:
    """Refuse a name that no run can find.

    Raises:
        UsageError: a name is neither ``failed`` nor a code that something raises. It names the nearest ones.
    """
    for name in names:
        if name not in _NAMES:
            raise UsageError(f"--fail-on '{name}' is neither 'failed' nor a code; {_advice(name)}")


def _advice(name: str) -> str:
    near = get_close_matches(name.lower().replace("_", "-"), sorted(_NAMES), n=2)
    if near:
        return f"did you mean {' or '.join(repr(one) for one in near)}?"
    return f"the codes are {', '.join(sorted(_NAMES - {FAILED}))}"


def found(names: Sequence[str], summary: Summary, progress: Progress) -> bool:
    """Whether one of the names was found: a file that the run read and that failed, or a code of such a file or of a finding."""
    return any(summary.files_failed if name == FAILED else progress.codes[name] + progress.findings[name] for name in names)
