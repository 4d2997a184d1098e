"""What a file is by its first bytes, whatever its name says (PS3.10 7.1)."""

from __future__ import annotations

from dataclasses import dataclass

from dicomlake.extract.pydicom_engine import element as el
from dicomlake.schema.dictionary import entry_of_tag

_PREFIX = b"DICM"
_ELEMENTS_LOOKED_AT = 4
_BYTES_LOOKED_AT = 256
"""No first read is shorter, so what a file is taken for does not depend on how much of it was read."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """Where the first element of a DICOM file stands, and whether preamble and prefix stand before it."""

    position: int
    has_preamble: bool


def recognise(data: bytes, size: int | None) -> Recognised | None:
    """Recognise a DICOM file.

    Args:
        data: its first bytes.
        size: of the file; None where unknown.

    Returns:
        Where its elements begin; None where it is no DICOM file.
    """
    data = data[:_BYTES_LOOKED_AT]
    if data[128:132] == _PREFIX:
        return Recognised(132, has_preamble=True)
    if data[:4] == _PREFIX:
        return Recognised(4, has_preamble=False)
    for position in (0, 128):  # 128: a preamble without its prefix
        if _is_meta(data, position):
            return Recognised(position, has_preamble=False)
    if any(
        _is_data_set(data, encoding, size)
        for encoding in (el.EXPLICIT_VR_LITTLE_ENDIAN, el.IMPLICIT_VR_LITTLE_ENDIAN, el.EXPLICIT_VR_BIG_ENDIAN)
    ):
        return Recognised(0, has_preamble=False)
    return None


def _is_meta(data: bytes, position: int) -> bool:
    """Whether a file meta group begins here: group 2 in little endian, an element that there is, with its VR (or without)."""
    header = el.element_header(data, position, el.EXPLICIT_VR_LITTLE_ENDIAN)
    if header is None or header.tag >> 16 != 2 or header.length > 1024 * 1024:
        return False
    return header.vr in el.KNOWN_VRS or entry_of_tag(header.tag) is not None


def _is_data_set(data: bytes, encoding: el.Encoding, size: int | None) -> bool:
    """Whether a data set without meta begins the file: its first elements are in order, in the dictionary, and fit.

    One element is not enough, since a text file may look like one; the group of the first must be one that data sets begin with.
    """
    at = 0
    last = -1
    looked_at = 0
    while looked_at < _ELEMENTS_LOOKED_AT:
        header = el.element_header(data, at, encoding)
        if header is None:
            break
        if not looked_at and header.tag >> 16 not in (0x0000, 0x0004, 0x0008):
            return False
        if header.tag in el.PIXEL_DATA_KEYWORDS:
            break
        known = header.tag & 0x10000 or header.tag & 0xFFFF == 0 or entry_of_tag(header.tag) is not None
        if header.tag <= last or not known or (encoding.explicit and header.vr not in el.KNOWN_VRS):
            return False
        if not encoding.explicit and data[at + 4 : at + 6] in el.KNOWN_VRS:
            return False
        looked_at += 1
        last = header.tag
        if header.length == el.UNDEFINED_LENGTH:
            break
        at += header.size + header.length
        if size is not None and at > size:
            return looked_at > 1  # cut short; but a first element that does not fit is none
    return looked_at > 1 or (looked_at == 1 and (encoding.explicit or at == size))
