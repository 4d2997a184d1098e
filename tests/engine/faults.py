"""Generators of real faults of headers, each kind in many variants: files that must be read to their end all the same.

Each yields names with bytes and the cells that must come out. A fault that one file shows mostly has relatives: in other encodings, with
other lengths, at other places, deeper inside.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from tests.engine.builder import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, SEQUENCE_END, UID, UNDEFINED, E, Writer, meta, part10

CODE = "ProcedureCodeSequence"
CODE_COLUMNS = ("ProcedureCode_CodeValue", "ProcedureCode_CodeMeaning")
WRITERS = {EXPLICIT: E, IMPLICIT: Writer(explicit=False), BIG_ENDIAN: Writer(little=False)}
IMPLICIT_WRITER = WRITERS[IMPLICIT]


@dataclass(frozen=True)
class Variant:
    """A file with a fault: its bytes, the cells that must come out, and the codes of findings that must and must not."""

    name: str
    data: bytes
    cells: dict[str, Any] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset({"truncated", "corrupt-element", "missing-required", "missing-key"})

    def __str__(self) -> str:
        """Its name."""
        return self.name


def _head(writer: Writer) -> bytes:
    return (
        writer.element("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2")
        + writer.element("SOPInstanceUID", UID)
        + writer.element("Modality", "CT")
    )


def _tail(writer: Writer) -> bytes:
    rest = writer.element("PatientID", "P1") + writer.element("StudyInstanceUID", "1.2.3") + writer.element("SeriesInstanceUID", "1.2.3.4")
    order = "<" if writer.little else ">"
    return rest + writer.element("Rows", struct.pack(f"{order}H", 4)) + writer.element("PixelData", bytes(8), "OW")


WHOLE = {"SOPInstanceUID": UID, "PatientID": "P1", "Modality": "CT", "Rows": 4, "pixel_data_keyword": "PixelData"}
"""The cells of a file that was read to its end."""


def file_of(content: bytes, syntax: str = EXPLICIT) -> bytes:
    """A whole file with ``content`` between Modality and PatientID."""
    writer = WRITERS[syntax]
    return part10(_head(writer) + content + _tail(writer), meta(syntax))


def prefixes_in_a_value() -> Iterator[Variant]:
    """DICM stands at byte 128 as part of a value, in a file without preamble (PS3.10 7.1)."""
    for (syntax, writer), keyword, before in product(WRITERS.items(), ("StationName", "StudyDescription", "SeriesDescription"), (0, 2, 6)):
        beginning = writer.element("SpecificCharacterSet", "ISO_IR 100") + _head(writer)
        value = "a" * before + "DICMA1"
        head = 8
        filling = 128 - before - head - len(beginning) - head
        data = beginning + writer.element("Manufacturer", "X" * filling) + writer.element(keyword, value) + _tail(writer)
        assert data[128:132] == b"DICM"
        yield Variant(f"{syntax}-{keyword}-{before}", data, WHOLE | {keyword: value}, frozenset({"missing-preamble"}))
    group_2 = meta()
    private = E.element(0x00020102, b"\0" * (128 - len(group_2) - 12) + b"DICM1234", "OB")
    yield Variant("meta", group_2 + private + _head(E) + _tail(E), WHOLE, frozenset({"missing-preamble"}))


def second_metas() -> Iterator[Variant]:
    """Group 2 stands again behind the file meta: it changes neither transfer syntax nor key (PS3.10 7.1)."""
    other = {
        "syntax": E.element("TransferSyntaxUID", "1.2.840.10008.1.2.4.50"),
        "key": E.element("MediaStorageSOPInstanceUID", "1.2.3.999"),
        "whole": meta("1.2.840.10008.1.2.4.50", "1.2.3.999", "1.2.3.4"),
        "end": E.element("TransferSyntaxUID", IMPLICIT)
        + E.element("ImplementationClassUID", "9.9")
        + E.element("ImplementationVersionName", "X"),
    }
    for (syntax, writer), (name, again), times, has_length in product(WRITERS.items(), other.items(), (1, 2), (True, False)):
        first = meta(syntax)[0 if has_length else 12 :]
        data_set = _head(writer).replace(writer.element("SOPInstanceUID", UID), b"") + _tail(writer)
        cells = WHOLE | {"TransferSyntaxUID": syntax, "MediaStorageSOPInstanceUID": UID}
        yield Variant(
            f"{syntax}-{name}-{times}-{has_length}",
            part10(data_set, first + again * times),
            cells | ({"ImplementationClassUID": None, "ImplementationVersionName": None} if has_length or name != "end" else {}),
            forbidden=frozenset({"truncated", "corrupt-element", "wrong-transfer-syntax"}),
        )
    for too_long in (8, 20, 100_000):
        rest = meta()[12:]
        wrong = E.element("FileMetaInformationGroupLength", struct.pack("<L", len(rest) + too_long)) + rest
        data = part10(_head(E) + _tail(E), wrong + other["syntax"])
        yield Variant(f"length too long by {too_long}", data, WHOLE | {"TransferSyntaxUID": EXPLICIT})
    late = E.element("MediaStorageSOPInstanceUID", "1.2.3.999") + E.element("TransferSyntaxUID", IMPLICIT)
    yield Variant("between elements", file_of(late), WHOLE | {"TransferSyntaxUID": EXPLICIT, "MediaStorageSOPInstanceUID": UID})
    yield Variant("in an item", file_of(E.sequence(CODE, late + E.element("CodeValue", "A"))), WHOLE | {CODE_COLUMNS[0]: "A"})
    packed = zlib.compressobj(wbits=-15)
    deflated = packed.compress(_head(E) + _tail(E)) + packed.flush()
    yield Variant("deflated", part10(deflated, meta(DEFLATED) + other["syntax"]), WHOLE | {"TransferSyntaxUID": DEFLATED})


def _code(writer: Writer, first_vr: str | None = None) -> bytes:
    value = writer.element("CodeValue", "Q9") if first_vr is None else writer.element("CodeValue", "Q9", first_vr)
    return value + writer.element("CodeMeaning", "Arm")


def explicit_in_implicit() -> Iterator[Variant]:
    """Explicit VR inside a sequence of an implicit file, or for single elements of it."""
    explicit, implicit = E, IMPLICIT_WRITER
    cells = WHOLE | dict(zip(CODE_COLUMNS, ("Q9", "Arm"), strict=True))
    for defined, depth in product((True, False), (0, 1, 2)):
        inner = _code(explicit)
        for _ in range(depth):
            inner += explicit.sequence("PurposeOfReferenceCodeSequence", _code(explicit), defined=defined)
        yield Variant(f"item-{defined}-{depth}", file_of(implicit.sequence(CODE, inner, defined=defined), IMPLICIT), cells)
        sequence = explicit.sequence(CODE, _code(explicit), defined=defined)
        yield Variant(f"sequence-{defined}-{depth}", file_of(sequence, IMPLICIT), cells)
    two = implicit.sequence("SegmentSequence", *(writer.element("SegmentLabel", "a") for writer in (implicit, explicit, implicit)))
    yield Variant("second item", file_of(two, IMPLICIT), WHOLE | {"Segment_SegmentLabel": ["a", "a", "a"]})
    long_first = implicit.sequence(
        "SegmentSequence", explicit.element(0x00081190, "http://x", "UR") + explicit.element("SegmentLabel", "b")
    )
    yield Variant("long VR first", file_of(long_first, IMPLICIT), WHOLE | {"Segment_SegmentLabel": ["b"]})
    holds_explicit = implicit.element(0x00091010, (explicit.element("CodeValue", "Q9") + bytes(16708))[:16708], "UN")
    yield Variant("implicit value that looks explicit", file_of(holds_explicit, IMPLICIT), WHOLE)
    for keyword, value in (("StudyDate", "20200102"), ("StudyDescription", "Head"), ("Manufacturer", "M")):
        single = explicit.element(keyword, value)
        expected = WHOLE if keyword == "StudyDate" else WHOLE | {keyword: value}
        yield Variant(f"single {keyword}", file_of(single, IMPLICIT), expected, frozenset({"wrong-vr"}))


def first_elements_otherwise() -> Iterator[Variant]:
    """The first elements are not in the encoding of the rest, which the transfer syntax names."""
    for (syntax, writer), other, count in product(((EXPLICIT, E), (IMPLICIT, IMPLICIT_WRITER)), (E, IMPLICIT_WRITER), (1, 2)):
        if other is writer:
            continue
        first = [other.element(0x00080000, struct.pack("<L", 100), "UL"), other.element("SpecificCharacterSet", "ISO_IR 100")][:count]
        data = part10(b"".join(first) + _head(writer) + _tail(writer), meta(syntax))
        yield Variant(f"{syntax}-{count}", data, WHOLE, forbidden=frozenset({"truncated", "corrupt-element", "wrong-transfer-syntax"}))
        bare = part10(b"".join(first) + _head(writer) + _tail(writer), meta(None))
        yield Variant(f"{syntax}-{count}-unsaid", bare, WHOLE)


def un_in_big_endian() -> Iterator[Variant]:
    """A value of UN is little endian whatever the transfer syntax (PS3.5 6.2.2)."""
    big = WRITERS[BIG_ENDIAN]
    for keyword, value, cell in (
        ("SamplesPerPixel", struct.pack("<H", 3), 3),
        ("TotalPixelMatrixColumns", struct.pack("<L", 70_000), 70_000),
        ("DiffusionBValue", struct.pack("<d", 1000.5), 1000.5),
        ("AcquisitionMatrix", struct.pack("<4H", 0, 256, 128, 0), [0, 256, 128, 0]),
        ("InstanceNumber", b"7 ", 7),
    ):
        data = file_of(b"", BIG_ENDIAN).replace(_tail(big), big.element(keyword, value, "UN") + _tail(big))
        yield Variant(keyword, data, WHOLE | {keyword: cell})
    nested = big.sequence("SegmentSequence", big.element("SegmentNumber", struct.pack("<H", 5), "UN"))
    yield Variant("in an item", file_of(b"", BIG_ENDIAN).replace(_tail(big), nested + _tail(big)), WHOLE | {"Segment_SegmentNumber": [5]})
    implicit = IMPLICIT_WRITER.item(IMPLICIT_WRITER.element("SegmentNumber", b"\x05\0"))
    sequence = big.element("SegmentSequence", implicit, "UN")
    yield Variant("sequence", file_of(b"", BIG_ENDIAN).replace(_tail(big), sequence + _tail(big)), WHOLE | {"Segment_SegmentNumber": [5]})
    empty = big.element("SegmentSequence", b"", "UN", UNDEFINED) + E.mark(SEQUENCE_END)
    yield Variant("without items", file_of(b"", BIG_ENDIAN).replace(_tail(big), empty + _tail(big)), WHOLE)


def bad_vrs_in_items() -> Iterator[Variant]:
    """The VR of an item's element is none that there is: the element and the rest of the item are read."""
    cells = WHOLE | dict(zip(CODE_COLUMNS, ("Q9", "Arm"), strict=True))
    for syntax, bad, defined, place in product(
        (EXPLICIT, BIG_ENDIAN), (b"--", b"\0\0", b"??", b"zz", b"Q9", b"\xff\xff", b"S "), (True, False), (0, 1)
    ):
        writer = WRITERS[syntax]
        elements = [writer.element("CodeValue", "Q9"), writer.element("CodeMeaning", "Arm")]
        elements[place] = elements[place][:4] + bad + elements[place][6:]
        sequence = writer.sequence(CODE, b"".join(elements), defined=defined)
        yield Variant(f"{syntax}-{bad!r}-{defined}-{place}", file_of(sequence, syntax), cells)


