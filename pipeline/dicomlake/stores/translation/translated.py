"""The result of a translation of storage options, the order of keys, and options that no translation needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

WITHOUT_MEANING_HERE = frozenset(
    {
        *("skip_instance_cache", "use_listings_cache", "listings_expiry_time", "max_paths", "asynchronous", "loop", "batch_size"),
        *("default_block_size", "block_size", "default_fill_cache", "default_cache_type", "cache_regions", "max_concurrency"),
        *("fixed_upload_size", "project", "access", "consistency", "check_connection", "timeout", "session_kwargs", "protocol"),
    }
)
"""Options for the way in which fsspec lists, caches and writes."""


@dataclass(frozen=True)
class Translated:
    """Options of `object_store`, and the identity they stand for, in words."""

    options: Mapping[str, str] = field(repr=False)
    identity: str


class KeyOrder(Enum):
    """The order in which a store lists keys."""

    BYTES = "the order of their bytes, from any key on"
    NOT_KNOWN = "probably the order of their bytes, so it is checked"
    NONE = "another order"


def relevant(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that matter for reading a range of an object, without those that are None."""
    return {key: value for key, value in options.items() if key not in WITHOUT_MEANING_HERE and value is not None}


def is_address(endpoint: str) -> bool:
    """Whether a text is the address of a server: http or https, a host, and neither a user nor a query."""
    url = urlsplit(endpoint)
    return url.scheme in ("http", "https") and bool(url.hostname) and url.username is None and not url.query
