"""The roll-ups that units made of their own rows: which of them hold once all units are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from dicomlake.lake import Gone, LakeWriter, Rewritten
from dicomlake.parts import PartFile, delete_parts, read_part
from dicomlake.rollup import UnitRollUp, entities_of_units, in_bytes, in_hex, keys_in, not_final


@dataclass
class FinalRollUps:
    """The part files of units that become part of the tables, by table; and what is left to be rolled up.

    Attributes:
        parts: part files by the name of their table.
        entities: how many entities they have.
        findings: how many findings of each code.
        rest: the keys of the other entities, by level.
        instances: the part files of `instances` in which those may have rows.
    """

    parts: dict[str, list[PartFile]]
    rest: dict[str, pl.DataFrame]
    instances: list[PartFile] = field(default_factory=list)
    entities: int = 0
    findings: Counter[str] = field(default_factory=Counter)


class SharedSeries:
    """Tells whether units have most of their series in common, as in an archive of folders that are named for hashes.

    There the roll-ups of units are in vain. The share is looked at when one, two, four, eight … units have ended, so that all of it costs
    little.

    Attributes:
        are_most: whether it is so.
    """

    def __init__(self) -> None:
        self._units: list[UnitRollUp] = []
        self.are_most = False

    def note(self, unit: UnitRollUp) -> None:
        """Take a unit that has ended."""
        self._units.append(unit)
        count = len(self._units)
        if count & (count - 1) == 0:
            keys = entities_of_units(self._units, "series")["key"]
            self.are_most = int(keys.is_duplicated().sum()) > keys.len() / 2
        if self.are_most:
            self._units.clear()


class EarlyRollUps:
    """The roll-ups of the units that a run committed, and the part files in which the rows of these units stand now."""

    def __init__(self) -> None:
        self._units: list[UnitRollUp] = []
        self._unit_of_path: dict[str, int] = {}

    def add(self, unit: UnitRollUp) -> None:
        """Take the roll-up of a unit; the part files of its instances are as it wrote them."""
        for path in unit.of:
            self._unit_of_path[path] = len(self._units)
        self._units.append(unit)

    def follow(self, rewritten: Rewritten) -> None:
        """Note that part files of `instances` were written anew, with fewer rows."""
        for removed, rest in zip(rewritten.removed, rewritten.rest, strict=True):
            unit = self._unit_of_path.pop(removed.path, None)
            if unit is not None and rest is not None:
                self._unit_of_path[rest.path] = unit

    def outside(self, parts: Mapping[str, PartFile]) -> dict[str, PartFile]:
        """The part files, by path, that hold no rows of these units."""
        return {path: part for path, part in parts.items() if path not in self._unit_of_path}

    def settle(self, writer: LakeWriter, touched: Mapping[str, pl.DataFrame]) -> FinalRollUps:
        """Find out which entities are final, and cut the part files of units down to these; what is of no use is deleted.

        An entity is final where one unit alone has rows of it, as many as when it rolled them up, and no snapshot has the entity. So
        neither copies that lost their place nor runs that died matter here: what counts is where rows stand now.

        Args:
            writer: the lake, with the instances of all units.
            touched: by level, the keys of the entities that are touched outside these units.

        Raises:
            LakeDamaged: a part file can't be read.
            AccessDenied: the lake can't be written.
        """
        levels = [level.name for level in writer.schema.levels]
        final = FinalRollUps({name: [] for name in (*levels, "stacks", "findings")}, {})
        if not self._units:
            final.rest = {level.name: touched[level.name].clear() for level in writer.schema.levels}
            return final
        now = self._instances_now(writer)
        changed = {unit: parts for unit, parts in now.items() if {part.path for part in parts} != self._units[unit].of}
        open_units: set[int] = set()
        gone_of_unit: dict[int, list[Gone]] = {}
        for level in writer.schema.levels:
            (key,) = level.key
            entities = entities_of_units(self._units, level.name)
            left = {unit: self._left(writer, parts, key) for unit, parts in changed.items()}
            known = [keys.filter(keys.is_in(entities["key"].implode())) for keys in _keys_of(writer, level.name, key)]
            elsewhere = pl.concat([in_bytes(touched[level.name]), *known])
            open_entities = not_final(entities, left, elsewhere)
            final.rest[level.name] = in_hex(open_entities["key"].unique(maintain_order=True), key)
            final.entities += entities.height - open_entities.height
            by_unit = {int(number): rows for (number,), rows in open_entities.partition_by("unit", as_dict=True).items()}
            of_level = pl.col("level") == (level.entity.level if level.entity is not None else level.name)
            for number, unit in enumerate(self._units):
                gone = in_hex(by_unit[number]["key"], key) if number in by_unit else None
                if gone is not None:
                    open_units.add(number)
                    gone_of_unit.setdefault(number, []).append(Gone(gone, of_level))
                of_unit = unit.levels[level.name]
                final.parts[level.name] += _cut(writer, level.name, of_unit.parts, gone)
                final.parts["stacks"] += of_unit.stacks if gone is None else _without(writer, "stacks", of_unit.stacks, [Gone(gone)])
        for number, unit in enumerate(self._units):
            final.parts["findings"] += _cut_findings(writer, unit.findings, gone_of_unit.get(number, []))
        for part in final.parts["findings"]:
            final.findings.update(read_part(writer.location, part, ["code"])["code"].to_list())
        final.instances = [part for number in sorted(open_units) for part in now[number]]
        return final

    def _instances_now(self, writer: LakeWriter) -> dict[int, list[PartFile]]:
        now: dict[int, list[PartFile]] = {number: [] for number in range(len(self._units))}
        parts = writer.tables["instances"].parts
        for path, number in self._unit_of_path.items():
            if path in parts:
                now[number].append(parts[path])
        return now

    def _left(self, writer: LakeWriter, parts: Iterable[PartFile], key: str) -> pl.DataFrame:
        keys = list(keys_in(writer.location, parts, key, partition_by=writer.schema.partition_by))
        frame = pl.concat([pl.Series("key", [], dtype=pl.Binary), *(series.alias("key") for series in keys)]).to_frame()
        return frame.group_by("key").agg(pl.len().cast(pl.Int32).alias("left"))


def _keys_of(writer: LakeWriter, level: str, key: str) -> Iterable[pl.Series]:
    return keys_in(writer.location, writer.tables[level].parts.values(), key)


def _cut(writer: LakeWriter, table: str, parts: tuple[PartFile, ...], gone: pl.DataFrame | None) -> list[PartFile]:
    """Part files that were not committed, without the rows that have some keys."""
    if gone is None:
        return list(parts)
    if gone.height == sum(part.rows for part in parts):
        delete_parts(writer.location, parts)
        return []
    return _without(writer, table, parts, [Gone(gone)])


def _cut_findings(writer: LakeWriter, parts: tuple[PartFile, ...], gone: list[Gone]) -> list[PartFile]:
    return _without(writer, "findings", parts, gone) if gone and parts else list(parts)


def _without(writer: LakeWriter, table: str, parts: tuple[PartFile, ...], gone: list[Gone]) -> list[PartFile]:
    rewritten = writer.tables[table].without(*gone, within=parts)
    delete_parts(writer.location, rewritten.removed)
    removed = {part.path for part in rewritten.removed}
    return [*(part for part in parts if part.path not in removed), *rewritten.added]
