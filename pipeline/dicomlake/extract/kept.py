"""The rows of a unit that stay when it loses copies, and what is made of them before they are written: stacks, and roll-ups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.errors import FileStatus
from dicomlake.extract.engine import Scanned
from dicomlake.parts import Location, PartFile
from dicomlake.schema import LakeSchema

if TYPE_CHECKING:
    from dicomlake.rollup import SeriesStacks, UnitRollUp


@dataclass(frozen=True)
class KeptRows:
    """The rows of a unit without those of copies of which it has a better one, and the stacks of their series."""

    instances: pa.Table
    frames: pa.Table
    losing: pa.Array | None
    stacks: SeriesStacks

    @classmethod
    def of(cls, scanned: Scanned) -> KeptRows:
        """Those of a unit that has instances."""
        import polars as pl  # noqa: PLC0415 - a unit without instances starts sooner without polars

        from dicomlake.geometry import frame_columns, instance_columns  # noqa: PLC0415 - likewise
        from dicomlake.rollup import stacks_of_series  # noqa: PLC0415 - likewise

        losing = _losing(scanned)
        instances, frames = (
            rows if losing is None else rows.filter(pc.invert(pc.is_in(rows["url"], value_set=losing)))
            for rows in (scanned.instances, scanned.tables["frames"])
        )
        of_instances = pl.DataFrame(instances.select(instance_columns()))
        of_frames = pl.DataFrame(frames.select(frame_columns())) if frames.num_rows else None
        return cls(instances, frames, losing, stacks_of_series(of_instances, of_frames))

    def with_stacks(self, scanned: Scanned) -> Scanned:
        """The same rows, with the numbers of their stacks; a copy that loses its place has none."""
        numbers = {"instances": self.stacks.of_instances, "frames": self.stacks.of_frames}
        tables = {name: self._numbered(scanned.tables[name], of_table.to_arrow()) for name, of_table in numbers.items()}
        return Scanned({**scanned.tables, **tables})

    def _numbered(self, rows: pa.Table, numbers: pa.Array) -> pa.Table:
        if self.losing is not None:
            is_kept = pc.invert(pc.is_in(rows["url"], value_set=self.losing)).combine_chunks()
            place = pc.if_else(is_kept, pc.subtract(pc.cumulative_sum(is_kept.cast(pa.int64())), 1), None)
            numbers = numbers.take(place)
        return rows.append_column("stack", numbers.cast(pa.int64()))

    def rolled_up(self, schema: LakeSchema, lake: Location, snapshot: int, parts: Sequence[PartFile]) -> UnitRollUp | None:
        """The roll-up of these rows, written."""
        of_instances = [part for part in parts if part.table == "instances"]
        if not of_instances:
            return None
        from dicomlake.rollup import roll_up_unit  # noqa: PLC0415 - likewise

        return roll_up_unit(self.instances, self.frames, self.stacks, of_instances, schema, lake, snapshot)


def _losing(scanned: Scanned) -> pa.Array | None:
    """The urls of copies of which the unit has a better one: they will lose their place in any case."""
    instances = scanned.instances
    if pc.count_distinct(instances["SOPInstanceUID"]).as_py() == instances.num_rows:
        return None
    import polars as pl  # noqa: PLC0415 - likewise

    from dicomlake.duplicates import resolve  # noqa: PLC0415 - likewise

    files = pl.DataFrame(scanned.files.select(["url", "SOPInstanceUID", "code", "header_digest", "status"]))
    copies = files.filter((pl.col("status") == FileStatus.INDEXED.value) & pl.col("SOPInstanceUID").is_duplicated())
    resolved = resolve(copies.with_columns(duplicate_of=pl.lit(None, dtype=pl.String)))
    return resolved.filter(pl.col("new_status") == FileStatus.DUPLICATE.value)["url"].to_arrow().cast(pa.string())
