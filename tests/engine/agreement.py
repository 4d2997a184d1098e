"""Whether two engines answer the same tables: cell by cell, and where not."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dicomlake.extract.engine import Scanned

_COUNTED = {"bytes_read", "requests"}
"""What reading cost, which each engine has its own way with."""


@dataclass(frozen=True)
class Difference:
    """Where two answers differ: the file, the table, the column (of `findings`: the code), and both cells."""

    url: str
    table: str
    column: str
    one: Any
    other: Any


def differences(one: Scanned, other: Scanned) -> list[Difference]:
    """Every difference between two answers for the same files, less what reading them cost."""
    for name in ("files", "instances", "findings"):
        assert getattr(one, name).schema.equals(getattr(other, name).schema, check_metadata=True)
    assert one.files["url"].equals(other.files["url"])
    found = list(_rows("files", one.files.to_pylist(), other.files.to_pylist()))
    found += _rows("instances", one.instances.to_pylist(), other.instances.to_pylist())
    return found + list(_findings(one.findings.to_pylist(), other.findings.to_pylist()))


def differing_instances(one: Scanned, other: Scanned) -> list[Difference]:
    """Where two engines say different things of the instances of the same files, or of their status."""
    return [found for found in differences(one, other) if found.table == "instances" or found.column == "status"]


def _rows(table: str, one: list[dict[str, Any]], other: list[dict[str, Any]]) -> Iterator[Difference]:
    ones, others = ({row["url"]: row for row in rows} for rows in (one, other))
    for url in dict.fromkeys([*ones, *others]):
        a, b = ones.get(url), others.get(url)
        if a is None or b is None:
            yield Difference(url, table, "url", a and url, b and url)
            continue
        for column in a:
            if column not in _COUNTED and not same(a[column], b[column]):
                yield Difference(url, table, column, a[column], b[column])
    if [row["url"] for row in one] != [row["url"] for row in other]:
        yield Difference("", table, "order", None, None)


def _findings(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> Iterator[Difference]:
    ones, others = _by_url(one), _by_url(other)
    for url in dict.fromkeys([*ones, *others]):
        a, b = ones[url], others[url]
        if a == b:
            continue
        at = next((place for place, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        x, y = (rows[at] if at < len(rows) else None for rows in (a, b))
        yield Difference(url, "findings", (x or y or {})["code"], x, y)


def _by_url(rows: list[dict[str, Any]]) -> defaultdict[str, list[dict[str, Any]]]:
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["url"]].append(row)
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two cells are the same; NaN is NaN, and -0.0 is not 0.0."""
    if isinstance(one, float) and isinstance(other, float):
        return (one == other and math.copysign(1, one) == math.copysign(1, other)) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and bool(one == other)
