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


def element_header(data: bytes, at: int, encoding: Encoding) -> ElementHeader | None:
    """Read the header of the element at ``at``; None where fewer bytes are held than it has (8, or 12)."""
    if at + 8 > len(data):
        return None
    implicit = (IMPLICIT_LITTLE if encoding.little else IMPLICIT_BIG).unpack_from(data, at)
    tag = implicit[0] << 16 | implicit[1]
    if not encoding.explicit or implicit[0] == 0xFFFE:  # items and delimitations have no VR in any encoding (PS3.5 7.5)
        return ElementHeader(tag, None, implicit[2], 8)
    vr = data[at + 4 : at + 6]
    short: int = (EXPLICIT_LITTLE if encoding.little else EXPLICIT_BIG).unpack_from(data, at)[3]
    if vr in SHORT_VRS:
        return ElementHeader(tag, vr, short, 8)
    if vr in LONG_VRS:
        if at + 12 > len(data):
            return None
        return ElementHeader(tag, vr, (LENGTH_LITTLE if encoding.little else LENGTH_BIG).unpack_from(data, at + 8)[0], 12)
    return _without_known_vr(data, at, encoding, ElementHeader(tag, vr, implicit[2], 8), short)


def _without_known_vr(data: bytes, at: int, encoding: Encoding, implicit: ElementHeader, short: int) -> ElementHeader:
    """Make out an element of explicit VR whose VR is none that PS3.5 has.

    Two letters are a VR of a later edition or a wrong one; other bytes mostly are a length, since some writers switch to implicit VR inside
    an explicit data set (private sequences above all), and sometimes damage. The form is the first after which an element stands, or
    the end of the bytes held; where none is, letters mean a length of 16 bits and other bytes no VR, as for pydicom.
    """
    tag, vr = implicit.tag, implicit.vr
    forms = [ElementHeader(tag, vr, short, 8)]
    if at + 12 <= len(data):
        forms.append(ElementHeader(tag, vr, (LENGTH_LITTLE if encoding.little else LENGTH_BIG).unpack_from(data, at + 8)[0], 12))
    without = ElementHeader(tag, None, implicit.length, 8)
    letters = vr is not None and vr.isalpha() and vr.isupper()
    forms = [*forms, without] if letters else [without, *forms]
    for form in forms:
        behind = at + form.size + form.length
        if behind == len(data) or (behind + 8 <= len(data) and _may_follow(data, behind, tag, encoding)):
            return form
    return forms[0]


def _may_follow(data: bytes, at: int, tag: int, encoding: Encoding) -> bool:
    group, number = (IMPLICIT_LITTLE if encoding.little else IMPLICIT_BIG).unpack_from(data, at)[:2]
    if group == 0xFFFE:
        return number in (0xE000, 0xE00D, 0xE0DD)
    follows = group << 16 | number
    known = follows in DicomDictionary or group & 1 == 1
    return known and (data[at + 4 : at + 6] in KNOWN_VRS or (group == tag >> 16 and follows > tag))


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
