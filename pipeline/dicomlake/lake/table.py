"""A table of a lake as its writer sees it: the part files it is made of, and commits that add and remove some.

A commit is one Delta transaction of Add and Remove actions. MERGE is not used: its memory has no bound. Rows are removed by writing the
part files that hold them anew without them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import deltalake
import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from dicomlake.errors import AccessDenied, ConfigurationError, LakeChanged, LakeDamaged
from dicomlake.lake.log import active_parts, delta_options, open_delta
from dicomlake.parts import KEY_COLUMNS, Location, PartFile, read_part, write_parts

APPLICATION = "dicomlake"
NUMBER_KEY = "dicomlake.commit"


@dataclass(frozen=True)
class Rewritten:
    """Part files that take the place of others."""

    removed: tuple[PartFile, ...] = ()
    added: tuple[PartFile, ...] = ()


class Table:
    """One Delta table, open for writing by one run at a time."""

    def __init__(self, location: Location, name: str, schema: pa.Schema, partition_by: str | None) -> None:
        self.location = location
        self.name = name
        self.schema = schema
        self.partition_by = partition_by
        self._delta: DeltaTable | None = None
        self.parts: dict[str, PartFile] = {}

    def open(self, *, log_retention_days: int) -> None:
        """Open the table, or make it where there is none; columns that are new are added to it.

        Raises:
            AccessDenied: the lake can't be written.
            LakeDamaged: the table's log can't be read.
            ConfigurationError: the table is partitioned otherwise, or a column has another type there.
        """
        try:
            try:
                self._delta = open_delta(self.location, self.name)
            except TableNotFoundError:
                self._delta = DeltaTable.create(
                    f"{self.location.url}/{self.name}",
                    schema=self.schema,
                    mode="error",
                    partition_by=[self.partition_by] if self.partition_by else None,
                    configuration={
                        "delta.logRetentionDuration": f"interval {log_retention_days} days",
                        # delta-rs looks at the statistics of the first 32 columns only, unless told which.
                        "delta.dataSkippingStatsColumns": ",".join(name for name in KEY_COLUMNS if name in self.schema.names),
                    },
                    storage_options=delta_options(self.location),
                )
            else:
                self._add_columns()
        except (DeltaError, OSError) as error:
            raise _as_refused(error, self.name, self.location) from None
        self.parts = active_parts(self._delta, self.name)

    @property
    def version(self) -> int:
        """The Delta version that this object has seen last."""
        return self._table().version()

    def committed_number(self) -> int:
        """The application transaction of the last commit; 0 where there was none."""
        return self._table().transaction_version(APPLICATION) or 0

    def parts_at(self, version: int) -> dict[str, PartFile]:
        """The part files of an earlier version, by path."""
        if version == self.version:
            return dict(self.parts)
        return active_parts(open_delta(self.location, self.name, version), self.name)

    def commit(self, add: Iterable[PartFile], remove: Iterable[PartFile], number: int) -> None:
        """Commit in one transaction; ``number`` is its application transaction.

        Raises:
            LakeChanged: another writer committed since this run looked.
            AccessDenied: the lake can't be written.
        """
        added, removed = list(add), list(remove)
        actions: list[AddAction | RemoveAction] = [self._add_action(part) for part in added]
        actions += [self._remove_action(part) for part in removed]
        delta = self._table()
        expected = delta.version()
        try:
            delta.update_incremental()
            if delta.version() != expected:
                where = f"table '{self.name}' of {self.location.url}"
                raise LakeChanged(f"another run committed to {where} meanwhile; run again when it has ended")
            delta.create_write_transaction(
                actions,
                mode="append",
                schema=self.schema,
                partition_by=[self.partition_by] if self.partition_by else None,
                commit_properties=CommitProperties(
                    custom_metadata={NUMBER_KEY: str(number)},
                    app_transactions=[Transaction(APPLICATION, number)],
                    max_commit_retries=0,
                ),
                post_commithook_properties=PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False),
            )
            delta.update_incremental()
        except (DeltaError, OSError) as error:
            raise _as_refused(error, self.name, self.location) from None
        for part in removed:
            del self.parts[part.path]
        for part in added:
            self.parts[part.path] = part

    def roll_back(self, version: int, number: int) -> None:
        """Make the table what it was at an earlier version, by a new commit."""
        former = self.parts_at(version)
        self.commit(
            [part for path, part in former.items() if path not in self.parts],
            [part for path, part in self.parts.items() if path not in former],
            number,
        )

    def version_of_number(self, number: int) -> int:
        """The last version whose application transaction is at most ``number``; 0, the empty table, where there is none."""
        for entry in self._table().history():
            recorded = entry.get(NUMBER_KEY)
            if recorded is not None and int(recorded) <= number:
                return int(entry["version"])
        return 0

    def without(self, keys: pl.DataFrame, *, within: Iterable[PartFile] | None = None, only: pl.Expr | None = None) -> Rewritten:
        """Write the part files that hold rows with these keys anew, without those rows; nothing is committed.

        Args:
            keys: the keys; its columns are columns of the table. A null matches a null.
            within: the part files to look at; all where None.
            only: a condition that a row must fulfil too.
        """
        removed: list[PartFile] = []
        added: list[PartFile] = []
        keys = keys.unique()
        columns = keys.columns
        needed = list(dict.fromkeys([*columns, *(only.meta.root_names() if only is not None else [])]))
        candidates = list(self.parts.values() if within is None else within)
        for part in _candidates(candidates, keys):
            frame = read_part(self.location, part, needed, partition_by=self.partition_by).with_row_index("_row")
            hit = (frame if only is None else frame.filter(only)).join(keys, on=columns, how="semi", nulls_equal=True)
            if hit.height == 0:
                continue
            removed.append(part)
            if hit.height < part.rows:
                rows = read_part(self.location, part, partition_by=self.partition_by).with_row_index("_row")
                kept = rows.join(hit.select("_row"), on="_row", how="anti", maintain_order="left").drop("_row")
                added += self.write(kept)
        return Rewritten(tuple(removed), tuple(added))

    def write(self, rows: pl.DataFrame) -> list[PartFile]:
        """Write rows, in their order, as part files of this table; columns that are absent are null."""
        absent = [name for name in self.schema.names if name not in rows.columns]
        rows = rows.with_columns([pl.lit(None).alias(name) for name in absent])
        table = rows.select(self.schema.names).to_arrow().cast(self.schema)
        return write_parts(self.location, self.name, table, partition_by=self.partition_by)

    def _table(self) -> DeltaTable:
        if self._delta is None:
            raise RuntimeError(f"table {self.name} is not open")
        return self._delta

    def _add_columns(self) -> None:
        delta = self._table()
        partition_columns = list(delta.metadata().partition_columns)
        if partition_columns != ([self.partition_by] if self.partition_by else []):
            raise ConfigurationError(
                f"table '{self.name}' of {self.location.url} is partitioned by {', '.join(partition_columns) or 'nothing'}, and the "
                f"configuration says {self.partition_by}; set lake.partition_by to what it was, or make a new lake"
            )
        existing = pa.schema(delta.schema().to_arrow())
        for field in self.schema:
            index = existing.get_field_index(field.name)
            if index >= 0 and existing.field(index).type != field.type:
                raise ConfigurationError(
                    f"column '{field.name}' of table '{self.name}' is {existing.field(index).type} in {self.location.url}, and "
                    f"{field.type} in the configuration; give the new one another name, or make a new lake"
                )
        fresh = [field for field in self.schema if existing.get_field_index(field.name) < 0]
        if fresh:
            delta.alter.add_columns(deltalake.Schema.from_arrow(pa.schema(fresh)).fields)
        # Columns that an earlier configuration added stay, and are null in what this run writes.
        former = [field for field in existing if self.schema.get_field_index(field.name) < 0]
        self.schema = pa.schema([*self.schema, *former], metadata=self.schema.metadata)

    def _add_action(self, part: PartFile) -> AddAction:
        values = {self.partition_by: part.partition} if self.partition_by else {}
        return AddAction(part.path, part.size, values, part.modification_time, data_change=True, stats=part.statistics())

    def _remove_action(self, part: PartFile) -> RemoveAction:
        values = {self.partition_by: part.partition} if self.partition_by else {}
        now = int(time.time() * 1000)
        return RemoveAction(part.path, data_change=True, deletion_timestamp=now, size=part.size, partition_values=values)


def _candidates(parts: Sequence[PartFile], keys: pl.DataFrame) -> list[PartFile]:
    """Part files whose statistics don't rule the keys out."""
    for column in keys.columns:
        values = keys[column]
        if values.null_count() == 0 and values.len() and values.dtype == pl.String:
            ordered = values.sort()
            return [part for part in parts if _may_hold_any(part, column, ordered)]
    return list(parts) if keys.height else []


def _may_hold_any(part: PartFile, column: str, ordered: pl.Series) -> bool:
    lowest, highest = part.lowest.get(column), part.highest.get(column)
    if not isinstance(lowest, str) or not isinstance(highest, str):
        return part.null_count.get(column) != part.rows
    index = ordered.search_sorted(lowest, side="left")
    return index < ordered.len() and ordered[index] <= highest


def _as_refused(error: Exception, name: str, location: Location) -> AccessDenied | LakeDamaged:
    text = " ".join(str(error).split())[:300]
    denied = ("permission", "denied", "read-only", "no space", "os error 13", "os error 28", "os error 30", "forbidden", "connection")
    if isinstance(error, OSError) or any(word in text.lower() for word in denied):
        return AccessDenied(f"table '{name}' of {location.url} can't be written: {text}; check its permissions and free space")
    return LakeDamaged(f"table '{name}' of {location.url} can't be read: {text}; run 'dicomlake verify {location.url}'")


def json_object(values: dict[str, Any]) -> str:
    """A JSON object with sorted keys, as `snapshots` keeps them."""
    return json.dumps(values, sort_keys=True)