def bad_vrs_before_large_values() -> Iterator[Variant]:
    """A bad VR that reads as a length which a large file has room for; of a sequence; of each element of an item; before a long value."""
    large = E.element("PixelData", bytes(3_000_000), "OW")
    tail = _tail(E).removesuffix(E.element("PixelData", bytes(8), "OW"))
    cells = WHOLE | dict(zip(CODE_COLUMNS, ("Q9", "Arm"), strict=True))
    value, meaning = E.element("CodeValue", "Q9"), E.element("CodeMeaning", "Arm")
    for bad, defined, pixels in product(
        (b"--", b"\0\0", b"zz", b"\xff\xff"), (True, False), (large, E.element("PixelData", bytes(8), "OW"))
    ):

        def spoil(element: bytes, bad: bytes = bad) -> bytes:
            return element[:4] + bad + element[6:]

        sequences = {
            "first": E.sequence(CODE, spoil(value) + meaning, defined=defined),
            "each": E.sequence(CODE, spoil(value) + spoil(meaning), defined=defined),
            "sequence": spoil(E.sequence(CODE, value + meaning, defined=defined)),
            "long": E.sequence(CODE, spoil(E.element(0x00080100, "Q9" + " " * 600)) + meaning, defined=defined),
        }
        for name, sequence in sequences.items():
            data = part10(_head(E) + sequence + tail + pixels)
            yield Variant(f"{name}-{bad!r}-{defined}-{len(pixels)}", data, cells)
        first = part10(spoil(E.element("SpecificCharacterSet", "ISO_IR 100")) + _head(E) + tail + pixels)
        yield Variant(f"of the file-{bad!r}-{defined}-{len(pixels)}", first, WHOLE)


