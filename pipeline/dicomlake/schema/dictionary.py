"""The DICOM data dictionary (PS3.6), as far as columns and readers need it; the one place that asks pydicom's tables.

They are loaded when they are first asked for: whoever only queries a lake never pays for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from dicomlake.schema.path import AttributePath, parse_path

_NAMES = "AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV"
VALUE_REPRESENTATIONS = frozenset(_NAMES.split())
"""The VRs of PS3.5 6.2."""


@dataclass(frozen=True, slots=True)
class DictionaryEntry:
    """What PS3.6 says of a tag: its VR (or several, as in ``US or SS``), its VM, keyword and name."""

    vr: str
    vm: str
    keyword: str
    name: str


@lru_cache(maxsize=16384)
def entry_of_tag(tag: int) -> DictionaryEntry | None:
    """The entry of a public tag (repeating groups included), or None where PS3.6 has none."""
    try:
        vr, vm, name, _, keyword = _datadict().get_entry(tag)
    except KeyError:
        return None
    return DictionaryEntry(vr, vm, keyword, name)


def tag_of_keyword(keyword: str) -> int | None:
    """The tag of a keyword as one number, or None."""
    tag: int | None = _datadict().tag_for_keyword(keyword)
    return tag


def private_vr_and_vm(creator: str, group: int, element: int) -> tuple[str, str] | None:
    """VR and VM of a private element by its creator (``element`` counts without its block), or None where it is not known."""
    try:
        entry = _datadict().get_private_entry(group << 16 | 0x1000 | (element & 0xFF), creator)
    except KeyError:
        return None
    return str(entry[0]), str(entry[1])


def private_vr(creator: str, group: int, element: int) -> str | None:
    """The VR alone; see `private_vr_and_vm`."""
    known = private_vr_and_vm(creator, group, element)
    return None if known is None else known[0]


def name_of_uid(uid: str) -> str | None:
    """The PS3.6 name of a UID, or None."""
    # The public UID class can't answer a name without building an object.
    from pydicom._uid_dict import UID_dictionary  # noqa: PLC0415

    entry = UID_dictionary.get(uid)
    return entry[0] if entry else None


def parse_dictionary_path(text: str) -> AttributePath:
    """Parse a column's path with the keywords of PS3.6.

    Raises:
        ConfigurationError: the path is not of the syntax, or a keyword is unknown.
    """
    return parse_path(text, tag_of_keyword)


@cache
def _datadict() -> Any:  # noqa: ANN401 - a module
    from pydicom import datadict  # noqa: PLC0415

    return datadict
