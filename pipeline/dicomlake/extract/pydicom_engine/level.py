"""A data set of pydicom's with the places of its elements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from dicomlake.schema import Step
from dicomlake.schema.dictionary import VALUE_REPRESENTATIONS, entry_of_tag, private_vr

UNDEFINED_LENGTH = 0xFFFFFFFF
LARGE_VALUE = 16 * 1024
"""Values of more bytes than this count in the digest by tag, VR and length only."""

_ITEM_TAGS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
_CHARACTER_SET = 0x00080005
_PIXEL_REPRESENTATION = 0x00280103
_ONE_BYTE = "6|13|100|101|109|110|126|127|138|144|148|166|203"
_STANDARD_TERM = re.compile(rf"|GB18030|GBK|ISO_IR (192|{_ONE_BYTE})|ISO 2022 IR (87|159|149|58|{_ONE_BYTE})")
_TERMS = {
    **dict.fromkeys(("GB2312", "GB231280", "EUCCN"), "GBK"),
    **dict.fromkeys(("ISOIR149", "EUCKR", "KSX1001", "KSC5601", "KSC56011987"), "ISO 2022 IR 149"),
    **dict.fromkeys(("UTF8", "ISO2022IR192", "UNICODE", "ISO10646"), "ISO_IR 192"),
    **dict.fromkeys(("SHIFTJIS", "SJIS"), "ISO_IR 13"),
    **{f"ISOIR{number}": f"ISO 2022 IR {number}" for number in (58, 87, 159)},
    **{f"ISOIR{number}": f"ISO_IR {number}" for number in (100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 192)},
    "CP936": "GBK",
    "IR100": "ISO_IR 100",
    "TIS620": "ISO_IR 166",
    "ISO2022GB18030": "GB18030",
}
"""Names that writers give to character sets, without what is not a letter or digit, and the terms of PS3.3 that they mean."""

Element = RawDataElement | DataElement


class Level:
    """A data set of pydicom's, with the places of its elements: the file's own, group 2, or an item of a sequence."""

    def __init__(self, dataset: Dataset, parent: Level | None = None, path: str = "", base: int = 0, *, in_file: bool = True) -> None:
        """Take a data set.

        Args:
            dataset: as pydicom read it.
            parent: the data set whose sequence has it as an item.
            path: to it, with a trailing dot.
            base: position of the bytes that pydicom counts its places from; it parses sequences of defined length on their own.
            in_file: whether places are those of the file, and not of an inflated data set.
        """
        self.dataset = dataset
        self.parent = parent
        self.path = path
        self.base = base
        self.in_file = in_file
        self.elements: dict[int, Element] = {int(tag): dataset.get_item(tag, keep_deferred=True) for tag in dataset.keys()}  # noqa: SIM118
        self._items: dict[int, list[Level]] = {}

    @cached_property
    def encodings(self) -> list[str]:
        """Python's encodings for (0008,0005), of this data set or the nearest around it."""
        element = self.elements.get(_CHARACTER_SET)
        if element is None:
            return self.parent.encodings if self.parent is not None else [default_encoding]
        return convert_encodings([_TERMS.get(_normal(term), term) for term in self.character_set_terms()])

    def character_set_terms(self) -> list[str]:
        """The terms of (0008,0005) in this data set; none where it is absent."""
        element = self.elements.get(_CHARACTER_SET)
        terms = raw_value(element).decode("latin-1").split("\\") if element is not None else []
        return [term.strip(" \0") for term in terms]

    @property
    def has_standard_character_set(self) -> bool:
        """Whether (0008,0005) has the terms of PS3.3 C.12.1.1.2, or is absent."""
        return all(_STANDARD_TERM.fullmatch(term) for term in self.character_set_terms())

    def levels(self) -> Iterator[Level]:
        """This data set, and those of the sequences that were looked into."""
        yield self
        for items in self._items.values():
            for item in items:
                yield from item.levels()

    @cached_property
    def is_signed(self) -> bool:
        """Whether PixelRepresentation, of this data set or the nearest around it, says that pixels are signed."""
        element = self.elements.get(_PIXEL_REPRESENTATION)
        if element is None:
            return self.parent is not None and self.parent.is_signed
        return raw_value(element) in (b"\1\0", b"\0\1")

    def tags_of(self, step: Step) -> list[int]:
        """The tags that a step of a column's path stands for; of a private element one in each block of its creator."""
        if step.creator is None:
            return [step.tag]
        creator = step.creator.strip()
        return [step.tag | block << 8 for block, name in self.creators(step.group).items() if name == creator]

    def creators(self, group: int) -> dict[int, str]:
        """The private creators of a group by the block that they reserve."""
        places = (tag for tag in range(group << 16 | 0x10, group << 16 | 0x100) if tag in self.elements)
        return {tag & 0xFF: creator_text(self.elements[tag]) for tag in places if self.vr(tag) != "SQ"}

    def creator(self, tag: int) -> str | None:
        """The creator of a private element."""
        element = self.elements.get(tag & 0xFFFF0000 | tag >> 8 & 0xFF) if tag & 0x10000 and tag & 0xFFFF >= 0x1000 else None
        return None if element is None else creator_text(element)

    def vr(self, tag: int, fallback: str | None = None) -> str:
        """The VR of an element: that in the file; else the given one, or that of a dictionary; else UN."""
        vr = self.elements[tag].VR
        if vr in VALUE_REPRESENTATIONS and vr != "UN":
            return str(vr)
        if fallback is None:
            entry, creator = entry_of_tag(tag), self.creator(tag)
            if tag & 0x10000 and 0x10 <= tag & 0xFFFF <= 0xFF:
                fallback = "LO"
            elif creator is not None:
                fallback = private_vr(creator, tag >> 16, tag & 0xFF)
            elif entry is not None:
                fallback = entry.vr
        if fallback == "US or SS":
            return "SS" if self.is_signed else "US"
        return (fallback or "UN").partition(" or ")[0]

    def items(self, tag: int, *, are_wanted: bool = False) -> list[Level] | None:
        """The items of a sequence; None where the element is not one.

        Args:
            tag: of the element.
            are_wanted: take a value without a known VR for a sequence where it begins with an item.

        Raises:
            Exception: pydicom can't parse the sequence; it raises whatever its parts raise.
        """
        element = self.elements.get(tag)
        if element is None or tag in self._items:
            return self._items.get(tag)
        vr, base = self.vr(tag), self.base
        if isinstance(element, RawDataElement):
            base += element.value_tell
            if vr == "UN" and are_wanted and raw_value(element)[:4] in _ITEM_TAGS:
                element = element._replace(VR="SQ")
                self.dataset[tag], vr = element, "SQ"
        if vr != "SQ":
            return None
        path = f"{self.path}{label_of_tag(tag)}"
        items = self.dataset[tag].value or []
        self._items[tag] = [Level(item, self, f"{path}[{at}].", base, in_file=self.in_file) for at, item in enumerate(items)]
        return self._items[tag]

    def position(self, tag: int) -> int:
        """Where the value of an element begins."""
        element = self.elements[tag]
        return self.base + (element.value_tell if isinstance(element, RawDataElement) else element.file_tell or 0)

    def large_values(self) -> Iterator[tuple[int, int]]:
        """The place and length of each large value of this data set and its items, in order."""
        for tag, element in self.elements.items():
            length = element.length if isinstance(element, RawDataElement) else UNDEFINED_LENGTH
            if length > LARGE_VALUE:
                items = self.items(tag)
                if items is not None:
                    for item in items:
                        yield from item.large_values()
                elif length != UNDEFINED_LENGTH:
                    yield self.position(tag), length


def _normal(term: str) -> str:
    return re.sub("[^A-Z0-9]", "", term.upper())


def raw_value(element: Element) -> bytes:
    """The bytes of a value; of the few that pydicom converts while it reads, little endian bytes that mean the same."""
    value = element.value
    if value is None or isinstance(value, bytes):
        return value or b""
    values = list(value) if isinstance(value, MultiValue | list) else [value]
    if element.VR in ("US", "UL"):
        return b"".join(number.to_bytes(2 if element.VR == "US" else 4, "little") for number in values)
    return "\\".join(map(str, values)).encode("latin-1", "replace")


def creator_text(element: Element) -> str:
    """The name of a private creator."""
    value = raw_value(element)
    try:
        return value.decode("utf-8").strip(" \0")
    except UnicodeDecodeError:
        return value.decode("latin-1").strip(" \0")


def label_of_tag(tag: int) -> str:
    """The keyword of an element, else its tag in hex."""
    entry = entry_of_tag(tag)
    return entry.keyword if entry is not None and entry.keyword else tag_text(tag)


def tag_text(tag: int) -> str:
    """A tag as ``(GGGG,EEEE)``."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
