"""The Delta log of a table: how it is opened, which part files it names, and what its errors mean."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.schema import ArrayType, PrimitiveType

from dicomlake.errors import AccessDenied, DicomlakeError, LakeDamaged, RefusedError, SourceNotFound
from dicomlake.parts.location import Location
from dicomlake.parts.part import PartFile
from dicomlake.parts.permission import refused_by_system

if TYPE_CHECKING:
    import pyarrow as pa

_OF_STORE = re.compile(r"Generic (?:S3|GCS|MicrosoftAzure) error|error sending request|Server returned|Forbidden|Unauthenticated")
_FINAL_CODES = frozenset({"400", "401", "403", "404"})
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
Answer = TypeVar("Answer")
COMMIT = re.compile(r"/(\d{20})\.json$")
CHECKPOINT = re.compile(r"/(\d{20})\.checkpoint\.parquet$")


def open_delta(location: Location, name: str, version: int | None = None) -> DeltaTable:
    """Open a table of a lake.

    Raises:
        TableNotFoundError: there is no such table (deltalake's own; the caller knows whether there should be).
        AccessDenied: this user may not read it.
        LakeDamaged: its log can't be read.
    """
    _refuse_empty_commits(location, name)
    try:
        return patiently(location, lambda: DeltaTable(f"{location.url}/{name}", version=version, storage_options=delta_options(location)))
    except TableNotFoundError:
        if refused := refused_by_system(location, name):
            raise refused from None
        raise
    except Exception as error:  # noqa: BLE001 - what a damaged log raises is of many kinds
        raise refused_by_store(location, name, error) or damaged(location, name, sentence_of(error)) from None


def patiently(location: Location, ask: Callable[[], Answer]) -> Answer:
    """Ask deltalake again where the store behind it failed; see `dicomlake.stores.patiently`."""
    if location.is_local:
        return ask()
    from dicomlake import stores  # noqa: PLC0415 - a lake in a folder needs no store

    return stores.patiently(ask, passes=_is_passing) if stores.is_object_store(location.url) else ask()


def _is_passing(error: Exception) -> bool:
    if isinstance(error, (TableNotFoundError, CommitFailedError, DicomlakeError)):
        return False
    from dicomlake.stores import codes_of  # noqa: PLC0415 - likewise

    return _OF_STORE.search(str(error)) is not None and not codes_of(error) & _FINAL_CODES


def refused_by_store(location: Location, name: str, error: Exception) -> DicomlakeError | None:
    """The error of a table whose store does not answer, or refuses to; None where the table itself is the trouble."""
    if isinstance(error, DicomlakeError):
        return error
    from dicomlake.stores import is_object_store, store_refusal  # noqa: PLC0415 - likewise

    if not is_object_store(location.url) or not _OF_STORE.search(str(error)):
        return None
    what = f"table '{name}' of {location.url} can't be opened or written"
    refusal = store_refusal(location.url, error, location.storage_options, what)
    return AccessDenied(str(refusal)) if isinstance(refusal, SourceNotFound) else refusal


def damaged(location: Location, name: str, reason: str) -> RefusedError:
    """The error of a table that can't be read: AccessDenied where this user may not, else LakeDamaged."""
    return refused_by_system(location, name) or LakeDamaged(
        f"table '{name}' of {location.url} can't be read: {reason}; run 'dicomlake verify {location.url}'"
    )


def sentence_of(error: BaseException) -> str:
    """The message of an error of polars or delta-rs, as one line without its backtrace and colours."""
    lines = [line.strip() for line in _COLOURS.sub("", str(error)).splitlines() if line.strip()]
    sentence = lines[0] if lines else type(error).__name__
    for end in (" 0: <unknown>", "; valid columns"):
        sentence = sentence.partition(end)[0]
    return sentence[:300]


def _refuse_empty_commits(location: Location, name: str) -> None:
    """A power cut can leave a commit without a byte, which delta-rs reads as one that changed nothing: the table would look empty."""
    if not location.is_local:
        return
    try:
        with os.scandir(location.join(name, "_delta_log")) as entries:
            empty = [entry.name for entry in entries if entry.name.endswith(".json") and entry.stat().st_size == 0]
    except OSError:
        return  # deltalake says what is wrong
    if empty:
        raise damaged(location, name, f"commit {empty[0]} of its log is empty")


def delta_options(location: Location) -> dict[str, str] | None:
    """A lake's storage options as deltalake and polars want them."""
    plain = {key: str(value) for key, value in location.storage_options.items()} or None
    if location.is_local:
        return plain
    from dicomlake.stores import is_object_store, object_store_options  # noqa: PLC0415 - likewise

    if not is_object_store(location.url):
        return plain
    return object_store_options(location.url, location.storage_options) or None


def active_parts(delta: DeltaTable, name: str) -> dict[str, PartFile]:
    """The part files of the version that is open, by path."""
    actions = delta.get_add_actions(flatten=False)
    columns = [actions.column(column).to_pylist() for column in actions.column_names]
    rows = (dict(zip(actions.column_names, values, strict=True)) for values in zip(*columns, strict=True))
    return {part.path: part for part in (_part_of(name, row) for row in rows)}


def delta_types(schema: Schema | pa.Schema) -> dict[str, str]:
    """The type of each column of a schema in Delta's words, such as ``string`` or ``array<double>``."""
    fields = schema.fields if isinstance(schema, Schema) else Schema.from_arrow(schema).fields
    return {field.name: _type_text(field.type) for field in fields}


def _type_text(kind: object) -> str:
    if isinstance(kind, ArrayType):
        return f"array<{_type_text(kind.element_type)}>"
    return kind.type if isinstance(kind, PrimitiveType) else str(kind)


def cut_log(location: Location, name: str, version: int) -> None:
    """Remove the commits that neither this version of a table nor a later one needs: those before the last checkpoint that it can use."""
    checkpoint = max((number for number in log_versions(location, name, CHECKPOINT) if number <= version), default=0)
    # The earliest goes first: should this be broken off, what is left has no gap.
    for pattern in (COMMIT, CHECKPOINT):
        for number, path in sorted(log_versions(location, name, pattern).items()):
            if number < checkpoint:
                location.filesystem.rm_file(path)


def log_versions(location: Location, name: str, pattern: re.Pattern[str]) -> dict[int, str]:
    """The files of a log that match, by the version in their names."""
    # The lake's own path may have characters of a pattern in it, so nothing is globbed.
    paths = location.filesystem.ls(location.join(name, "_delta_log"), detail=False)
    return {int(match[1]): path for path in paths if (match := pattern.search(path))}


def _part_of(name: str, row: dict[str, Any]) -> PartFile:
    partition = next(iter((row.get("partition") or {}).values()), None)
    return PartFile(
        table=name,
        path=unquote(row["path"]),  # the log quotes paths as urls do
        size=row["size_bytes"],
        rows=row["num_records"],
        partition=partition,
        lowest=dict(row.get("min") or {}),
        highest=dict(row.get("max") or {}),
        null_count={key: count for key, count in (row.get("null_count") or {}).items() if isinstance(count, int)},
        modification_time=row["modification_time"],
    )
