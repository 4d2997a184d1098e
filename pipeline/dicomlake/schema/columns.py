"""The header columns: the standard set of 244, and those that the user adds."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from dicomlake.errors import ConfigurationError
from dicomlake.schema import types
from dicomlake.schema.dictionary import VALUE_REPRESENTATIONS, entry_of_tag, parse_dictionary_path, private_vr_and_vm
from dicomlake.schema.path import AttributePath, parse_path

if TYPE_CHECKING:
    import pyarrow as pa

LAST_PRIVATE_CREATOR = 0xFF
PIXEL_DATA_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Where reading stops, at top level."""

GATHERED_TEXTS = "list<string>"
"""The one type that keeps all values of each item: those of an item are one text, with a backslash between two of them."""


@dataclass(frozen=True, slots=True)
class Column:
    """A header column: where its value comes from, and what it is.

    ``group`` says to which level it belongs (``patient``, ``study``, ``series``, ``equipment``, ``image``, …); ``type`` is a name of
    ``dicomlake.schema.types``.
    """

    name: str
    group: str
    path: AttributePath
    vr: str
    vm: str
    type: str
    description: str
    units: str | None

    def field(self) -> pa.Field:
        """The Arrow field, with tag, path, VR, VM, description and units in its metadata."""
        import pyarrow as pa  # noqa: PLC0415 - SQL asks for the names of tables without it

        metadata = {
            "tag": self.path.tag_text(),
            "path": self.path.text,
            "vr": self.vr,
            "vm": self.vm,
            "group": self.group,
            "description": self.description,
        }
        if self.units:
            metadata["units"] = self.units
        return pa.field(self.name, types.arrow_type(self.type), metadata=metadata)


def data_rows(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of this package."""
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def units_of_columns() -> dict[str, str]:
    """The units of columns that have one."""
    return {row["name"]: row["units"] for row in data_rows("units.csv")}


@cache
def standard_columns() -> tuple[Column, ...]:
    """The standard header columns, in the order of ``columns.csv``."""
    units = units_of_columns()
    rows = data_rows("columns.csv")
    tags = tags_of_keywords((row["path"], row["tag"]) for row in rows)
    return tuple(
        Column(
            name=row["name"],
            group=row["group"],
            path=parse_path(row["path"], tags.get),
            vr=row["vr"],
            vm=row["vm"],
            type=row["type"],
            description=row["description"],
            units=units.get(row["name"]),
        )
        for row in rows
    )


def tags_of_keywords(paths: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The tags of all keywords in paths, each given with its tags, so that the whole data dictionary need not be loaded for them."""
    return {keyword: tag for path, tags in paths for keyword, tag in zip(_keywords(path), _tags(tags), strict=True)}


def _keywords(path: str) -> list[str]:
    return [step.partition("[")[0] for step in path.split(".")]


def _tags(text: str) -> list[int]:
    return [int(tag.strip("()").replace(",", ""), 16) for tag in text.split(".")]


def user_column(
    path: str,
    *,
    name: str | None = None,
    vr: str | None = None,
    type_name: str | None = None,
    description: str | None = None,
    units: str | None = None,
) -> Column:
    """Make a column of the user's: of a standard attribute by its path alone; of a private one with ``name`` and ``vr``.

    Raises:
        ConfigurationError: the path, the VR or the type can't be used, or a private column lacks its name or VR.
    """
    parsed = parse_dictionary_path(path)
    _check_steps(parsed)
    if vr is not None and vr not in VALUE_REPRESENTATIONS:
        raise ConfigurationError(f"column path '{path}': '{vr}' is no VR; use one of {', '.join(sorted(VALUE_REPRESENTATIONS))}")
    leaf = parsed.leaf
    vm = "1"
    keyword: str | None = None
    if leaf.creator is None:
        entry = entry_of_tag(leaf.tag)
        if entry is not None:
            vr, vm, keyword = vr or entry.vr, entry.vm, entry.keyword
            description = description or entry.name
    elif (known := private_vr_and_vm(leaf.creator, leaf.group, leaf.element)) is not None:
        vr, vm = vr or known[0], known[1]
    name = name or (_default_name(parsed, keyword) if keyword else None)
    if name is None or vr is None:
        raise ConfigurationError(f"column path '{path}' needs a 'name' and a 'vr': the data dictionary does not know it")
    if vr == "SQ":
        raise ConfigurationError(f"column path '{path}' is a sequence; name an element inside it, as in {path}[0].CodeValue")
    if not name.isidentifier() or name.startswith("_"):
        raise ConfigurationError(f"column name '{name}' can't be used: letters, digits and _ only, a letter first")
    chosen = type_name or types.type_of_vr(vr, vm, gathers=parsed.gathers)
    types.arrow_type(chosen)
    if parsed.gathers and not types.is_list(chosen):
        raise ConfigurationError(f"column '{name}' gathers every item ([*]), so its type must be a list, not '{chosen}'")
    if parsed.gathers and vm != "1" and chosen != GATHERED_TEXTS:
        raise ConfigurationError(
            f"column '{name}' gathers every item ([*]), and an item may hold several values (VM {vm}), for which '{chosen}' has no room; "
            f"give it 'type: {GATHERED_TEXTS}', which keeps the values of an item as one text, with backslashes between them"
        )
    return Column(name, "user", parsed, vr, vm, chosen, description or name, units)


def _check_steps(path: AttributePath) -> None:
    """Refuse paths whose column could only ever be null, or would mean another element in another file."""
    for step in path.steps:
        if step.creator is None and step.group % 2 and step.element > LAST_PRIVATE_CREATOR:
            private = f"({step.group:04X},xx{step.element & 0xFF:02X})[CREATOR]"
            raise ConfigurationError(f"column path '{path.text}': a private element is named by its creator, as in {private}")
    for step in path.steps[:-1]:
        entry = entry_of_tag(step.tag) if step.creator is None else None
        if entry is not None and entry.vr != "SQ":
            raise ConfigurationError(f"column path '{path.text}': {entry.keyword} is not a sequence, so it has no items")
    if path.steps[0].tag in PIXEL_DATA_TAGS:
        raise ConfigurationError(f"column path '{path.text}': pixel data is never read")


def _default_name(path: AttributePath, keyword: str) -> str | None:
    """Parent less "Sequence", an underscore, the leaf: the name of a nested attribute."""
    if len(path.steps) == 1:
        return keyword
    parent = path.steps[-2]
    entry = entry_of_tag(parent.tag) if parent.creator is None else None
    if entry is None:
        return None
    return f"{entry.keyword.removesuffix('Sequence')}_{keyword}"
