r"""What the column `url` stands for: a path of this machine, or something that fsspec opens.

A local ``url`` is an absolute path in which a byte of a name that is no UTF-8 is written ``\xHH`` and a backslash is doubled, so
that every name that a disk can hold has a text and can be had back from it.
"""

from __future__ import annotations

import re

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*(://|::)")
_ESCAPE = re.compile(rb"\\(\\|x[0-9A-Fa-f]{2})")


def is_local(url: str) -> bool:
    """Whether a url is a path of this machine."""
    return _SCHEME.match(url) is None


def local_path(url: str) -> bytes:
    r"""The path that a local url was made from, as the bytes that the file system knows: ``\\`` is a backslash, ``\xHH`` a byte."""
    path = url.encode("utf-8", "surrogateescape")
    if b"\\" not in path:
        return path
    return _ESCAPE.sub(lambda escape: b"\\" if escape[1] == b"\\" else bytes([int(escape[1][1:], 16)]), path)
