"""What of a SOURCE or a url may be shown and kept: no credentials, no control characters.

A url is stored in the lake and printed in messages, so one that carries a password or a signature is refused where it comes in;
whatever is shown before that, or comes from a library's own error text, passes `shown` first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# github://owner:repository@branch has the shape of a password and is none.
_BEFORE_AT = r"(?i)://[^/?@:\s]*:[^/?@\s]+@"
_NAMES_BEFORE_AT = r"(?i)^github://"
_SIGNATURE_PLACE = (
    r"(?i)https?://\S*[?&](?:[A-Za-z0-9_\-]*(?:signature|token|secret|password|credential|accesskey|access_key|api_?key)|sig|key|pwd)="
)
_SHOWN_PASSWORD = re.compile(r"(://)[^/\s?@]*:[^/\s@]*@")
_SHOWN_QUERY = re.compile(r"(https?://[^\s?]*)\?[^\s'\"]*")
_SHORTEST_SECRET = 4
_HARMLESS_OPTIONS = frozenset({"account_name", "endpoint_url", "host", "profile", "project", "protocol", "region", "region_name"})


def carrying_credentials(urls: pa.StringArray) -> pa.BooleanArray:
    """Which urls hold a password before their host or a signing parameter in their query."""
    password = pc.and_not(pc.match_substring_regex(urls, _BEFORE_AT), pc.match_substring_regex(urls, _NAMES_BEFORE_AT))
    return pc.or_(password, pc.match_substring_regex(urls, _SIGNATURE_PLACE))


def carries_credentials(url: str) -> bool:
    """Whether one url does; see `carrying_credentials`."""
    return bool(carrying_credentials(pa.array([url.encode("utf-8", "replace")], pa.string()))[0].as_py())


def without_credentials(url: str) -> str:
    """A url without the user and password before its host, and without the query of an ``http`` url that carries a secret there."""
    if not carries_credentials(url):
        return url
    return _SHOWN_QUERY.sub(r"\1", _SHOWN_PASSWORD.sub(r"\1", url))


def shown(text: object, secrets: Iterable[str] = ()) -> str:
    """Text that is safe on a terminal and in a log: one line, without passwords, queries and any of ``secrets``."""
    line = " ".join(str(text).split())
    line = _SHOWN_QUERY.sub(r"\1?***", _SHOWN_PASSWORD.sub(r"\1***@", line))
    for secret in sorted(secrets, key=len, reverse=True):
        line = line.replace(secret, "***")
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


def secrets_of(storage_options: Mapping[str, Any]) -> list[str]:
    """Every text among the values of storage options, nested ones included, that is not known to be harmless."""
    found: list[str] = []
    for key, value in storage_options.items():
        if isinstance(value, Mapping):
            found.extend(secrets_of(value))
        elif isinstance(value, str) and len(value) >= _SHORTEST_SECRET and key not in _HARMLESS_OPTIONS:
            found.append(value)
    return found
