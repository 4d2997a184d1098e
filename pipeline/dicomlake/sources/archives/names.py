r"""Urls of members, and the order in which a listing has them.

A member's url is ``zip://NAME::ARCHIVE`` or ``tar://NAME::ARCHIVE``, ARCHIVE being the url of the archive. A name is escaped as those of
local files are (``\xHH`` for a byte that is no UTF-8, a doubled backslash); beyond that NUL is ``\x00``, and the colons of a name that
holds ``::`` or ends in ``:`` are ``\x3a``, so that the first ``::`` of a url always ends the name.

By url, members of many archives would stand mixed, and far from their archives. A listing, a plan and the ledger go by *place* instead: a
member's is the url of its archive, NUL, and its own url; that of everything else is its url. So members follow their archive at once,
before anything else whose url begins like it.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

PLACE_OF_MEMBER = r"(?s)^(?:zip|tar)://.*?::(.*)$"
"""Finds the archive in the url of a member; a regular expression that Python, Arrow and polars read alike."""

_IS_MEMBER = re.compile(PLACE_OF_MEMBER)
_IN_ARROW = PLACE_OF_MEMBER.replace("(.*)$", "(?P<archive>.*)$")
_MEMBER_SCHEMES = ("zip://", "tar://")

START_OF_MEMBERS = "\0"
"""Behind the url of an archive, before the place of its first member."""
END_OF_MEMBERS = START_OF_MEMBERS + chr(0x10FFFF) * 4
"""Behind the url of an archive, after the place of its last member."""
LOWEST_OF_MEMBERS = min(_MEMBER_SCHEMES)
"""No url of a member sorts before it."""


def member_url(scheme: str, name: bytes, archive: str) -> str:
    """The url of a member.

    Args:
        scheme: ``zip`` or ``tar``.
        name: as the archive has it, in UTF-8 where that is known.
        archive: the url of the archive.
    """
    if b"\\" in name:
        name = name.replace(b"\\", b"\\\\")
    text = name.decode("utf-8", "backslashreplace")
    if "::" in text or text.endswith(":"):
        text = text.replace(":", "\\x3a")
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    return f"{scheme}://{text}::{archive}"


def archive_of(url: str) -> str | None:
    """The url of the archive that holds a member; None for what is no member."""
    found = _IS_MEMBER.match(url)
    return found[1] if found is not None else None


def place_of(url: str) -> str:
    """Where a url stands in a listing."""
    archive = archive_of(url)
    return url if archive is None else f"{archive}{START_OF_MEMBERS}{url}"


def is_member(urls: pa.StringArray) -> pa.BooleanArray:
    """Which urls are those of members, or look like it."""
    return pc.or_(*(pc.starts_with(urls, scheme) for scheme in _MEMBER_SCHEMES))


def places_of(urls: pa.StringArray) -> pa.StringArray:
    """Where urls stand in a listing; the same array where none of them is a member's."""
    if not pc.any(is_member(urls)).as_py():
        return urls
    archives = pc.struct_field(pc.extract_regex(urls, _IN_ARROW), "archive")
    return pc.coalesce(pc.binary_join_element_wise(archives, urls, START_OF_MEMBERS), urls)
