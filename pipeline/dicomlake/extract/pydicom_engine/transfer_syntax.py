"""Transfer syntaxes: how a data set stands by what its meta says, and by looking (PS3.5 10 and annex A)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from dicomlake.extract.pydicom_engine.element import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    Encoding,
    looks_like_element,
)
from dicomlake.schema.dictionary import name_of_uid

IMPLICIT_UID = "1.2.840.10008.1.2"
EXPLICIT_UID = "1.2.840.10008.1.2.1"
DEFLATED_UID = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN_UID = "1.2.840.10008.1.2.2"
_PAPYRUS_UID = "1.2.840.10008.1.20"
_DEFLATED_UIDS = frozenset({DEFLATED_UID, "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})
_ENCODING_OF_UID = {
    IMPLICIT_UID: IMPLICIT_VR_LITTLE_ENDIAN,
    _PAPYRUS_UID: IMPLICIT_VR_LITTLE_ENDIAN,
    BIG_ENDIAN_UID: EXPLICIT_VR_BIG_ENDIAN,
}
_UID_OF_ENCODING = {
    IMPLICIT_VR_LITTLE_ENDIAN: IMPLICIT_UID,
    EXPLICIT_VR_LITTLE_ENDIAN: EXPLICIT_UID,
    EXPLICIT_VR_BIG_ENDIAN: BIG_ENDIAN_UID,
}
DEFLATED_LOOKED_AT = 1024
_INFLATED_LOOKED_AT = 64
_ENCODINGS = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN)


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """A transfer syntax: its UID, and how the data set stands in it. ``known`` is whether PS3.6 has it."""

    uid: str
    encoding: Encoding
    deflated: bool
    known: bool


def syntax_of_uid(uid: str) -> TransferSyntax:
    """The transfer syntax of a UID; one that PS3.6 does not have is taken for explicit VR little endian, as all encapsulated ones are."""
    known = name_of_uid(uid) is not None and uid.startswith("1.2.840.10008.1.2")
    return TransferSyntax(uid, _ENCODING_OF_UID.get(uid, EXPLICIT_VR_LITTLE_ENDIAN), uid in _DEFLATED_UIDS, known)


def syntax_by_looking(data: bytes, room: int | None, declared: TransferSyntax | None) -> TransferSyntax | None:
    """The transfer syntax of a data set by what its first element looks like.

    Args:
        data: the first bytes of the data set.
        room: bytes from there to the end of the file; None where unknown.
        declared: what the meta says; kept where the data set looks like that.

    Returns:
        The declared one where it fits; else one that does; None where none does.
    """
    declares_plain = declared is not None and not declared.deflated
    if declared is not None and declares_plain and looks_like_element(data, 0, declared.encoding, room):
        return declared
    for encoding in _ENCODINGS:
        if looks_like_element(data, 0, encoding, room):
            return TransferSyntax(_UID_OF_ENCODING[encoding], encoding, deflated=False, known=True)
    if declared is not None and declared.deflated:
        return declared
    return syntax_of_uid(DEFLATED_UID) if _inflates_to_element(data) else None


def _inflates_to_element(data: bytes) -> bool:
    try:
        inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[:DEFLATED_LOOKED_AT], _INFLATED_LOOKED_AT)
    except zlib.error:
        return False
    return looks_like_element(inflated, 0, EXPLICIT_VR_LITTLE_ENDIAN, None)
