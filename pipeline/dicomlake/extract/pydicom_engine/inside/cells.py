"""Attributes of a data set or an item, typed as a column of their type is."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from dicomlake.extract.pydicom_engine.level import Level
from dicomlake.extract.pydicom_engine.values import column_value
from dicomlake.schema.columns import Column, user_column
from dicomlake.schema.dictionary import tag_of_keyword


class Code(NamedTuple):
    """A coded entry (PS3.3 8.8): its value, the scheme of that, and its meaning; each None where there is none."""

    value: str | None = None
    scheme: str | None = None
    meaning: str | None = None


def text(item: Level | None, keyword: str) -> str | None:
    """An attribute as text; None without an item, or where it is absent or empty."""
    found: str | None = typed(item, keyword, "string")
    return found


def number(item: Level | None, keyword: str) -> int | None:
    """An attribute as an integer, the first of several; None likewise, and where it is not one."""
    found: int | None = typed(item, keyword, "int64")
    return found


def numbers(item: Level | None, keyword: str) -> list[int | None] | None:
    """An attribute as a list of integers; None where it is absent or empty."""
    found: list[int | None] | None = typed(item, keyword, "list<int64>")
    return found


def typed(item: Level | None, keyword: str, type_name: str) -> Any:  # noqa: ANN401
    """An attribute as a value of a type of ``dicomlake.schema.types``."""
    if item is None:
        return None
    column = _column(keyword, type_name)
    return column_value(column, column.path.steps, item, [])


def items(level: Level | None, keyword: str) -> list[Level]:
    """The items of a sequence; none where it is absent.

    Raises:
        Exception: pydicom can't parse the sequence.
    """
    if level is None:
        return []
    return level.items(_tag(keyword), are_wanted=True) or []


def first_item(level: Level | None, keyword: str) -> Level | None:
    """The first item of a sequence; None where there is none."""
    return next(iter(items(level, keyword)), None)


def code(level: Level | None, keyword: str) -> Code:
    """The first item of a sequence of codes."""
    item = first_item(level, keyword)
    if item is None:
        return Code()
    value = text(item, "CodeValue") or text(item, "LongCodeValue") or text(item, "URNCodeValue")
    return Code(value, text(item, "CodingSchemeDesignator"), text(item, "CodeMeaning"))


@cache
def _column(keyword: str, type_name: str) -> Column:
    return user_column(keyword, type_name=type_name)


@cache
def _tag(keyword: str) -> int:
    tag = tag_of_keyword(keyword)
    if tag is None:
        raise ValueError(f"{keyword} is not a keyword of PS3.6")
    return tag
