r"""How a local path, which is bytes, becomes a url, which is text, and back without loss.

A byte that is no UTF-8 is written ``\xHH`` and a backslash is doubled; everything else stands as it is, so that nearly every url is the
path itself. Escaping a whole path and escaping its names one by one give the same url, for ``/`` is neither escaped nor part of an escape.
"""

from __future__ import annotations

import os
import re

_ESCAPE = re.compile(rb"\\(?:\\|x([0-9a-fA-F]{2}))")


def url_of_path(path: str | bytes) -> str:
    """The url of a local path, or the escaped form of a name below one.

    Args:
        path: as the operating system gives it; undecodable bytes of a ``str`` are surrogates, as ``os.fsdecode`` makes them.
    """
    raw = os.fsencode(path)
    return raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def path_of_url(url: str) -> bytes:
    """The local path that a url names, ready for ``os.open``; undoes `url_of_path`.

    A backslash that begins no escape (a url written by hand) stands for itself.
    """
    raw = url.encode("utf-8", "surrogateescape")
    if b"\\" not in raw:
        return raw
    return _ESCAPE.sub(_byte_of_escape, raw)


def is_local_url(url: str) -> bool:
    """Whether a url is that of a local file: those alone begin with a slash."""
    return url.startswith("/")


def _byte_of_escape(match: re.Match[bytes]) -> bytes:
    digits = match.group(1)
    return b"\\" if digits is None else bytes.fromhex(digits.decode("ascii"))
