"""Making a table, and giving it the columns that a configuration adds."""

from __future__ import annotations

from contextlib import suppress

import deltalake
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from dicomlake.errors import ConfigurationError
from dicomlake.lake.log.delta import delta_options, open_delta, patiently
from dicomlake.parts import KEY_COLUMNS, Location

COMMITS_A_CHECKPOINT = 8


def make_table(location: Location, name: str, schema: pa.Schema, *, partition_by: str | None, log_retention_days: int) -> DeltaTable:
    """Make a table where there is none.

    Raises:
        deltalake.exceptions.DeltaError, OSError: it can't be made.
    """

    def ask() -> DeltaTable:
        try:
            return DeltaTable.create(
                f"{location.url}/{name}",
                schema=schema,
                mode="error",
                partition_by=[partition_by] if partition_by else None,
                configuration={
                    "delta.logRetentionDuration": f"interval {log_retention_days} days",
                    # A reader opens the version that a snapshot pins, and reads every commit since the checkpoint before it.
                    "delta.checkpointInterval": str(COMMITS_A_CHECKPOINT),
                    # delta-rs looks at the statistics of the first 32 columns only, unless told which.
                    "delta.dataSkippingStatsColumns": ",".join(key for key in KEY_COLUMNS if key in schema.names),
                },
                storage_options=delta_options(location),
            )
        except (DeltaError, OSError):
            with suppress(TableNotFoundError):
                return open_delta(location, name)  # it was made, and the reply was lost
            raise

    return patiently(location, ask)


def with_columns(delta: DeltaTable, location: Location, name: str, schema: pa.Schema, *, partition_by: str | None) -> pa.Schema:
    """Add the columns that a table lacks; answers its schema then.

    Columns that an earlier configuration added stay, and are null in what is written now.

    Raises:
        ConfigurationError: the table is partitioned otherwise, or a column has another type or spelling there.
        deltalake.exceptions.DeltaError, OSError: they can't be added.
    """
    partition_columns = list(delta.metadata().partition_columns)
    if partition_columns != ([partition_by] if partition_by else []):
        raise ConfigurationError(
            f"table '{name}' of {location.url} is partitioned by {', '.join(partition_columns) or 'nothing'}, and the "
            f"configuration says {partition_by}; set lake.partition_by to what it was, or make a new lake"
        )
    existing = pa.schema(delta.schema().to_arrow())
    folded = {column.casefold(): column for column in existing.names}
    for field in schema:
        if (former_name := folded.get(field.name.casefold(), field.name)) != field.name:
            raise ConfigurationError(
                f"column '{field.name}' differs only in case from column '{former_name}', which {location.url} has; name it so too"
            )
        index = existing.get_field_index(field.name)
        if index >= 0 and existing.field(index).type != field.type:
            raise ConfigurationError(
                f"column '{field.name}' of table '{name}' is {existing.field(index).type} in {location.url}, and "
                f"{field.type} in the configuration; give the new one another name, or make a new lake"
            )
    if any(existing.get_field_index(field.name) < 0 for field in schema):
        patiently(location, lambda: _add(delta, schema))
    former = [field for field in existing if schema.get_field_index(field.name) < 0]
    return pa.schema([*schema, *former], metadata=schema.metadata)


def _add(delta: DeltaTable, schema: pa.Schema) -> None:
    if missing := _missing(delta, schema):
        try:
            delta.alter.add_columns(deltalake.Schema.from_arrow(pa.schema(missing)).fields)
        except (DeltaError, OSError):
            if _missing(delta, schema):
                raise  # else they were added, and the reply was lost


def _missing(delta: DeltaTable, schema: pa.Schema) -> list[pa.Field]:
    delta.update_incremental()
    there = set(pa.schema(delta.schema().to_arrow()).names)
    return [field for field in schema if field.name not in there]
