"""The text of a query: exactly one question, and the types in which its answer leaves DuckDB."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import duckdb
from duckdb.sqltypes import DuckDBPyType

from dicomlake.answers.sql.messages import refused
from dicomlake.answers.sql.views import identifier
from dicomlake.errors import QueryError

_ASKS_FOR_NAMES = re.compile(
    r"\b(show|desc|describe|summarize|query|query_table|\w*schema\w*|duckdb_\w+|pragma_\w+|sqlite_\w+|pg_\w+)\b", re.IGNORECASE
)
"""Words of queries that may ask about tables which they do not name."""

_FITTING = {"hugeint": "BIGINT", "uhugeint": "BIGINT"}
_KEPT = re.compile(
    r"boolean|u?(tiny|small|big)int|u?integer|float|double|decimal|varchar|date|time|timestamp(_s|_ms|_ns)?|timestamp with time zone"
)
"""DuckDB's names of the types that Arrow, CSV and JSON have too."""


def question_of(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """The query as the inner part of a larger one, in which DuckDB allows nothing but a question.

    Raises:
        QueryError: the query is empty, can't be parsed, or is not one question.
    """
    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise refused(error, query, ()) from None
    if not statements:
        raise QueryError("the query is empty; write a question, such as: select count(*) from series")
    if len(statements) > 1:
        raise QueryError(f"the query can't be run: it has {len(statements)} statements; ask one question at a time")
    inner = f"(\n{statements[0].query.strip().removesuffix(';')}\n)"
    kind = _kind(statements[0])
    try:
        wrapped = connection.extract_statements(f"select * from {inner}")
    except duckdb.Error:
        wrapped = []
    if len(wrapped) != 1 or _kind(wrapped[0]) not in ("SELECT", "MULTI"):
        raise QueryError(f"the query can't be run: {kind} is refused; a query asks (select …) about tables, and changes nothing")
    return inner


def _kind(statement: duckdb.Statement) -> str:
    try:
        return str(statement.type.name)
    except ValueError:  # DuckDB has kinds of statements for which Python has no name
        return "such a statement"


def tables_named(query: str, tables: Iterable[str]) -> list[str]:
    """The tables that a query may read: those that it names, and all where it asks about tables as such."""
    lowered = query.lower()
    every = _ASKS_FOR_NAMES.search(query) is not None
    return [name for name in tables if every or name.lower() in lowered]


def with_fitting_types(question: str, names: Sequence[str], types: Sequence[DuckDBPyType]) -> tuple[str, list[str], list[str]]:
    """The query for an answer whose columns have names of their own and types that Arrow, JSON and CSV have too.

    DuckDB sums integers as 128 bits. They become 64 bits, and a sum that does not fit is an error. Types that few programs know
    (intervals, unions, enums and others) become text.

    Returns:
        The text of the query, the names and the types of its columns.
    """
    fitting = [fitting_type(kind) for kind in types]
    own_names = distinct(names)
    if own_names == list(names) and fitting == [str(kind) for kind in types]:
        return f"select * from {question}", own_names, fitting
    inner = [f"c{number}" for number in range(len(names))]
    columns = ", ".join(
        f"{column}{f'::{kind}' if kind != str(former) else ''} as {identifier(name)}"
        for column, kind, former, name in zip(inner, fitting, types, own_names, strict=True)
    )
    return f"select {columns} from {question} as answer({', '.join(inner)})", own_names, fitting


def fitting_type(kind: DuckDBPyType) -> str:
    """The type in which values leave DuckDB.

    Example:
        >>> fitting_type(duckdb.sqltype("HUGEINT[]"))
        'BIGINT[]'
    """
    if kind.id in ("list", "array", "struct", "map"):
        # An array has its length here too.
        parts = [(name, fitting_type(child)) for name, child in kind.children if isinstance(child, DuckDBPyType)]
        if kind.id == "struct":
            return f"STRUCT({', '.join(f'{identifier(name)} {inner}' for name, inner in parts)})"
        return f"MAP({parts[0][1]}, {parts[1][1]})" if kind.id == "map" else f"{parts[0][1]}[]"
    return str(kind) if _KEPT.fullmatch(kind.id) else _FITTING.get(kind.id, "VARCHAR")


def distinct(names: Sequence[str]) -> list[str]:
    """The names, each of them once: a second ``a`` is ``a_1``.

    Example:
        >>> distinct(["a", "a", "b", "a"])
        ['a', 'a_1', 'b', 'a_2']
    """
    seen: Counter[str] = Counter()
    taken = set(names)
    chosen = []
    for name in names:
        own = name
        while seen[name] and (own == name or own in taken):
            own = f"{name}_{seen[name]}"
            if own in taken:
                seen[name] += 1
        seen[name] += 1
        taken.add(own)
        chosen.append(own)
    return chosen
