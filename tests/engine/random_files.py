"""Files at random: data sets in every transfer syntax, sound in most places and wrong in some, with every way of writing that there is.

All choices come from one `random.Random`, so that a seed names a file, and so that Hypothesis can choose in its stead and make what
fails small.
"""

from __future__ import annotations

import struct
import zlib
from functools import cache
from random import Random

from pydicom._dicom_dict import DicomDictionary
from pydicom._private_dict import private_dictionaries

from dicomlake.schema import Column
from dicomlake.schema.dictionary import VALUE_REPRESENTATIONS, private_vr
from tests.engine import random_values
from tests.engine.builder import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    ITEM,
    ITEM_END,
    JPEG,
    LONG_VRS,
    SEQUENCE_END,
    UID,
    UNDEFINED,
    Writer,
)

_VRS = sorted(VALUE_REPRESENTATIONS)
_ODD_VRS = ["XX", "ox", "  ", "\0\0", "\xff\xff", "Q1", "ZZ"]
_STANDARD_TAGS = sorted(tag for tag in DicomDictionary if tag >> 16 not in (0, 2, 0xFFFE))
_CREATORS = ["SIEMENS MR HEADER", "GEMS_ACQU_01", "ACME 1.1", "SIEMENS CSA HEADER", "Philips MR Imaging DD 001", " ACME 1.1 ", "Ä", ""]
_TRANSFER_SYNTAXES = {
    EXPLICIT: Writer(),
    IMPLICIT: Writer(explicit=False),
    BIG_ENDIAN: Writer(little=False),
    DEFLATED: Writer(),
    JPEG: Writer(),
}
_ENCODING_OF_SET = {"ISO_IR 192": "utf-8", "ISO_IR 100": "latin-1", "GB18030": "gb18030", "GBK": "gbk", "ISO_IR 144": "iso8859_5"}


@cache
def _private_sequences() -> list[tuple[str, int]]:
    return [
        (creator, int(tag[:4], 16) << 16 | int(tag[-2:], 16))
        for creator, entries in sorted(private_dictionaries.items())
        for tag, entry in entries.items()
        if entry[0] == "SQ" and "xx" in tag and "x" not in tag[:4] + tag[-2:]
    ]