def unknown_escapes() -> Iterator[Variant]:
    """An escape sequence that PS3.3 C.12.1.1.2 does not list becomes U+FFFD."""
    sets = (b"\\ISO 2022 IR 87", b"ISO_IR 100", b"ISO_IR 192", b"GB18030", b"")
    for term, escape, keyword in product(
        sets, (b"\x1b(Z", b"\x1b%G", b"\x1b$(Q", b"\x1b[", b"\x1b"), ("SeriesDescription", "PatientComments", "PatientName")
    ):
        if escape == b"\x1b":
            values = {"end": (b"ab" + escape, "ab\ufffd")}
        else:
            values = {
                "begin": (escape + b"ab", "\ufffdab"),
                "middle": (b"a" + escape + b"b", "a\ufffdb"),
                "end": (b"ab" + escape, "ab\ufffd"),
            }
        for place, (value, text) in values.items():
            elements = E.element("SpecificCharacterSet", term), E.element(keyword, value)
            yield Variant(f"{term!r}-{escape!r}-{keyword}-{place}", in_order(*elements), {keyword: text}, frozenset({"undecodable-text"}))
    code = in_order(E.element("BodyPartExamined", b"HE\x1b(ZAD"))
    yield Variant("code string", code, {"BodyPartExamined": "HE\ufffdAD"}, frozenset({"undecodable-text"}))
    nested = E.sequence(CODE, E.element("CodeValue", "A") + E.element("CodeMeaning", b"x\x1b(Zy"))
    yield Variant("in an item", in_order(nested), {CODE_COLUMNS[1]: "x\ufffdy"}, frozenset({"undecodable-text"}))


