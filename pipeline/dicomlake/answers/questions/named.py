"""Ready questions by name."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources

from dicomlake.errors import UsageError

MARK = "@"
"""The sign before the name of a ready question."""

_COMMENT = "-- "


@dataclass(frozen=True)
class Question:
    """A ready question.

    Attributes:
        name: its name, without the mark.
        help: one sentence about its rows.
        sql: the query.
    """

    name: str
    help: str
    sql: str


@cache
def questions() -> dict[str, Question]:
    """All ready questions, by name."""
    found = {}
    for folder in sorted(resources.files(__package__).iterdir(), key=lambda entry: entry.name):
        if not folder.is_dir() or folder.name.startswith("__"):
            continue
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".sql"):
                first, _, sql = file.read_text("utf-8").partition("\n")
                name = file.name.removesuffix(".sql")
                found[name] = Question(name, first.removeprefix(_COMMENT), sql.strip())
    return found


def sql_of(text: str) -> str:
    """The SQL of a query that a user gives: that of a ready question where it begins with ``@``, else the text itself.

    Raises:
        UsageError: no question has that name.

    Example:
        >>> sql_of("select 1")
        'select 1'
        >>> sql_of("@ct_index").splitlines()[0]
        'select'
    """
    stripped = text.strip()
    if not stripped.startswith(MARK):
        return text
    known = questions()
    name = stripped.removeprefix(MARK)
    if name in known:
        return known[name].sql
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {MARK}{near[0]}?" if near else "the names are " + ", ".join(MARK + name for name in known)
    raise UsageError(f"'{stripped}' is not a ready question; {hint}")