class FileMaker:
    """Makes files; ``columns`` are those whose elements the files shall have, mostly, and ``trouble`` is how often something is wrong.

    Files that are ``sound`` have texts of the character set that they declare and no depth at which readers stop.
    """

    def __init__(
        self, random: Random, columns: tuple[Column, ...], most_elements: int = 14, trouble: float | None = None, *, sound: bool = False
    ) -> None:
        self._random = random
        self._columns = [column for column in columns if column.path.steps[0].group != 2]
        self._most = most_elements
        self._trouble = random.choice([0.0, 0.02, 0.1, 0.3]) if trouble is None else trouble
        self._encoding: str | None = None
        self._sound = sound

    def file(self) -> bytes:
        """A file."""
        random = self._random
        syntax = random.choice([EXPLICIT, EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED, JPEG])
        writer = _TRANSFER_SYNTAXES[syntax]
        data_set = self.data_set(writer, 0)
        if syntax == DEFLATED:
            data_set = self._deflated(data_set)
        if self._wrong():
            syntax = random.choice([*_TRANSFER_SYNTAXES, "1.2.3.4.5", "", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.20", f" {EXPLICIT}"])
        return self._before(syntax) + data_set

    def _before(self, syntax: str) -> bytes:
        random = self._random
        meta = self._meta(syntax)
        if not self._wrong():
            return bytes(128) + b"DICM" + meta
        preamble = random.choice([b"", bytes(128) + b"DICM", b"DICM", bytes(128), b"II*\0" + bytes(124) + b"DICM"])
        command_set = struct.pack("<HHLL", 0, 0, 4, 12) + struct.pack("<HHLL", 0, 0x100, 4, 1)
        return preamble + random.choice([b"", b"", meta, meta[: random.randrange(len(meta) + 1)]]) + random.choice([b"", b"", command_set])

    def _meta(self, syntax: str) -> bytes:
        random = self._random
        writer = Writer(explicit=not self._wrong())
        sop_class = random.choice(["1.2.840.10008.1.3.10", "1.2", ""]) if self._wrong() else "1.2.840.10008.5.1.4.1.1.2"
        parts = [writer.element("MediaStorageSOPClassUID", sop_class)]
        if not self._wrong():
            parts.append(writer.element("MediaStorageSOPInstanceUID", UID))
        if not self._wrong():
            parts.append(writer.element("TransferSyntaxUID", syntax))
        if random.random() < 0.3:
            parts.append(writer.element("ImplementationVersionName", self._value("SH", writer, None)))
        if random.random() < 0.1:
            parts.append(writer.element("PrivateInformation", random_values.value(random, "OB")))
        if self._wrong():
            random.shuffle(parts)
        elements = b"".join(parts)
        length = len(elements) if not self._wrong() else random.choice([0, 1, 0xFFFF, 0xFFFFFFFF])
        return (b"" if self._wrong() else writer.element("FileMetaInformationGroupLength", struct.pack("<L", length))) + elements

    def _deflated(self, data_set: bytes) -> bytes:
        random = self._random
        compressor = zlib.compressobj(random.choice([0, 1, 6, 9]), wbits=-15 if self._sound else random.choice([-15, -15, -15, 15, 31]))
        cut = random.randrange(len(data_set) + 1)
        flush = random.choice([zlib.Z_NO_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_PARTIAL_FLUSH])
        deflated = compressor.compress(data_set[:cut]) + compressor.flush(flush) + compressor.compress(data_set[cut:])
        return deflated + compressor.flush() + (random.choice([b"", b"\0", b"tail", bytes(64)]) if self._wrong() else b"")

    def data_set(self, writer: Writer, depth: int) -> bytes:
        """A data set: of elements in order, mostly."""
        random = self._random
        outer_encoding = self._encoding
        elements: dict[int, bytes] = {}
        if random.random() < (0.6 if depth == 0 else 0.15):
            declared = self._character_set()
            self._encoding = _ENCODING_OF_SET.get(declared.decode("latin-1"), self._encoding)
            elements[0x00080005] = self._element(writer, 0x00080005, "CS", declared)
        if depth == 0 and not self._wrong():
            elements[0x00080016] = self._element(writer, 0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.2")
            elements[0x00080018] = self._element(writer, 0x00080018, "UI", UID.encode())
        if random.random() < 0.2:
            elements[0x00280103] = self._element(writer, 0x00280103, "US", b"\1\0" if writer.little else b"\0\1")
        for _ in range(random.randrange(1 + max(2, self._most >> depth))):
            tag, written = self._any_element(writer, depth)
            elements[tag] = elements.get(tag, b"") + written if self._wrong() else written
        parts = [elements[tag] for tag in sorted(elements)]
        if self._wrong():
            place = random.randrange(len(parts) + 1)
            moved = parts.pop(random.randrange(len(parts))) if parts else b""
            parts.insert(place, random.choice([moved, moved, self._stray(writer)]))
        if depth == 0 and random.random() < 0.3:
            parts.append(self._pixel_data(writer))
        self._encoding = outer_encoding
        return b"".join(parts)

    def _any_element(self, writer: Writer, depth: int) -> tuple[int, bytes]:
        random = self._random
        kind = random.randrange(20)
        if kind < 11:
            steps = random.choice(self._columns).path.steps
            step = steps[min(depth, len(steps) - 1)]
            if step.creator is not None:
                return self._private(writer, depth, step.creator, step.tag)
            tag = step.tag
        elif kind < 14:
            tag = random.choice(_STANDARD_TAGS)
        elif kind == 14:
            return self._private(writer, depth, *random.choice(_private_sequences()))
        elif kind == 15:
            return self._private(
                writer, depth, random.choice(_CREATORS), random.choice([0x00190000, 0x00290000, 0x20010000]) | random.randrange(256)
            )
        elif kind == 16 and not self._sound:
            tag = random.choice(
                [0x00080000, 0x60000010, 0x60023000, 0x50000005, 0x7FE00001, 0x7FE00002, 0x00200031, 0x00100001, 0x00190010]
            )
        elif kind == 17:
            tag = 0x00080005
        elif kind == 18 and not self._sound and depth < 2 and random.random() < 0.1:
            return 0x00081140, self._nest(writer)
        else:
            tag = random.choice([0x52009229, 0x52009230, 0x00081115, 0x00081140, 0x00400275, 0x00620002, 0x00186011, 0x00540016])
        return tag, self._by_dictionary(writer, tag, depth)

    def _by_dictionary(self, writer: Writer, tag: int, depth: int) -> bytes:
        random = self._random
        entry = DicomDictionary.get(tag)
        vr = random.choice(entry[0].split(" or ")) if entry is not None else random.choice(_VRS)
        if self._wrong():
            vr = random.choice(_VRS)
        if vr == "SQ":
            return self._sequence(writer, tag, depth)
        if tag == 0x00080005:
            return self._element(writer, tag, "CS", self._character_set())
        if random.random() < 0.01:
            return self._element(writer, tag, vr, random_values.large_value(random, sound=self._sound))
        return self._element(writer, tag, vr, self._value(vr, writer, self._encoding))

    def _character_set(self) -> bytes:
        if self._sound:
            return self._random.choice(sorted(_ENCODING_OF_SET)).encode()
        return random_values.character_set(self._random)

    def _value(self, vr: str, writer: Writer, encoding: str | None) -> bytes:
        make = random_values.sound_value if self._sound else random_values.value
        return make(self._random, vr, little=writer.little, encoding=encoding)

    def _private(self, writer: Writer, depth: int, creator: str, tag: int) -> tuple[int, bytes]:
        random = self._random
        block = random.choice([0x10, 0x10, 0x11, 0xFF])
        group, element = tag >> 16, tag & 0xFF
        reserved = self._element(writer, group << 16 | (block if not self._wrong() else 0x12), "LO", creator.encode("latin-1"))
        own = group << 16 | block << 8 | element
        vr = random.choice(["UN", "LO", "DS", "IS", "OB", "SQ", "US", "SH"])
        if self._sound:
            vr = private_vr(creator.strip(), group, element) or vr
        if vr == "SQ" or (not self._sound and random.random() < 0.3):
            written = self._sequence(writer, own, depth)
        else:
            written = self._element(writer, own, vr, self._value(vr, writer, None))
        return group << 16 | block, reserved + written

    def _element(self, writer: Writer, tag: int, vr: str, value: bytes) -> bytes:
        """An element, whose VR and length are right, mostly."""
        random = self._random
        if len(value) % 2 and not self._wrong():
            value += random.choice([b" ", b"\0"])
        length = len(value)
        if self._wrong():
            length = random.choice(
                [0, length + 1, max(0, length - 1), length + 2, length + 8, 0xFFFF, UNDEFINED, 0xFFFFFFFE, 0x7FFFFFFF, 1 << 20]
            )
        if self._wrong():
            vr = random.choice([*_VRS, *_ODD_VRS, "UN", "UN"])
        if vr not in LONG_VRS and len(value) > 0xFFFF:
            vr = "UT"
        return writer.element(tag, value, vr, length)

    def _sequence(self, writer: Writer, tag: int, depth: int) -> bytes:
        random = self._random
        if depth > 4:
            return self._element(writer, tag, "SQ", b"")
        vr = random.choice(["SQ", "SQ", "SQ", "SQ" if self._sound else "UN"]) if not self._wrong() else random.choice(_VRS)
        inner = writer
        if vr == "UN" or self._wrong():
            inner = random.choice([Writer(explicit=False), writer, Writer(explicit=writer.explicit)])
        content = b""
        for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
            item = self.data_set(inner, depth + 1)
            content += self._item(inner, item)
            if self._wrong():
                content += self._stray(inner)
        if random.random() < 0.5:
            end = b"" if self._wrong() else inner.mark(SEQUENCE_END, 0 if not self._wrong() else 4)
            return writer.element(tag, b"", vr, UNDEFINED) + content + end
        length = len(content) if not self._wrong() else max(0, len(content) + random.choice([-9, -8, -1, 1, 2, 8, 100, 1 << 30]))
        if vr not in LONG_VRS:
            length &= 0xFFFF
        return writer.element(tag, content, vr, length)

    def _nest(self, writer: Writer) -> bytes:
        """A sequence in a sequence in a sequence, to where readers stop and further on."""
        random = self._random
        content = random.choice([b"", writer.element("PatientID", "inside"), self._stray(writer), writer.element(0x00080005, "ISO_IR 192")])
        for _ in range(random.choice([20, 33, 34, 250, 256, 257, 258, 300])):
            tag = random.choice([0x00081140, 0x00081115, 0x00091010])
            if random.random() < 0.8:
                item = (
                    writer.mark(ITEM, UNDEFINED) + content + (b"" if self._random.random() < self._trouble / 30 else writer.mark(ITEM_END))
                )
            else:
                item = writer.mark(ITEM, len(content)) + content
            if random.random() < 0.8:
                content = writer.element(tag, b"", "SQ", UNDEFINED) + item + writer.mark(SEQUENCE_END)
            else:
                content = writer.element(tag, item, "SQ")
        return content

    def _item(self, writer: Writer, content: bytes) -> bytes:
        random = self._random
        if random.random() < 0.5:
            return writer.mark(ITEM, UNDEFINED) + content + (b"" if self._wrong() else writer.mark(ITEM_END))
        length = len(content) if not self._wrong() else max(0, len(content) + random.choice([-9, -8, -2, -1, 1, 2, 8, 100, 1 << 30]))
        return writer.mark(ITEM, length) + content + (writer.mark(ITEM_END) if self._wrong() else b"")

    def _stray(self, writer: Writer) -> bytes:
        random = self._random
        tag = random.choice([ITEM, ITEM_END, SEQUENCE_END, 0xFFFEE001, 0xFFFE0000])
        return writer.mark(tag, random.choice([0, 0, 8, 2, UNDEFINED, 0xFFFFFF]))

    def _pixel_data(self, writer: Writer) -> bytes:
        random = self._random
        tag = random.choice([0x7FE00010, 0x7FE00010, 0x7FE00008, 0x7FE00009, 0x7FE00003])
        if random.random() < 0.5:
            return writer.element(tag, bytes(random.randrange(0, 300, 2)), random.choice(["OW", "OB", "OF", "UN"]))
        fragments = b"".join(writer.mark(ITEM, length) + bytes(length) for length in random.choices([0, 4, 20, 30_000], [5, 5, 5, 1], k=2))
        return writer.element(tag, b"", "OB", UNDEFINED) + fragments + (b"" if self._wrong() else writer.mark(SEQUENCE_END))

    def _wrong(self) -> bool:
        return self._random.random() < self._trouble
