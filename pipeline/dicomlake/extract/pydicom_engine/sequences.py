"""Sequences and their items, delimitations where they belong and where they don't (PS3.5 7.5)."""

from __future__ import annotations

from dicomlake.errors import FileCode, FindingCode
from dicomlake.extract.pydicom_engine import element as el
from dicomlake.extract.pydicom_engine.digest import LARGE_VALUE
from dicomlake.extract.pydicom_engine.levels import DataSet, SequenceOfItems
from dicomlake.extract.pydicom_engine.passing import pass_deep, pass_fragments
from dicomlake.extract.pydicom_engine.walk_state import WalkState
from dicomlake.extract.pydicom_engine.wanted import NOTHING_WANTED, WantedElement

NESTING_LIMIT = 256
"""Sequences nested deeper than this are walked past, not gathered."""

_FUNCTIONAL_GROUPS = frozenset({0x52009229, 0x52009230})
"""The shared and the per-frame functional groups sequence (PS3.3 C.7.6.16)."""


class SequenceWalk(WalkState):
    """How a walk goes into sequences and comes out again."""

    def _begin_sequence(self, data_set: DataSet, header: el.ElementHeader, wanted: WantedElement | None, *, opaque: bool) -> None:
        """Go into a sequence; ``opaque`` where only a column knows that it is one, so that the digest must take it for a value."""
        cursor = self.cursor
        position = cursor.position + header.size
        defined = header.length != el.UNDEFINED_LENGTH
        end = position + header.length if defined else data_set.limit
        if wanted is not None and wanted.has_items:
            self._gathered.begin_sequence(wanted)
        else:
            wanted = None
        if data_set is self.top and header.tag in _FUNCTIONAL_GROUPS:
            self.has_functional_groups = True
        if data_set.depth >= NESTING_LIMIT:
            self._pass_deep(data_set, header, defined=defined)
            return
        if end > data_set.limit and not self._runs_past_file(data_set):
            self._defect(FileCode.CORRUPT_ELEMENT, "the sequence is longer than what holds it")
            end = data_set.limit
        if defined and header.length & 1:
            self._structural(FindingCode.ODD_LENGTH, "the sequence's length is odd (PS3.5 7.1.1)", data_set, header.size)
        little = cursor.begins_item(header.size)  # UN may hold little endian in a big endian data set (PS3.5 6.2.2 note 2)
        encoding = data_set.encoding
        if little is not None and little != encoding.little:
            encoding = el.Encoding(encoding.explicit, little)
        if not cursor.pass_value(header.size, 0):
            self._cut_short()
            return
        if opaque and header.length > LARGE_VALUE:
            cursor.digest.cover(cursor.window.data, cursor.window.start, cursor.position)
            cursor.digest.leave_out(int(end))
        sequence = SequenceOfItems(data_set, header.tag, end, encoding, wanted, defined=defined)
        if self._recorder is not None:
            self._recorder.begin_sequence(sequence, header.vr, self._offset(position), header.length)
        self._level = sequence

    def _next_item(self, sequence: SequenceOfItems) -> None:
        """Go into the next item of a sequence, or out of the sequence."""
        cursor = self.cursor
        room = sequence.limit - cursor.position
        if room <= 0:
            if not sequence.defined and not sequence.stray:
                if self._claims_past_file(sequence):
                    self._cut_short()
                    return
                self._out_of_order("a sequence lacks its delimitation (PS3.5 7.5.2)", sequence.parent)
            self._leave()
            return
        if cursor.held(8) < 8:
            if sequence.stray:
                self._leave()
            else:
                self._cut_short()
            return
        if room < 8:
            self._recover("bytes are left over that are no item")
            return
        tag, length = el.item_header(cursor.window.data, cursor.at, little=sequence.encoding.little)
        if tag == el.ITEM:
            self._begin_item(sequence, length)
        elif tag == el.SEQUENCE_DELIMITATION:
            cursor.position += 8
            self._leave()
        elif sequence.stray:
            self._leave()
        elif tag == el.ITEM_DELIMITATION:
            self._out_of_order("an item's delimitation stands where no item is open", sequence.parent)
            cursor.position += 8
        elif self._sequence_lacks_end(sequence, tag):
            self._defect(FileCode.CORRUPT_ELEMENT, "an element stands where an item should")
            self._leave()
        else:
            self._recover("bytes stand where an item should that are none")

    def _begin_item(self, sequence: SequenceOfItems, length: int) -> None:
        cursor = self.cursor
        index = sequence.items
        position = cursor.position + 8
        defined = length != el.UNDEFINED_LENGTH
        limit = sequence.limit
        if defined:
            limit = min(limit, position + length)
            if position + length > sequence.limit and not self._claims_past_file(sequence):
                self._defect(FileCode.CORRUPT_ELEMENT, "the item is longer than its sequence")
        wanted = NOTHING_WANTED
        if sequence.wanted is not None:
            wanted = sequence.wanted.item(index)
            self._gathered.begin_item(sequence.wanted)
        cursor.held(8 + 12)
        encoding = _encoding_of_item(cursor.window.data, cursor.at + 8, sequence.encoding)
        cursor.position = position
        sequence.items = index + 1
        item = DataSet(sequence, index, limit, encoding, wanted, defined=defined)
        if self._recorder is not None:
            self._recorder.begin_item(item, self._offset(position), length)
        self._level = item

    def _end_data_set(self, data_set: DataSet) -> None:
        """The data set's end is reached."""
        if not data_set.defined and data_set.parent is not None:
            if not data_set.parent.stray and self._runs_past_file(data_set):
                self._cut_short()
                return
            self._out_of_order("an item lacks its delimitation (PS3.5 7.5.2)", data_set)
        self._leave()

    def _delimitation(self, data_set: DataSet, header: el.ElementHeader) -> None:
        """An item or delimitation stands where an element could."""
        cursor = self.cursor
        sequence = data_set.parent
        if sequence is None:
            self._stray(data_set, header)
        elif header.tag == el.ITEM_DELIMITATION:
            if data_set.defined:
                self._out_of_order("an item that said its length has a delimitation too", data_set)
            cursor.position += 8
            self._leave()
        elif header.tag in (el.ITEM, el.SEQUENCE_DELIMITATION):
            if not sequence.stray:
                self._out_of_order("an item lacks its delimitation (PS3.5 7.5.2)", data_set)
            self._leave()
        else:
            self._recover("a tag of group FFFE that there is none")

    def _stray(self, top: DataSet, header: el.ElementHeader) -> None:
        """At top level there are no items; they are passed over whole, so that nothing inside one passes for the file's own."""
        cursor = self.cursor
        self._out_of_order("an item or delimitation stands outside a sequence", top)
        if header.tag != el.ITEM:
            cursor.position += 8
        elif header.length == el.UNDEFINED_LENGTH:
            self._recorder = None
            self._level = SequenceOfItems(top, el.ITEM, top.limit, top.encoding, None, defined=False, stray=True)
        elif not cursor.pass_value(8, header.length, opaque=True):
            self._stop(FileCode.CORRUPT_ELEMENT, "an item outside a sequence goes on past the end of the file")

    def _fragments(self, header: el.ElementHeader, data_set: DataSet) -> None:
        """Pass an element of undefined length that is no sequence."""
        cursor = self.cursor
        position = cursor.position + header.size
        if not (cursor.pass_value(header.size, 0) and pass_fragments(cursor, data_set.encoding)):
            self._cut_short()
        elif self._recorder is not None:
            self._recorder.leaf(data_set, header.tag, header.vr, self._offset(position), None, None)

    def _pass_deep(self, data_set: DataSet, header: el.ElementHeader, *, defined: bool) -> None:
        self._defect(FileCode.NESTING_TOO_DEEP, f"sequences are nested deeper than {NESTING_LIMIT}")
        cursor = self.cursor
        if defined:
            if cursor.position + header.size + header.length > data_set.limit:
                self._value_too_long(data_set, header)
            elif not cursor.pass_value(header.size, header.length, opaque=True):
                self._cut_short()
        elif not (cursor.pass_value(header.size, 0) and pass_deep(cursor, data_set.encoding)):
            self._recover("what is nested too deep has no end")

    def _out_of_order(self, message: str, data_set: DataSet) -> None:
        self._structural(FindingCode.OUT_OF_ORDER, message, data_set)

    def _claims_past_file(self, sequence: SequenceOfItems) -> bool:
        size = self.cursor.window.size
        return size is None or sequence.limit >= size

    def _sequence_lacks_end(self, sequence: SequenceOfItems, tag: int) -> bool:
        """Whether what stands instead of an item is the element that follows the sequence, whose end is lacking or wrong."""
        inside_file = sequence.defined and not self._claims_past_file(sequence)
        data_set = sequence.parent
        cursor = self.cursor
        cursor.held(12)
        room = None if cursor.window.size is None else cursor.window.size - cursor.position
        return not inside_file and tag > sequence.tag and el.looks_like_element(cursor.window.data, cursor.at, data_set.encoding, room)


def _encoding_of_item(data: bytes, at: int, encoding: el.Encoding) -> el.Encoding:
    """How an item's elements stand: inside explicit VR some sequences (UN, private ones) hold implicit VR (PS3.5 6.2.2 note 2)."""
    vr = data[at + 4 : at + 6]
    if not encoding.explicit or len(vr) < 2 or vr in el.KNOWN_VRS or vr.isalpha() or data[at : at + 2] in (b"\xfe\xff", b"\xff\xfe"):
        return encoding
    return el.Encoding(explicit=False, little=encoding.little)
