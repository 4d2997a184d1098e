"""DuckDB's errors as one line for people, without a value of any row: it may be a patient's.

An error that comes before rows are read can quote only the query and names of columns. One that comes later may quote a value.
It is told in our own words.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

import duckdb

from dicomlake.errors import QueryError

_CANDIDATES = re.compile(r"^(?:Candidate bindings: |Did you mean )(.*)$", re.MULTILINE)
_QUOTED_NAME = re.compile(r'"([^"]+)"')
_MISSING = re.compile(r'column named "([^"]+)"')
_KIND = re.compile(r"^[A-Z][A-Za-z ]* Error: ")
_TARGET = re.compile(r"\bto(?: type)? ([A-Z][A-Z0-9_]+)\b")
_TYPES = re.compile(
    r"BOOL(EAN)?|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|U?INT(8|16|32|64|128)|FLOAT|DOUBLE|DECIMAL|DATE|TIME|TIMESTAMP(TZ|_NS|_MS|_S)?|"
    r"INTERVAL|JSON|UUID|VARCHAR"
)
_OF_NAMES = (duckdb.ParserException, duckdb.SyntaxException, duckdb.BinderException, duckdb.CatalogException)
_NAMES_SHOWN = 3
SCHEMA_HINT = "'dicomlake schema' lists tables and columns"


def refused(error: duckdb.Error, query: str, known_names: Collection[str]) -> QueryError:
    """The error of a query that was refused before it ran.

    A pivot reads rows even then, and makes names of columns out of values. So only names are shown that the query or the lake has.

    Args:
        error: DuckDB's error.
        query: the text of the query.
        known_names: the names of tables and columns.

    Example:
        >>> str(refused(duckdb.CatalogException("Catalog Error: Table with name serie does not exist!"), "from serie", []))
        "the query can't be run: Table with name serie does not exist; 'dicomlake schema' lists tables and columns"
    """
    if isinstance(error, duckdb.PermissionException):
        return QueryError("the query can't be run: it may read the lake's own tables and nothing else, and may write nothing")
    if not isinstance(error, _OF_NAMES):
        return failed(error)
    text = str(error)
    first = _KIND.sub("", text.strip().splitlines()[0]).rstrip("!. ") if text.strip() else type(error).__name__
    shown = _without_values(first, query, known_names)
    near = _nearest(text, known_names)
    meant = f"; did you mean {' or '.join(near)}? " if near else "; "
    return QueryError(f"the query can't be run: {shown}{_hint(first)}{meant}{SCHEMA_HINT}")


def failed(error: duckdb.Error) -> QueryError:
    """The error of a query that failed on a value. No word of DuckDB's that could be a value is repeated."""
    if isinstance(error, (duckdb.ConversionException, duckdb.OutOfRangeException)):
        targets = [name for name in _TARGET.findall(str(error)) if _TYPES.fullmatch(name)]
        to = f" to {targets[-1]}" if targets else ""
        return QueryError(f"the query can't be run: a value can't be converted{to}, or is out of range; try_cast gives null instead")
    return QueryError(f"the query can't be run: a value made it fail ({type(error).__name__}); {SCHEMA_HINT} and their types")


def _without_values(line: str, query: str, known_names: Collection[str]) -> str:
    """A line up to the first quoted name that neither the query nor the lake has."""
    known = {name.casefold() for name in known_names}
    for found in _QUOTED_NAME.finditer(line):
        if found[1].casefold() not in known and found[1].casefold() not in query.casefold():
            return line[: found.start()].rstrip() + " …"
    return line


def _nearest(text: str, known_names: Collection[str]) -> list[str]:
    """The names that DuckDB suggests; where it suggests none, those that look like a name which is missing."""
    known = {name.casefold() for name in known_names}
    suggested = [name for line in _CANDIDATES.findall(text) for name in _QUOTED_NAME.findall(line)]
    near = [name for name in suggested if name.rpartition(".")[2].casefold() in known]
    if not near and (missing := _MISSING.search(text)):
        near = get_close_matches(missing[1], known_names)
    return near[:_NAMES_SHOWN]


def _hint(first: str) -> str:
    if re.search(r"\bDATE\b.*\bINTEGER", first):
        return "; write a date as date '2020-12-31'"
    return ""