def in_order(*elements: bytes) -> bytes:
    """A whole file with these elements among its own, in order of their tags."""
    own = [E.element("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2"), E.element("SOPInstanceUID", UID), E.element("Modality", "CT")]
    own += [E.element("PatientID", "P1"), E.element("StudyInstanceUID", "1.2.3"), E.element("SeriesInstanceUID", "1.2.3.4")]
    return part10(b"".join(sorted([*own, *elements], key=lambda element: struct.unpack("<HH", element[:4]))))


def paddings_in_two_byte_mode() -> Iterator[Variant]:
    """Padding stands where an escape sequence put a set of two bytes in place: it goes before decoding (PS3.5 6.2)."""
    for (escape, kanji, text), padding, keyword in product(
        ((b"\x1b$B", b"@b", "説"), (b"\x1b$B", b";3ED", "山田"), (b"\x1b$(D", b"0!", "丂")),
        (b" ", b"   ", b"\0", b" \0"),
        ("SeriesDescription", "StationName", "PatientComments", "PatientName"),
    ):
        declared = E.element("SpecificCharacterSet", "\\ISO 2022 IR 87\\ISO 2022 IR 159")
        value = E.element(keyword, escape + kanji + padding)
        yield Variant(
            f"{escape!r}-{text}-{padding!r}-{keyword}",
            in_order(declared, value),
            {keyword: text},
            forbidden=frozenset({"undecodable-text"}),
        )
    declared = E.element("SpecificCharacterSet", "\\ISO 2022 IR 87")
    names = E.element("PatientName", b"\x1b$B;3ED ^\x1b$BB@O: =\x1b$B$d ")
    yield Variant(
        "before delimiters", in_order(declared, names), {"PatientName": "山田 ^太郎 =や"}, forbidden=frozenset({"undecodable-text"})
    )
    several = E.element("SoftwareVersions", b"\x1b$B;3 \\\x1b$BED ")
    yield Variant(
        "before a backslash", in_order(declared, several), {"SoftwareVersions": ["山", "田"]}, forbidden=frozenset({"undecodable-text"})
    )


