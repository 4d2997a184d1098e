"""The walk over a data set: one pass, element by element, without recursion, that keeps the raw values somebody wants.

Why not pydicom's reader: it raises on one bad value, recurses into sequences, allocates what a length claims, and can't say where it
stopped. What the standard says of elements, items and delimitations is PS3.5 7.1 and 7.5; what real files do instead is said where it is
understood.

``_leaves`` is the fast way through elements that are as they should be; everything else goes through ``_element``, one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

from dicomlake.errors import FindingCode
from dicomlake.extract.pydicom_engine import element as el
from dicomlake.extract.pydicom_engine.digest import LARGE_VALUE
from dicomlake.extract.pydicom_engine.gathered import RawValue
from dicomlake.extract.pydicom_engine.levels import DataSet
from dicomlake.extract.pydicom_engine.sequences import SequenceWalk
from dicomlake.extract.pydicom_engine.wanted import WantedElement
from dicomlake.fetch import ReadingStopped
from dicomlake.schema.dictionary import entry_of_tag, private_vr

_FIRST_SPECIAL_TAG = 0x7FE00000
"""Tags from here on may end the header or be no elements at all."""

_CREATOR_LIMIT = 1024
"""A private creator is LO, of 64 characters; what claims to be one and is longer than this is not looked at."""


@dataclass(frozen=True, slots=True)
class PixelData:
    """The element that ended the header: positions in the stream of its tag and value; ``length`` is None when undefined."""

    keyword: str
    tag_position: int
    value_position: int
    length: int | None


class Walk(SequenceWalk):
    """One walk over one data set of a file: make it, ``run`` it, look at ``pixel_data`` and ``cursor``."""

    pixel_data: PixelData | None = None
    """The element that ended the header; None where none did."""

    def run(self) -> None:
        """Walk to the end of the header, or as far as can be."""
        try:
            while (level := self._level) is not None:
                self.cursor.tick()
                self._tag = None
                if isinstance(level, DataSet):
                    if self._recorder is None:
                        self._leaves(level)
                    self._element(level)
                else:
                    self._next_item(level)
        except ReadingStopped as stopped:
            self._stop(stopped.code, stopped.reason)

    def _leaves(self, data_set: DataSet) -> None:
        """Pass leaves that are held whole, of known VR, in order, of even length, small, not private creators: the usual ones."""
        window = self.cursor.window
        data, start = window.data, window.start
        at = self.cursor.position - start
        end = int(min(len(data), data_set.limit - start))
        encoding = data_set.encoding
        explicit = encoding.explicit
        if explicit:
            unpack = (el.EXPLICIT_LITTLE if encoding.little else el.EXPLICIT_BIG).unpack_from
            unpack_length = (el.LENGTH_LITTLE if encoding.little else el.LENGTH_BIG).unpack_from
        else:
            unpack = (el.IMPLICIT_LITTLE if encoding.little else el.IMPLICIT_BIG).unpack_from
        elements = data_set.wanted.elements
        no_private = not data_set.wanted.private
        special = _FIRST_SPECIAL_TAG if self._only_group is None else (self._only_group + 1) << 16
        last = data_set.last_tag
        vr: bytes | None = None
        while at + 8 <= end:
            if explicit:
                group, number, vr, length = unpack(data, at)
                value_at = at + 8
                if vr not in el.SHORT_VRS:
                    if vr not in el.LONG_LEAF_VRS or at + 12 > end:
                        break
                    (length,) = unpack_length(data, value_at)
                    value_at = at + 12
                if group & 1 and not (no_private and number > 0xFF):
                    break
                tag = group << 16 | number
            else:
                group, number, length = unpack(data, at)
                value_at = at + 8
                tag = group << 16 | number
                if group & 1 or tag in el.SEQUENCE_TAGS:
                    break
            next_at = value_at + length
            if next_at > end or length > LARGE_VALUE or length & 1 or tag <= last or tag >= special:
                break
            if tag in elements:
                self._keep(elements[tag], data_set, tag, vr, data[value_at:next_at], start + value_at)
            last = tag
            at = next_at
        data_set.last_tag = last
        self.cursor.position = start + at

    def _element(self, data_set: DataSet) -> None:
        """Pass one element, whatever it is."""
        cursor = self.cursor
        room = data_set.limit - cursor.position
        if room <= 0:
            self._end_data_set(data_set)
            return
        header = cursor.element(data_set.encoding)
        if header is None or header.size > room:
            self._header_cut_short(data_set, room)
            return
        tag = self._tag = header.tag
        if tag >> 16 == 0xFFFE:
            self._delimitation(data_set, header)
            return
        if data_set is self.top and self._ends_header(header):
            self._leave()
            return
        if header.vr is None and data_set.encoding.explicit:
            self._structural(FindingCode.WRONG_VR, "the element has no VR, though others of its data set do", data_set, header.size)
        if tag <= data_set.last_tag:
            self._structural(FindingCode.OUT_OF_ORDER, "the element is not in ascending order of tags (PS3.5 7.1)", data_set, header.size)
        data_set.last_tag = tag
        wanted = self._wanted(data_set, tag)
        is_sequence = self._is_sequence(data_set, header)
        if (is_sequence or header.length == el.UNDEFINED_LENGTH) and wanted is not None and wanted.has_value:
            self._structural(FindingCode.WRONG_VR, "items stand here where the data dictionary (PS3.6) has a value", data_set, header.size)
        if is_sequence:
            self._begin_sequence(data_set, header, wanted, opaque=False)
        elif wanted is not None and wanted.has_items and header.vr in (None, b"UN") and cursor.begins_item(header.size) is not None:
            self._begin_sequence(data_set, header, wanted, opaque=True)
        elif header.length == el.UNDEFINED_LENGTH:
            self._fragments(header, data_set)
        else:
            self._leaf(data_set, header, wanted)

    def _ends_header(self, header: el.ElementHeader) -> bool:
        """Whether what is to be read ends before this element of the top level."""
        if self._only_group is not None:
            return header.tag >> 16 != self._only_group
        keyword = el.PIXEL_DATA_KEYWORDS.get(header.tag)
        if keyword is None:
            return False
        length = None if header.length == el.UNDEFINED_LENGTH else header.length
        self.pixel_data = PixelData(keyword, self.cursor.position, self.cursor.position + header.size, length)
        return True

    def _leaf(self, data_set: DataSet, header: el.ElementHeader, wanted: WantedElement | None) -> None:
        cursor = self.cursor
        tag, length = header.tag, header.length
        if cursor.position + header.size + length > data_set.limit:
            self._value_too_long(data_set, header)
            return
        if length & 1:
            self._structural(FindingCode.ODD_LENGTH, "the value's length is odd (PS3.5 7.1.1)", data_set, header.size)
        is_creator = tag & 0x10000 != 0 and 0x10 <= tag & 0xFFFF <= 0xFF and length <= _CREATOR_LIMIT
        recorded = self._recorder is not None and self._recorder.wants(data_set, tag, header.vr, length)
        value: bytes | None = None
        if wanted is not None or is_creator or recorded:
            value = cursor.value(header.size, length)
        position = cursor.position + header.size
        if not cursor.pass_value(header.size, length):
            self._cut_short()
            return
        if value is not None:
            if is_creator:
                if data_set.creators is None:
                    data_set.creators = {}
                data_set.creators[tag >> 16 << 8 | tag & 0xFF] = _creator_text(value)
            if wanted is not None:
                self._keep(wanted, data_set, tag, header.vr, value, position)
        if self._recorder is not None:
            self._recorder.leaf(data_set, tag, header.vr, self._offset(position), length, value)

    def _keep(self, wanted: WantedElement, data_set: DataSet, tag: int, vr: bytes | None, value: bytes, position: int) -> None:
        if wanted.context:
            if data_set.context is None:
                data_set.context = {}
            data_set.context[tag] = value
        if wanted.has_items and value:
            message = "a value stands here where the data dictionary (PS3.6) has items"
            self._found.add_structural(FindingCode.WRONG_VR, message, data_set, tag, self._offset(position))
        self._gathered.keep(wanted, RawValue(tag, vr, value, self._offset(position), data_set))

    def _wanted(self, data_set: DataSet, tag: int) -> WantedElement | None:
        wanted = data_set.wanted.elements.get(tag)
        if wanted is None and tag & 0x10000 and data_set.wanted.private:
            creator = _creator(data_set, tag)
            for name, element in data_set.wanted.private.get(tag & 0xFFFF00FF, ()):
                if name == creator:
                    return element
        return wanted

    def _is_sequence(self, data_set: DataSet, header: el.ElementHeader) -> bool:
        """Whether an element is a sequence: by its VR; of UN and in implicit VR by the dictionaries, or by what its value begins with."""
        if header.vr == b"SQ":
            return True
        if header.vr not in (None, b"UN"):
            return False
        tag = header.tag
        if tag in el.SEQUENCE_TAGS:
            return True
        if header.length == el.UNDEFINED_LENGTH:
            # PS3.5 6.2.2: UN of undefined length is a sequence in implicit VR. In implicit VR an unknown element may be one.
            return header.vr is not None or (entry_of_tag(tag) is None and self.cursor.begins_item(header.size) is not None)
        if tag & 0x10000 and header.length >= 8:
            creator = _creator(data_set, tag)
            return creator is not None and private_vr(creator, tag >> 16, tag & 0xFF) == "SQ"
        return False


def _creator(data_set: DataSet, tag: int) -> str | None:
    """The creator of a private element: that which reserved its block in the same data set (PS3.5 7.8.1)."""
    if data_set.creators is None:
        return None
    return data_set.creators.get(tag >> 16 << 8 | (tag >> 8 & 0xFF))


def _creator_text(value: bytes) -> str:
    # Creators are LO of the default repertoire; what is none is still kept, so that it can be told.
    try:
        return value.decode("utf-8").strip(" \0")
    except UnicodeDecodeError:
        return value.decode("latin-1").strip(" \0")
