"""The answer of every translation of storage options, the order of keys, and the options that none of them needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

WITHOUT_MEANING_HERE = frozenset(
    {
        *("skip_instance_cache", "use_listings_cache", "listings_expiry_time", "max_paths", "asynchronous", "loop", "batch_size"),
        *("default_block_size", "block_size", "default_fill_cache", "default_cache_type", "cache_regions", "max_concurrency"),
        *("fixed_upload_size", "project", "access", "consistency", "check_connection", "timeout", "session_kwargs", "protocol"),
    }
)
"""Options that say how fsspec lists, caches and writes."""


@dataclass(frozen=True)
class Translated:
    """Options in the words of `object_store`, and as whom they ask, for a person."""

    options: Mapping[str, str] = field(repr=False)
    identity: str


class KeyOrder(Enum):
    """In which order a store lists keys."""

    BYTES = "known to be that of their bytes, from any key on"
    NOT_KNOWN = "most list so, and what comes is looked at"
    NONE = "known to be another one"


def relevant(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that say something about how a range of an object is read; those that are None say nothing."""
    return {key: value for key, value in options.items() if key not in WITHOUT_MEANING_HERE and value is not None}