def empty_names() -> Iterator[Variant]:
    """A person name of empty component groups is empty, so null (PS3.5 6.2.1)."""
    for value, keyword in product(
        ("=", "==", "= ", "^", "^^^^", "^^=^^=^^", " = ", "\\", "=\\="), ("PatientName", "ReferringPhysicianName")
    ):
        yield Variant(f"{value!r}-{keyword}", in_order(E.element(keyword, value)), {keyword: None})
    for value, text in (("A^B=^^", "A^B"), ("A^B==", "A^B"), ("=A^B", "=A^B"), ("A^B^^", "A^B^^")):
        yield Variant(repr(value), in_order(E.element("PatientName", value)), {"PatientName": text})
    for value, names in (("A\\^^", ["A", None]), ("=\\A", [None, "A"]), ("A^B=^\\=", ["A^B", None])):
        yield Variant(f"list {value!r}", in_order(E.element("OperatorsName", value)), {"OperatorsName": names})


def trailing_bytes() -> Iterator[Variant]:
    """Bytes stand behind the last element: one finding, no code of the file."""
    found, not_found = (
        frozenset({"trailing-bytes"}),
        frozenset({"truncated", "corrupt-element", "out-of-order", "odd-length", "missing-required"}),
    )
    tails = {"nul": b"\0", "space": b" ", "newline": b"\n", "letter": b"A", "0xff": b"\xff", "zeros": bytes(512), "many": bytes(20_000)}
    tails |= {"spaces": b" " * 9, "filled": b"\xff" * 100, "crlf": b"\r\n", "boundary": b"\r\n--boundary--\r\n"}
    for (syntax, writer), (name, tail) in product(WRITERS.items(), tails.items()):
        pixel_data = writer.element("PixelData", bytes(8), "OW")
        data_set = (_head(writer) + _tail(writer)).removesuffix(pixel_data)
        cells = {name: cell for name, cell in WHOLE.items() if name != "pixel_data_keyword"}
        yield Variant(f"{syntax}-{name}", part10(data_set + tail, meta(syntax)), cells, found, not_found)
    cells = {name: cell for name, cell in WHOLE.items() if name != "pixel_data_keyword"}
    data_set = (_head(E) + _tail(E)).removesuffix(E.element("PixelData", bytes(8), "OW"))
    for name, tail in {**tails, "lines": b"one more line\r\n" * 500, "mixed": b"A" + bytes(100)}.items():
        packed = zlib.compressobj(wbits=-15)
        deflated = packed.compress(data_set + tail) + packed.flush()
        yield Variant(f"deflated-{name}", part10(deflated, meta(DEFLATED)), cells, found, not_found | {"wrong-vr"})
        yield Variant(f"plain-{name}", part10(data_set + tail), cells, found, not_found | {"wrong-vr"})


