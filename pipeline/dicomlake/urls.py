r"""The column `url`: its spelling, and the order in which a listing has it.

* A local file's url is its absolute path. A byte that is not UTF-8 is written ``\xHH`` and a backslash is doubled, so nearly every url is
  the path itself. A path may be escaped whole or name by name: ``/`` is neither escaped nor part of an escape.
* A member's url is ``zip://NAME::ARCHIVE`` or ``tar://NAME::ARCHIVE``, where ARCHIVE is the url of the archive. The name is escaped alike.
  A NUL in it is ``\x00``, and its colons are ``\x3a`` where it holds ``::`` or ends in ``:``: the first ``::`` of a url ends the name.
* Every other url is what ``fsspec.open`` takes.

Members of many archives would stand mixed by url, far from their archives. Listings, plans and the ledger go by *place* instead. The place
of a member is the url of its archive, NUL, and its own url; every other place is the url. So members directly follow their archive.

A url is stored and printed, so that one which carries a password or a signature is refused where it comes in.
"""

from __future__ import annotations

import os
import re

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.printable import PASSWORD, QUERY

SCHEME = r"^[A-Za-z][A-Za-z0-9+.\-]*(?:://|::)"
"""How every url begins that does not name a local file; a regular expression that Python and Arrow read alike."""
FILE_SCHEME = r"^(?:file|local)://"
"""How users may write a local path; no url of the lake begins so."""
PLACE_OF_MEMBER = r"(?s)^(?:zip|tar)://.*?::(.*)$"
"""Finds the archive in the url of a member; Python, Arrow and polars read it alike."""
START_OF_MEMBERS = "\0"
"""Behind the url of an archive, before the place of its first member."""
END_OF_MEMBERS = START_OF_MEMBERS + chr(0x10FFFF) * 4
"""Behind the url of an archive, after the place of its last member."""
_MEMBER_SCHEMES = ("zip://", "tar://")
LOWEST_OF_MEMBERS = min(_MEMBER_SCHEMES)
"""No url of a member sorts before it."""

_HAS_SCHEME = re.compile(SCHEME)
_IS_MEMBER = re.compile(PLACE_OF_MEMBER)
_MEMBER_IN_ARROW = PLACE_OF_MEMBER.replace("(.*)$", "(?P<archive>.*)$")
_ARCHIVE_NAMES = r"(?i)\.(?:zip|tar|tgz|tbz2?|txz|tzst|(?:tar|dcm|dicom|ima)\.(?:gz|bz2|xz|zst))$"
_ESCAPE = re.compile(rb"\\(?:\\|x([0-9a-fA-F]{2}))")

# github://owner:repository@branch has the shape of a password, but is not one.
_BEFORE_AT = r"(?i)://[^/?@:\s]*:[^/?@\s]+@"
_NAMES_BEFORE_AT = r"(?i)^github://"
_SIGNATURE = (
    r"(?i)https?://\S*[?&](?:[A-Za-z0-9_\-]*(?:signature|token|secret|password|credential|accesskey|access_key|api_?key)|sig|key|pwd)="
)


def is_local(url: str) -> bool:
    """Whether a url names a file of this machine: it has no scheme."""
    return _HAS_SCHEME.match(url) is None


def url_of_path(path: str | bytes) -> str:
    """The url of a local path, or the escaped form of a name below one.

    Args:
        path: as the operating system gives it; undecodable bytes of a ``str`` are surrogates, as ``os.fsdecode`` makes them.
    """
    return _escaped(os.fsencode(path))


def path_of_url(url: str) -> bytes:
    """The local path that a url names, ready for ``os.open``; undoes `url_of_path`.

    A backslash that begins no escape (in a url written by hand) stands for itself.
    """
    raw = url.encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_byte_of_escape, raw) if b"\\" in raw else raw


def member_url(scheme: str, name: bytes, archive: str) -> str:
    """The url of a member.

    Args:
        scheme: ``zip`` or ``tar``.
        name: as the archive has it, in UTF-8 where that is known.
        archive: the url of the archive.
    """
    text = _escaped(name)
    if "::" in text or text.endswith(":"):
        text = text.replace(":", "\\x3a")
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    return f"{scheme}://{text}::{archive}"


def archive_of(url: str) -> str | None:
    """The url of the archive that holds a member; None for a url that is not a member's."""
    found = _IS_MEMBER.match(url)
    return found[1] if found is not None else None


def place_of(url: str) -> str:
    """Where a url stands in a listing."""
    archive = archive_of(url)
    return url if archive is None else f"{archive}{START_OF_MEMBERS}{url}"


def places_of(urls: pa.StringArray) -> pa.StringArray:
    """Where urls stand in a listing; the same array where none of them is a member's."""
    if not pc.any(is_member(urls)).as_py():
        return urls
    archives = pc.struct_field(pc.extract_regex(urls, _MEMBER_IN_ARROW), "archive")
    return pc.coalesce(pc.binary_join_element_wise(archives, urls, START_OF_MEMBERS), urls)


def is_member(urls: pa.StringArray) -> pa.BooleanArray:
    """Which urls are those of members, or look like it."""
    return pc.or_(*(pc.starts_with(urls, scheme) for scheme in _MEMBER_SCHEMES))


def has_archive_name(urls: pa.StringArray) -> pa.BooleanArray:
    """Which urls end as those of archives do; an archive in an archive is not entered."""
    return pc.and_not(pc.match_substring_regex(urls, _ARCHIVE_NAMES), is_member(urls))


def carrying_credentials(urls: pa.StringArray) -> pa.BooleanArray:
    """Which urls hold a password before their host or a signing parameter in their query."""
    password = pc.and_not(pc.match_substring_regex(urls, _BEFORE_AT), pc.match_substring_regex(urls, _NAMES_BEFORE_AT))
    return pc.or_(password, pc.match_substring_regex(urls, _SIGNATURE))


def carries_credentials(url: str) -> bool:
    """Whether one url does; see `carrying_credentials`."""
    return bool(carrying_credentials(pa.array([url.encode("utf-8", "replace")], pa.string()))[0].as_py())


def without_credentials(url: str) -> str:
    """A url without the user and password before its host, and without the query of an ``http`` url that carries a secret there."""
    return QUERY.sub(r"\1", PASSWORD.sub(r"\1", url)) if carries_credentials(url) else url


def _escaped(raw: bytes) -> str:
    return (raw.replace(b"\\", b"\\\\") if b"\\" in raw else raw).decode("utf-8", "backslashreplace")


def _byte_of_escape(match: re.Match[bytes]) -> bytes:
    digits = match[1]
    return b"\\" if digits is None else bytes.fromhex(digits.decode("ascii"))
