"""A table of a lake as its writer sees it: the part files it is made of, and commits that add and remove some.

A commit is one Delta transaction of Add and Remove actions. MERGE is not used: its memory has no bound. Rows are removed by writing the
part files that hold them anew without them.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from dicomlake.errors import AccessDenied, DicomlakeError, LakeChanged
from dicomlake.lake.log.creation import make_table, with_columns
from dicomlake.lake.log.delta import active_parts, damaged, delta_options, open_delta, patiently, refused_by_store, sentence_of
from dicomlake.lake.write.row_removal import Gone, KeyFinder, Removed, Rewritten, matching_rows, remove
from dicomlake.parts import Location, PartFile, side_by_side, write_parts

APPLICATION = "dicomlake"
NUMBER_KEY = "dicomlake.commit"
READING_KEY = "dicomlake.reading"
WRITER_KEY = "dicomlake.writer"
_FENCE_TRIES = 5


class Table:
    """One Delta table, open for writing by one run at a time.

    Args:
        location: the lake.
        name: of the table.
        schema: its columns.
        partition_by: the column by which it is partitioned.
        is_contested: whether another run may have it open, so that it is fenced when it is opened.
    """

    def __init__(self, location: Location, name: str, schema: pa.Schema, partition_by: str | None, *, is_contested: bool = False) -> None:
        self.location = location
        self.name = name
        self.schema = schema
        self.partition_by = partition_by
        self._delta: DeltaTable | None = None
        self.parts: dict[str, PartFile] = {}
        self._expected = 0
        self._is_contested = is_contested
        self._writer = uuid.uuid4().hex
        self.is_uncertain = False
        self._options: dict[str, str] | None = None

    def open(self, *, log_retention_days: int = 3650, pinned: int | None = None, add_columns: bool = True) -> None:
        """Open the table, or make it where there is none.

        Args:
            log_retention_days: how long its log is kept.
            pinned: the version that the last snapshot pins; a table that has one must be there.
            add_columns: whether columns that are new are added to it; else its own schema is taken.

        Raises:
            AccessDenied: the lake can't be written.
            LakeDamaged: the table's log can't be read.
            ConfigurationError: the table is partitioned otherwise, or a column has another type there.
        """
        self._options = delta_options(self.location)
        try:
            try:
                self._delta = open_delta(self.location, self.name)
            except TableNotFoundError:
                if pinned is not None:
                    raise damaged(self.location, self.name, "it is gone") from None
                self._delta = make_table(
                    self.location, self.name, self.schema, partition_by=self.partition_by, log_retention_days=log_retention_days
                )
            else:
                if add_columns:
                    self.schema = with_columns(self._delta, self.location, self.name, self.schema, partition_by=self.partition_by)
                else:
                    self.schema = pa.schema(self._delta.schema().to_arrow())
        except (DeltaError, OSError) as error:
            raise _as_refused(error, self.name, self.location) from None
        if pinned is not None and self._delta.version() < pinned:
            raise damaged(self.location, self.name, f"its log lacks version {pinned}, which the last snapshot pins")
        self._take_as_it_is()
        if self._is_contested:
            self.fence()

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

    def commit(
        self, add: Iterable[PartFile], remove: Iterable[PartFile], number: int, *, reading: str | None = None, changes_data: bool = True
    ) -> None:
        """Commit in one transaction.

        Args:
            add: part files that were written.
            remove: part files of the table.
            number: the application transaction.
            reading: with what the rows were read, to be told from the log should the run not finish.
            changes_data: whether a row comes or goes; else the same rows stand in other part files.

        Raises:
            LakeChanged: another writer committed since this run looked.
            AccessDenied: the lake can't be written.
        """
        added, removed = list(add), list(remove)
        actions: list[AddAction | RemoveAction] = [self._add_action(part, changes_data=changes_data) for part in added]
        actions += [self._remove_action(part, changes_data=changes_data) for part in removed]
        metadata = {NUMBER_KEY: str(number), WRITER_KEY: self._writer} | ({READING_KEY: reading} if reading else {})
        self.check_unmoved()
        delta = self._table()
        try:
            patiently(
                self.location,
                lambda: delta.create_write_transaction(
                    actions,
                    mode="append",
                    schema=self.schema,
                    partition_by=[self.partition_by] if self.partition_by else None,
                    commit_properties=CommitProperties(
                        custom_metadata=metadata,
                        app_transactions=[Transaction(APPLICATION, number)],
                        max_commit_retries=0,
                    ),
                    post_commithook_properties=PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False),
                ),
            )
            patiently(self.location, delta.update_incremental)
        except (DeltaError, OSError) as error:
            if not self._was_committed(number):
                if isinstance(error, CommitFailedError):
                    raise self._changed() from None
                self.is_uncertain = True
                raise _as_refused(error, self.name, self.location) from None
        self._expected += 1
        for part in removed:
            del self.parts[part.path]
        for part in added:
            self.parts[part.path] = part

    def fence(self) -> None:
        """Commit nothing, so that whoever opened the table earlier finds it moved and can't commit any more.

        Raises:
            LakeChanged: others commit to it all the time.
            AccessDenied: the lake can't be written.
        """
        for _ in range(_FENCE_TRIES):
            try:
                self.commit([], [], self.committed_number())
            except LakeChanged:
                self._take_as_it_is()
            else:
                return
        raise self._changed()

    def check_unmoved(self) -> None:
        """Look whether another run committed to the table.

        Raises:
            LakeChanged: it did.
        """
        try:
            if self._is_reached_otherwise():
                self._delta = open_delta(self.location, self.name)
            delta = self._table()
            patiently(self.location, delta.update_incremental)
        except (DeltaError, OSError) as error:
            raise _as_refused(error, self.name, self.location) from None
        if delta.version() != self._expected:
            raise self._changed()

    def readings_since(self, version: int) -> set[str]:
        """With what the rows of later commits were read."""
        table = self._table()
        entries = patiently(self.location, lambda: table.history(self.version - version)) if self.version > version else []
        return {entry[READING_KEY] for entry in entries if READING_KEY in entry}

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
        for entry in patiently(self.location, self._table().history):
            recorded = entry.get(NUMBER_KEY)
            if recorded is not None and int(recorded) <= number:
                return int(entry["version"])
        return 0

    def without(self, *gone: Gone, within: Iterable[PartFile] | None = None, noted: Sequence[str] = ()) -> Rewritten:
        """Write the part files that hold rows to go again, without those rows; nothing is committed.

        Several are written at a time, and of each a row group is in memory.

        Args:
            gone: which rows; one goes if any of these says so.
            within: the part files to look at; all where None.
            noted: columns that are to be told of the rows that go.
        """

        def without_rows(part: PartFile) -> Removed | None:
            return remove(self.location, part, self.schema, gone, partition_by=self.partition_by, noted=noted)

        found = side_by_side(without_rows, list(self.parts.values() if within is None else within))
        removed = [one for one in found if one is not None]
        return Rewritten(tuple(one.part for one in removed), tuple(one.rest for one in removed), tuple(one.noted for one in removed))

    def rows_with(self, keys: pl.DataFrame, *, within: Iterable[PartFile] | None = None) -> pl.DataFrame:
        """The whole rows that have these keys; a null matches a null."""
        finder = KeyFinder(keys)
        near = [part for part in (self.parts.values() if within is None else within) if finder.may_be_in(part)]

        def rows_of(part: PartFile) -> list[pl.DataFrame]:
            return list(matching_rows(self.location, part, self.schema, finder, partition_by=self.partition_by))

        frames = [frame for found in side_by_side(rows_of, near) for frame in found]
        return pl.concat([pl.DataFrame(self.schema.empty_table()), *frames])

    def write(self, rows: pl.DataFrame) -> list[PartFile]:
        """Write rows, in their order, as part files of this table; columns that are absent are null."""
        absent = [name for name in self.schema.names if name not in rows.columns]
        rows = rows.with_columns([pl.lit(None).alias(name) for name in absent])
        table = rows.select(self.schema.names).to_arrow().cast(self.schema)
        return write_parts(self.location, self.name, table, partition_by=self.partition_by)

    def _is_reached_otherwise(self) -> bool:
        """Whether the credentials with which the table was opened have been renewed since."""
        before, self._options = self._options, delta_options(self.location)
        return before != self._options

    def _take_as_it_is(self) -> None:
        delta = self._table()
        self.parts = active_parts(delta, self.name)
        self._expected = delta.version()

    def _was_committed(self, number: int) -> bool:
        """Whether the commit that was reported as failed is there: a reply can be lost after the store did its work."""
        delta = self._table()
        try:
            patiently(self.location, delta.update_incremental)
            entries = patiently(self.location, lambda: delta.history(max(delta.version() - self._expected, 1)))
        except (DeltaError, OSError):
            return False
        own = {"version": self._expected + 1, NUMBER_KEY: str(number), WRITER_KEY: self._writer}
        return any(all(entry.get(key) == value for key, value in own.items()) for entry in entries)

    def _changed(self) -> LakeChanged:
        return LakeChanged(f"another run committed to table '{self.name}' of {self.location.url} meanwhile; run again when it has ended")

    def _table(self) -> DeltaTable:
        if self._delta is None:
            raise RuntimeError(f"table {self.name} is not open")
        return self._delta

    def _add_action(self, part: PartFile, *, changes_data: bool) -> AddAction:
        values = {self.partition_by: part.partition} if self.partition_by else {}
        return AddAction(part.path, part.size, values, part.modification_time, data_change=changes_data, stats=part.statistics())

    def _remove_action(self, part: PartFile, *, changes_data: bool) -> RemoveAction:
        values = {self.partition_by: part.partition} if self.partition_by else {}
        now = int(time.time() * 1000)
        return RemoveAction(part.path, data_change=changes_data, deletion_timestamp=now, size=part.size, partition_values=values)


def _as_refused(error: Exception, name: str, location: Location) -> DicomlakeError:
    if refused := refused_by_store(location, name, error):
        return refused
    text = sentence_of(error)
    denied = ("permission", "denied", "read-only", "no space", "os error 13", "os error 28", "os error 30", "forbidden", "connection")
    if isinstance(error, OSError) or any(word in text.lower() for word in denied):
        return AccessDenied(f"table '{name}' of {location.url} can't be written: {text}; check its permissions and free space")
    return damaged(location, name, text)


def json_object(values: dict[str, Any]) -> str:
    """A JSON object with sorted keys, as `snapshots` keeps them."""
    return json.dumps(values, sort_keys=True)
