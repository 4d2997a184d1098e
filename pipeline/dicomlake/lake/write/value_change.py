"""Changing values of some rows: a part file is written again, row group by row group. The other rows and columns stay as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.lake.write.row_removal import columns_inside, writer_like
from dicomlake.parts import Location, PartFile, RowGroup, open_part, writing


@dataclass(frozen=True)
class Changes:
    """New values for some rows of a row group: the indices of these rows, ascending; and by column a value for each of them."""

    indices: np.ndarray
    values: Mapping[str, pa.Array]

    def applied(self, group: RowGroup, rows: pa.Table) -> pa.Table:
        """The rows of the row group with the new values."""
        mask = np.zeros(group.rows, dtype=bool)
        mask[self.indices] = True
        for name, values in self.values.items():
            place = rows.schema.get_field_index(name)
            changed = pc.replace_with_mask(rows.column(place).combine_chunks(), pa.array(mask), values)
            rows = rows.set_column(place, rows.schema.field(place), changed)
        return rows


def change_values(
    location: Location, part: PartFile, schema: pa.Schema, changes: Mapping[int, Changes], *, partition_by: str | None = None
) -> PartFile:
    """Write a part file again with other values in some rows, in the same order; nothing is committed.

    Args:
        location: the lake.
        part: the part file.
        schema: the columns of its table.
        changes: by the number of the row group. Columns by which rows are sorted don't change, nor does the partition column.
        partition_by: the partition column.

    Raises:
        LakeDamaged: the file can't be read.
        AccessDenied: the lake can't be written.
    """
    inside = columns_inside(schema, partition_by)
    with open_part(location, part, partition_by=partition_by) as opened:
        with writing(location), writer_like(location, opened, inside, partition_by, rows=part.rows) as writer:
            for group in opened.groups:
                rows = opened.encoded(group, inside)
                writer.write(changes[group.number].applied(group, rows) if group.number in changes else rows)
        return writer.part()
