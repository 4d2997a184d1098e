"""What a walk knows while it goes, and what it does where bytes stop making sense.

Nothing is guessed: they are passed over up to the end of the nearest container that said how long it is, and where none did, reading
stops. In both cases the file keeps what was read and says where (``FoundInFile.defect``).
"""

from __future__ import annotations

from dicomlake.errors import FileCode, FindingCode
from dicomlake.extract.pydicom_engine import element as el
from dicomlake.extract.pydicom_engine.cursor import Cursor
from dicomlake.extract.pydicom_engine.findings import Defect, FoundInFile
from dicomlake.extract.pydicom_engine.gathered import Gathered
from dicomlake.extract.pydicom_engine.levels import NO_END, DataSet, SequenceOfItems, label_of_tag
from dicomlake.extract.pydicom_engine.recorder import Recorder
from dicomlake.extract.pydicom_engine.wanted import WantedDataSet
from dicomlake.schema.dictionary import entry_of_tag

_TRUNCATED = "the file ends inside the header"


class WalkState:
    """The place, the level, and what was kept and found."""

    def __init__(
        self,
        cursor: Cursor,
        encoding: el.Encoding,
        wanted: WantedDataSet,
        gathered: Gathered,
        found: FoundInFile,
        *,
        in_file: bool = True,
        only_group: int | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        """Prepare a walk.

        Args:
            cursor: where the data set begins.
            encoding: of the data set.
            wanted: what to keep.
            gathered: takes what is kept.
            found: takes what is wrong.
            in_file: whether positions in the stream are offsets in the file (not so when inflated).
            only_group: end before the first element of another group (for group 2).
            recorder: told of everything.
        """
        self.cursor = cursor
        size = cursor.window.size
        self.top = DataSet(None, 0, NO_END if size is None else size, encoding, wanted, defined=False)
        self.has_functional_groups = False
        self._level: DataSet | SequenceOfItems | None = self.top
        self._gathered = gathered
        self._found = found
        self._in_file = in_file
        self._only_group = only_group
        self._recorder = recorder
        self._paused_recorder = recorder  # nothing is told of what stands in a stray item
        self._tag: int | None = None  # of the element being read, for the path of what is found

    def _offset(self, position: int) -> int | None:
        return position if self._in_file else None

    def _path(self) -> str | None:
        level = self._level
        if isinstance(level, SequenceOfItems):
            return f"{level.parent.path()}{label_of_tag(level.tag)}[{level.items}]"
        if level is None:
            return None
        if self._tag is None:
            return level.path().removesuffix(".") or None
        return level.path() + label_of_tag(self._tag)

    def _structural(self, code: FindingCode, message: str, data_set: DataSet, value_after: int = 8) -> None:
        tag = self._tag if self._tag is not None else el.ITEM
        self._found.add_structural(code, message, data_set, tag, self._offset(self.cursor.position + value_after))

    def _defect(self, code: FileCode, message: str) -> None:
        """Something is wrong at the place where the walk stands."""
        self._found.stop(Defect(code, message, self._offset(self.cursor.position), self._path()))

    def _stop(self, code: FileCode, message: str) -> None:
        """Read no further."""
        self._defect(code, message)
        while self._level is not None:
            self._leave()

    def _cut_short(self) -> None:
        """The stream ends inside an element."""
        code = self.cursor.window.shortage
        if code is FileCode.CORRUPT_DEFLATE:
            self._stop(code, "the deflated data set can't be inflated further")
        else:
            self._stop(code, _TRUNCATED)

    def _claims_too_much(self) -> None:
        """Something claims bytes beyond where the stream can have any.

        How the stream really ends is not asked: as far as a deflated one has been inflated depends on how many bytes came at a time.
        """
        self._stop(FileCode.TRUNCATED, _TRUNCATED)

    def _runs_past_file(self, data_set: DataSet) -> bool:
        """Whether what holds a data set has no end inside the file: a value that passes that end is cut short, not corrupt."""
        size = self.cursor.window.size
        return size is None or data_set.limit >= size

    def _header_cut_short(self, data_set: DataSet, room: float) -> None:
        """Fewer bytes are left than an element's header has."""
        held = self.cursor.held(12)
        if held >= room and not self._runs_past_file(data_set):
            self._recover("bytes are left over that are no element")
        elif held == 0 and data_set is self.top and self.cursor.window.whole:
            self._leave()
        elif held >= room:
            self._claims_too_much()
        else:
            self._cut_short()

    def _value_too_long(self, data_set: DataSet, header: el.ElementHeader) -> None:
        """A value goes on past the end of what holds it."""
        if not self._runs_past_file(data_set):
            self._recover("the value is longer than what holds it")
        elif _is_plausible(header, data_set.encoding):
            self._claims_too_much()
        else:
            self._recover("bytes that are no element")

    def _recover(self, message: str) -> None:
        """Pass over what makes no sense, to the end of the nearest container that said its length, if that is in the file."""
        self._defect(FileCode.CORRUPT_ELEMENT, message)
        size = self.cursor.window.size
        while (level := self._level) is not None:
            parent = level.parent
            # Never back: what passes elements of undefined length does not see where what holds them ends.
            if level.defined and parent is not None and size is not None and self.cursor.position <= level.limit <= size:
                self.cursor.jump(int(level.limit))
                if isinstance(level, SequenceOfItems) or self._item_ends_well(level):
                    self._leave()
                    return
            self._leave()

    def _item_ends_well(self, item: DataSet) -> bool:
        """Whether an item's length can be trusted: what follows it is an item, or the end of its sequence."""
        sequence = item.parent
        if sequence is None or self.cursor.position >= sequence.limit:
            return True
        if self.cursor.held(8) < 8:
            return False
        tag, _ = el.item_header(self.cursor.window.data, self.cursor.at, little=sequence.encoding.little)
        return tag in (el.ITEM, el.SEQUENCE_DELIMITATION)

    def _leave(self) -> None:
        """Go on in what holds this level."""
        level = self._level
        if level is None:
            return
        self._level = level.parent
        if isinstance(level, SequenceOfItems) and level.stray:
            self._recorder = self._paused_recorder
        elif self._recorder is not None:
            if isinstance(level, SequenceOfItems):
                self._recorder.end_sequence(level)
            elif level.parent is not None:
                self._recorder.end_item(level)


def _is_plausible(header: el.ElementHeader, encoding: el.Encoding) -> bool:
    """Whether an element that goes on past the end of the file is one: then the file is cut short, else its bytes are corrupt."""
    if encoding.explicit:
        return header.vr in el.KNOWN_VRS
    return header.tag & 0x10000 != 0 or entry_of_tag(header.tag) is not None