def broken_second_copies() -> Iterator[Variant]:
    """An element comes twice, and its second copy is broken: the first one's value stays."""
    for keyword, sound, cell, broken in (
        ("InstanceNumber", "7", 7, ("x", "", " ", "7.5")),
        ("StudyDate", "20200229", "2020-02-29", ("20201301", "")),
        ("StudyTime", "0102", "01:02:00.000000", ("99",)),
        ("SliceThickness", "1.5", 1.5, ("thin", "")),
        ("PatientID", "P1", "P1", ("", "  ")),
        ("PatientName", "A^B", "A^B", ("=", "")),
        ("SOPInstanceUID", UID, UID, ("",)),
        ("PixelSpacing", "0.5\\0.25", [0.5, 0.25], ("",)),
    ):
        for second in broken:
            first = E.element(keyword, sound)
            twice = in_order(first)
            own = E.element(keyword, sound)
            once = twice.replace(own, b"", 1) if twice.count(own) > 1 else twice
            yield Variant(f"{keyword}-{second!r}", once.replace(own, own + E.element(keyword, second)), {keyword: cell})
    code = E.sequence(CODE, _code(E))
    yield Variant("sequence", in_order(code + E.sequence(CODE)), dict(zip(CODE_COLUMNS, ("Q9", "Arm"), strict=True)))
    for second in (b"", E.element("CodeValue", "") + E.element("CodeMeaning", "")):
        again = in_order(code + E.sequence(CODE, second))
        yield Variant(f"sequence-{second!r}", again, dict(zip(CODE_COLUMNS, ("Q9", "Arm"), strict=True)))
    label = E.element("SegmentLabel", "a")
    yield Variant(
        "in a list", in_order(E.sequence("SegmentSequence", label + E.element("SegmentLabel", ""))), {"Segment_SegmentLabel": ["a"]}
    )
    number = E.element("ROINumber", "3") + E.element("ROINumber", "x")
    yield Variant("number in a list", in_order(E.sequence("StructureSetROISequence", number)), {"StructureSetROI_ROINumber": [3]})
    lists = E.sequence("SegmentSequence", label, E.element("SegmentLabel", "b")) + E.sequence("SegmentSequence", b"")
    yield Variant("list", in_order(lists), {"Segment_SegmentLabel": ["a", "b"]})
    for second in ("", "  ", "FOO1"):
        twice = E.element("SpecificCharacterSet", "ISO_IR 144") + E.element("SpecificCharacterSet", second)
        yield Variant(f"character set-{second!r}", in_order(twice, E.element("PatientName", b"\xc4")), {"PatientName": "Ф"})


def misspelt_character_sets() -> Iterator[Variant]:
    """Common misspellings of a character set are understood, with a finding."""
    for term, value, text in (
        ("GB2312", "张".encode("gb2312"), "张"),
        ("GB2312", "镕".encode("gbk"), "镕"),
        ("ISO_IR 58", "张".encode("gb2312"), "张"),
        ("ISO_IR 149", "길동".encode("euc_kr"), "길동"),
        ("UTF-8", "Ä".encode(), "Ä"),
        ("UTF8", "Ä".encode(), "Ä"),
        ("ISO-IR 100", b"\xc4", "Ä"),
        ("ISO IR 192", "Ä".encode(), "Ä"),
        ("iso_ir 100", b"\xc4", "Ä"),
        ("ISO 8859-1", b"\xc4", "Ä"),
        ("ISO_IR_144", b"\xc4", "Ф"),
        ("SHIFT_JIS", "山".encode("shift_jis"), "山"),
    ):
        elements = E.element("SpecificCharacterSet", term), E.element("PatientName", value)
        codes, forbidden = frozenset({"nonstandard-character-set"}), frozenset({"undecodable-text", "undeclared-character-set"})
        yield Variant(f"{term}-{text}", in_order(*elements), {"PatientName": text}, codes, forbidden)
        label = E.element("SpecificCharacterSet", term) + E.element("SegmentLabel", value)
        nested = in_order(E.sequence("SegmentSequence", label))
        yield Variant(f"{term}-{text}-item", nested, {"Segment_SegmentLabel": [text]}, codes, forbidden)


KINDS = (
    prefixes_in_a_value,
    second_metas,
    explicit_in_implicit,
    first_elements_otherwise,
    un_in_big_endian,
    bad_vrs_in_items,
    bad_vrs_before_large_values,
    unknown_escapes,
    paddings_in_two_byte_mode,
    empty_names,
    trailing_bytes,
    broken_second_copies,
    misspelt_character_sets,
)
