"""Bytes of DICOM made by hand: elements, sequences, files, as right or as wrong as a test wants them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR, tag_for_keyword

UNDEFINED = 0xFFFFFFFF
LONG_VRS = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG = "1.2.840.10008.1.2.4.50"

UID = "1.2.826.0.1.3680043.10.1.1"
ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD


@dataclass(frozen=True)
class Writer:
    """Writes elements in one encoding."""

    explicit: bool = True
    little: bool = True

    def element(self, which: str | int, value: bytes | str = b"", vr: str | None = None, length: int | None = None) -> bytes:
        """One element; ``vr`` and ``length`` are what the dictionary and the value say unless given. Values are padded to even length."""
        tag = tag_for_keyword(which) if isinstance(which, str) else which
        assert tag is not None
        if vr is None:
            vr = dictionary_VR(tag).split(" or ")[0]
        data = value.encode("latin-1") if isinstance(value, str) else value
        if len(data) % 2 and length is None:
            data += b"\0" if vr in ("UI", "OB", "UN") else b" "
        length = len(data) if length is None else length
        order = "<" if self.little else ">"
        head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
        if not self.explicit:
            return head + struct.pack(f"{order}L", length) + data
        name = vr.encode("latin-1")
        if vr in LONG_VRS:
            return head + name + struct.pack(f"{order}HL", 0, length) + data
        return head + name + struct.pack(f"{order}H", length & 0xFFFF) + data

    def mark(self, tag: int, length: int = 0) -> bytes:
        """An item's tag or a delimitation, which have no VR in any encoding."""
        return struct.pack("<HHL" if self.little else ">HHL", tag >> 16, tag & 0xFFFF, length)

    def item(self, content: bytes, *, defined: bool = True) -> bytes:
        """An item."""
        if defined:
            return self.mark(ITEM, len(content)) + content
        return self.mark(ITEM, UNDEFINED) + content + self.mark(ITEM_END)

    def sequence(self, which: str | int, *items: bytes, defined: bool = True, vr: str = "SQ") -> bytes:
        """A sequence of data sets."""
        content = b"".join(self.item(item, defined=defined) for item in items)
        if defined:
            return self.element(which, content, vr)
        return self.element(which, b"", vr, UNDEFINED) + content + self.mark(SEQUENCE_END)


E = Writer()
"""Explicit VR little endian, which most tests use."""


def meta(transfer_syntax: str | None = EXPLICIT, instance: str | None = UID, sop_class: str = "1.2.840.10008.5.1.4.1.1.2") -> bytes:
    """A file meta group; None leaves an element out."""
    elements = E.element("MediaStorageSOPClassUID", sop_class)
    if instance is not None:
        elements += E.element("MediaStorageSOPInstanceUID", instance)
    if transfer_syntax is not None:
        elements += E.element("TransferSyntaxUID", transfer_syntax)
    return E.element("FileMetaInformationGroupLength", struct.pack("<L", len(elements))) + elements


def keys(writer: Writer = E) -> bytes:
    """The elements of groups 0008 and below that every file should have; more of groups 0010 and up may follow (`parents`)."""
    return (
        writer.element("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2")
        + writer.element("SOPInstanceUID", UID)
        + writer.element("Modality", "CT")
    )


def parents(writer: Writer = E) -> bytes:
    """The keys of patient, study and series, in groups 0010 and 0020."""
    return writer.element("PatientID", "P1") + writer.element("StudyInstanceUID", "1.2.3") + writer.element("SeriesInstanceUID", "1.2.3.4")


def part10(data_set: bytes, group_2: bytes | None = None) -> bytes:
    """A whole file: preamble, DICM, meta, data set."""
    return bytes(128) + b"DICM" + (meta() if group_2 is None else group_2) + data_set


def sound() -> bytes:
    """A small file in which nothing is wrong, with a sequence in it and pixel data at its end."""
    data_set = (
        keys()
        + E.sequence("ProcedureCodeSequence", E.element("CodeValue", "X1") + E.element("CodeMeaning", "HEAD"))
        + parents()
        + E.element("InstanceNumber", "7")
        + E.element("Rows", struct.pack("<H", 2))
    )
    return part10(data_set + E.element("PixelData", bytes(8), "OW"))


def with_elements(*elements: bytes) -> bytes:
    """A file that is `keys`, then these elements and the parents' keys, put in order of their tags."""
    parts = [E.element("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2"), E.element("SOPInstanceUID", UID), E.element("PatientID", "P1")]
    parts += [E.element("StudyInstanceUID", "1.2.3"), E.element("SeriesInstanceUID", "1.2.3.4"), E.element("Modality", "CT")]
    given = {_tag(element) for element in elements}
    return part10(b"".join(sorted([*elements, *(part for part in parts if _tag(part) not in given)], key=_tag)))


def _tag(element: bytes) -> tuple[int, int]:
    group, number = struct.unpack("<HH", element[:4])
    return group, number
