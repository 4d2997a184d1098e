"""Size, modified time and etag of a listed entry, by the names that the filesystems of fsspec use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

_MODIFIED_KEYS = ("LastModified", "last_modified", "Last-Modified", "updated", "modified", "mtime", "date_time", "created")
_ETAG_KEYS = ("ETag", "etag", "e_tag")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def size_of(entry: Mapping[str, Any]) -> int | None:
    """The size in bytes, if the listing has it."""
    size = entry.get("size")
    return int(size) if isinstance(size, (int, float)) and size >= 0 else None


def modified_of(entry: Mapping[str, Any]) -> int | None:
    """Microseconds since 1970 (UTC), if the listing has a time that can be parsed; a time without zone is taken as UTC."""
    for key in _MODIFIED_KEYS:
        value = entry.get(key)
        if value is None or value == "":
            continue
        try:
            moment = _moment(value)
        except (TypeError, ValueError, OverflowError):
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(microseconds=1)
    return None


def etag_of(entry: Mapping[str, Any]) -> str | None:
    """The etag without its quotes, if the listing has one."""
    for key in _ETAG_KEYS:
        value = entry.get(key)
        if isinstance(value, str) and value:
            return value.strip('"')
    return None


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, (int, float)):
        return _EPOCH + timedelta(seconds=value)
    if isinstance(value, tuple):
        return datetime(*value[:6])  # noqa: DTZ001  (a zip member's time has no zone)
    text = str(value)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parsedate_to_datetime(text)
