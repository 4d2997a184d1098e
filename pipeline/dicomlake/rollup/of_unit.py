"""The roll-up of a unit of work: from the rows that it has in memory, without reading them again.

Most series lie in one unit, and most studies and patients. Of such an entity the unit has every row, so its roll-up is the final one. A
unit does not know whether others have rows of its entities: the driver finds that out when all units are there (`dicomlake.rollup.final`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from dicomlake.parts import Location, PartFile
from dicomlake.rollup.functional_groups import frame_columns_needed, with_frames
from dicomlake.rollup.levels import columns_needed, condense, roll_up
from dicomlake.rollup.stacks import SeriesStacks
from dicomlake.rollup.written import write_findings, write_level
from dicomlake.schema import LakeSchema

KEY_BYTES = 16


@dataclass(frozen=True)
class LevelOfUnit:
    """The entities of one level in a unit: the part files with their rows, their keys, and how many instances each has.

    ``keys`` is an array of binary values of 16 bytes, ``instances`` one of int32. ``stacks`` are the part files of the stacks of series.
    """

    parts: tuple[PartFile, ...]
    keys: pa.Array
    instances: pa.Array
    stacks: tuple[PartFile, ...] = ()


@dataclass(frozen=True)
class UnitRollUp:
    """The roll-up of one unit.

    Attributes:
        of: the paths of the part files of `instances` that hold the rows.
        levels: `series`, `studies` and `patients`.
        findings: part files with the findings of all levels.
        cpu_seconds: the time that it took.
    """

    of: frozenset[str]
    levels: dict[str, LevelOfUnit]
    findings: tuple[PartFile, ...]
    cpu_seconds: float


def roll_up_unit(  # noqa: PLR0917 - each is another thing
    rows: pa.Table,
    frames: pa.Table,
    stacks: SeriesStacks,
    parts: list[PartFile],
    schema: LakeSchema,
    lake: Location,
    snapshot: int,
) -> UnitRollUp:
    """Roll up the instances of a unit, and write the rows of each level; nothing is committed.

    Args:
        rows: the unit's rows of `instances`.
        frames: its rows of `frames`.
        stacks: the stacks of its series.
        parts: the part files that hold these rows.
        schema: the lake's schema.
        lake: where part files are written.
        snapshot: the number of the run.

    Raises:
        AccessDenied: the lake can't be written.
    """
    started = time.thread_time()
    levels, findings = {}, []
    for level in schema.levels:
        (key,) = level.key
        instances = pl.DataFrame(rows.select(columns_needed(schema, level.name)))
        condensed = condense(instances, level.name)
        if level.name == "series" and frames.num_rows:
            condensed = with_frames(condensed, pl.DataFrame(frames.select(frame_columns_needed(schema))), schema)
        rolled_up = roll_up(condensed, schema, level.name)
        entities = rolled_up.rows.with_columns(snapshot=pl.lit(snapshot, dtype=pl.Int64))
        of_stacks: list[PartFile] = []
        if level.name == "series":
            entities = entities.join(stacks.geometry, on=key, how="left", maintain_order="left")
            of_stacks = write_level(lake, schema, "stacks", stacks.with_keys(entities).with_columns(snapshot=pl.lit(snapshot, pl.Int64)))
            findings.append(stacks.findings(entities))
        count = level.entity.instance_count if level.entity is not None else ""
        levels[level.name] = LevelOfUnit(
            tuple(write_level(lake, schema, level.name, entities)),
            entities[key].str.decode("hex").to_arrow().cast(pa.binary(KEY_BYTES)),
            entities[count].cast(pl.Int32).to_arrow(),
            tuple(of_stacks),
        )
        findings.append(rolled_up.findings)
    written = write_findings(lake, schema, findings, snapshot)
    return UnitRollUp(frozenset(part.path for part in parts), levels, tuple(written), time.thread_time() - started)
