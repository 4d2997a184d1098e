"""The header of one data element: tag, VR and length (PS3.5 7.1), in whichever of the encodings it stands.

This is the one place that knows how bytes become an element, and what to make of VR bytes that are none.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from pydicom._dicom_dict import DicomDictionary  # the table itself: pydicom.datadict answers one tag at a time
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, VR

UNDEFINED_LENGTH = 0xFFFFFFFF
ITEM = 0xFFFEE000
ITEM_DELIMITATION = 0xFFFEE00D
SEQUENCE_DELIMITATION = 0xFFFEE0DD
PIXEL_DATA_KEYWORDS = {0x7FE00010: "PixelData", 0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData"}
"""The elements at which a header ends, when they stand at top level."""

KNOWN_VRS: frozenset[bytes] = frozenset(vr.value.encode() for vr in VR if len(vr.value) == 2)
LONG_VRS: frozenset[bytes] = frozenset(vr.value.encode() for vr in EXPLICIT_VR_LENGTH_32)
"""VRs with two reserved bytes and a length of 32 bits (PS3.5 7.1.2)."""

SHORT_VRS: frozenset[bytes] = KNOWN_VRS - LONG_VRS
LONG_LEAF_VRS: frozenset[bytes] = LONG_VRS - {b"SQ", b"UN"}
SEQUENCE_TAGS: frozenset[int] = frozenset(tag for tag, entry in DicomDictionary.items() if entry[0] == "SQ")

EXPLICIT_LITTLE = struct.Struct("<HH2sH")
EXPLICIT_BIG = struct.Struct(">HH2sH")
IMPLICIT_LITTLE = struct.Struct("<HHL")
IMPLICIT_BIG = struct.Struct(">HHL")
LENGTH_LITTLE = struct.Struct("<L")
LENGTH_BIG = struct.Struct(">L")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the elements of a data set stand: with their VR or without, and in which byte order."""

    explicit: bool
    little: bool


EXPLICIT_VR_LITTLE_ENDIAN = Encoding(explicit=True, little=True)
EXPLICIT_VR_BIG_ENDIAN = Encoding(explicit=True, little=False)
IMPLICIT_VR_LITTLE_ENDIAN = Encoding(explicit=False, little=True)


class ElementHeader(NamedTuple):
    """An element up to its value: ``vr`` is None where the file says none, ``size`` the bytes before the value."""

    tag: int
    vr: bytes | None
    length: int
    size: int


def item_header(data: bytes, at: int, *, little: bool) -> tuple[int, int]:
    """Read tag and length of what stands at ``at``, of which 8 bytes are held: an item or delimitation has no VR (PS3.5 7.5)."""
    group, number, length = (IMPLICIT_LITTLE if little else IMPLICIT_BIG).unpack_from(data, at)
    return group << 16 | number, length


def element_header(data: bytes, at: int, encoding: Encoding) -> ElementHeader | None:
    """Read the header of the element at ``at``; None where fewer bytes are held than it has (8, or 12).

    A VR that PS3.5 does not have is answered as it stands, with a length of 16 bits behind it; see ``without_known_vr``.
    """
    if at + 8 > len(data):
        return None
    tag, length = item_header(data, at, little=encoding.little)
    if not encoding.explicit or tag >> 16 == 0xFFFE:
        return ElementHeader(tag, None, length, 8)
    vr = data[at + 4 : at + 6]
    if vr in LONG_VRS:
        if at + 12 > len(data):
            return None
        return ElementHeader(tag, vr, (LENGTH_LITTLE if encoding.little else LENGTH_BIG).unpack_from(data, at + 8)[0], 12)
    return ElementHeader(tag, vr, (EXPLICIT_LITTLE if encoding.little else EXPLICIT_BIG).unpack_from(data, at)[3], 8)


UNKNOWN_VR_LOOKED_AT = 8 + 0xFFFF + 8
"""How many bytes ``without_known_vr`` looks at: the longest element with a length of 16 bits, and the beginning of the next."""


def without_known_vr(data: bytes, at: int, end: int, encoding: Encoding, *, ended: bool) -> ElementHeader:
    """Make out an element of explicit VR whose VR is none that PS3.5 has.

    Two letters are a VR of a later edition or a wrong one; other bytes mostly are part of a length, since some writers switch to
    implicit VR inside an explicit data set (private sequences above all), and sometimes damage. The form is the first after which an
    element stands, or nothing more; where none is, letters mean a length of 16 bits and other bytes no VR, as for pydicom.

    Args:
        data: bytes held.
        at: index of the element.
        end: index up to which to look: ``UNKNOWN_VR_LOOKED_AT`` bytes on, or where the bytes end.
        encoding: of the data set.
        ended: whether there are no bytes from ``end`` on.
    """
    tag, implicit = item_header(data, at, little=encoding.little)
    vr = data[at + 4 : at + 6]
    forms = [ElementHeader(tag, vr, (EXPLICIT_LITTLE if encoding.little else EXPLICIT_BIG).unpack_from(data, at)[3], 8)]
    if at + 12 <= end:
        forms.append(ElementHeader(tag, vr, (LENGTH_LITTLE if encoding.little else LENGTH_BIG).unpack_from(data, at + 8)[0], 12))
    without = ElementHeader(tag, None, implicit, 8)
    forms = [*forms, without] if vr.isalpha() and vr.isupper() else [without, *forms]
    for form in forms:
        behind = at + form.size + form.length
        if (ended and behind == end) or (behind + 8 <= end and _may_follow(data, behind, tag, encoding)):
            return form
    return forms[0]


def _may_follow(data: bytes, at: int, tag: int, encoding: Encoding) -> bool:
    follows, _ = item_header(data, at, little=encoding.little)
    if follows >> 16 == 0xFFFE:
        return follows in (ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION)
    has_vr = data[at + 4 : at + 6] in KNOWN_VRS
    if follows & 0x10000:
        return has_vr
    # Without a VR too: the data set behind group 2 may stand in implicit VR.
    return follows in DicomDictionary and (has_vr or follows > tag)


def looks_like_element(data: bytes, at: int, encoding: Encoding, room: int | None) -> bool:
    """Whether what stands at ``at`` can well be the first element of a data set in this encoding.

    Args:
        data: bytes held.
        at: index into ``data``.
        encoding: to be tried.
        room: bytes from ``at`` to the end of the file; None where unknown.
    """
    header = element_header(data, at, encoding)
    if header is None or not _may_begin_a_data_set(header.tag):
        return False
    if encoding.explicit and header.vr not in KNOWN_VRS:
        return False
    if not encoding.explicit and data[at + 4 : at + 6] in KNOWN_VRS:
        return False
    return header.length == UNDEFINED_LENGTH or room is None or header.size + header.length <= room


def _may_begin_a_data_set(tag: int) -> bool:
    # Groups 0000 (command), 0002 (meta), 0004 (DICOMDIR), 0008 and up; data sets without 0008 begin at 0010 or 0020 or so. A wrong
    # byte order shows as a group of 0x0800 and up.
    return tag >> 16 in {0x0000, 0x0002, 0x0004} or 0x0008 <= tag >> 16 <= 0x00FF or tag in DicomDictionary
