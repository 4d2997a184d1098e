"""One file, from its url to what was read of it. Whatever is wrong with a file is part of the answer."""

from __future__ import annotations

import time
from dataclasses import dataclass

from dicomlake.errors import FileCode, FindingCode
from dicomlake.extract.pydicom_engine import element as el
from dicomlake.extract.pydicom_engine.cursor import Cursor
from dicomlake.extract.pydicom_engine.findings import Defect, FoundInFile
from dicomlake.extract.pydicom_engine.gathered import Gathered, RawValue
from dicomlake.extract.pydicom_engine.inflating import InflatingWindow
from dicomlake.extract.pydicom_engine.levels import DataSet
from dicomlake.extract.pydicom_engine.recognise import recognise
from dicomlake.extract.pydicom_engine.recorder import Recorder
from dicomlake.extract.pydicom_engine.transfer_syntax import (
    DEFLATED_LOOKED_AT,
    EXPLICIT_UID,
    TransferSyntax,
    syntax_by_looking,
    syntax_of_uid,
)
from dicomlake.extract.pydicom_engine.walk import PixelData, Walk
from dicomlake.extract.pydicom_engine.wanted import WantedDataSet
from dicomlake.fetch import ByteSource, HeaderWindow, Opener, ReadingStopped, Window
from dicomlake.limits import ReadingLimits
from dicomlake.schema.dictionary import name_of_uid

TRANSFER_SYNTAX_UID = 0x00020010
MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002
_DICOMDIR_UID = "1.2.840.10008.1.3.10"
_DICOMDIR_GROUP = b"\x04\x00"
_META_GROUP = 2


@dataclass(slots=True)
class HeaderRead:
    """What was read of one file.

    ``recognised`` is whether it is a DICOM file that belongs into a lake; ``top`` is its data set (None where reading did not come that
    far), ``syntax`` the transfer syntax in which it was read; ``digest`` is None where there was no data set.
    """

    gathered: Gathered
    found: FoundInFile
    recognised: bool = False
    size: int | None = None
    bytes_read: int = 0
    requests: int = 0
    syntax: TransferSyntax | None = None
    top: DataSet | None = None
    digest: str | None = None
    pixel_data: PixelData | None = None
    has_functional_groups: bool = False


@dataclass(frozen=True, slots=True)
class HeaderReader:
    """Reads the headers of files: what is wanted of each, and how far to go.

    ``meta`` and ``data_set`` say what is wanted of group 2 and of the data set, by index of ``columns`` columns.
    """

    meta: WantedDataSet
    data_set: WantedDataSet
    columns: int
    reading: ReadingLimits
    opener: Opener

    def read(self, url: str, size: int | None = None, recorder: Recorder | None = None) -> HeaderRead:
        """Read the header of one file.

        Args:
            url: as in the column `url` of `files`.
            size: bytes as its listing says.
            recorder: told of every element, those of group 2 too.
        """
        answer = HeaderRead(Gathered(self.columns), FoundInFile(), size=size)
        source: ByteSource | None = None
        try:
            source = self.opener(url, size)
            self._read(source, answer, recorder)
        except ReadingStopped as stopped:
            answer.found.stop(Defect(stopped.code, stopped.reason))
        finally:
            if source is not None:
                source.close()
                answer.size = source.size
                answer.bytes_read = source.bytes_read
                answer.requests = source.requests
        return answer

    def _read(self, source: ByteSource, answer: HeaderRead, recorder: Recorder | None) -> None:
        found = answer.found
        if source.size == 0:
            raise ReadingStopped(FileCode.EMPTY_FILE, "the file is empty")
        deadline = time.monotonic() + self.reading.file_seconds_limit
        window = HeaderWindow(source, self.reading.first_read, self.reading.header_limit)
        if not window.data:
            raise ReadingStopped(FileCode.EMPTY_FILE, "the file is empty")
        recognised = recognise(window.data, window.size)
        if recognised is None:
            raise ReadingStopped(FileCode.NOT_DICOM, "this is no DICOM file")
        answer.recognised = True
        if not recognised.has_preamble:
            found.add_file(FindingCode.MISSING_PREAMBLE, "the file has no preamble with DICM (PS3.10 7.1)")
        position = self._read_meta(window, recognised.position, deadline, answer, recorder)
        if found.defect is None:
            self._read_data_set(window, position, deadline, answer, recorder)

    def _read_meta(self, window: HeaderWindow, position: int, deadline: float, answer: HeaderRead, recorder: Recorder | None) -> int:
        """Read group 2 by its tags, since its length (0002,0000) may be lacking or wrong; answer where it ends."""
        cursor = Cursor(window, position, deadline)
        first = cursor.element(el.EXPLICIT_VR_LITTLE_ENDIAN)
        if first is None or first.tag >> 16 != _META_GROUP:
            if window.size is None or position < window.size:
                answer.found.add_file(FindingCode.MISSING_FILE_META, "the file has no meta information, group 2 (PS3.10 7.1)")
            else:
                answer.found.stop(Defect(FileCode.TRUNCATED, "the file ends inside the header", position))
            return position
        encoding = el.EXPLICIT_VR_LITTLE_ENDIAN if first.vr is not None else el.IMPLICIT_VR_LITTLE_ENDIAN
        walk = Walk(cursor, encoding, self.meta, answer.gathered, answer.found, only_group=_META_GROUP, recorder=recorder)
        walk.run()
        return cursor.position

    def _read_data_set(self, window: HeaderWindow, position: int, deadline: float, answer: HeaderRead, recorder: Recorder | None) -> None:
        uid = self._meta_text(answer.gathered, TRANSFER_SYNTAX_UID)
        position = _past_command_set(window, position)
        window.reach(position, DEFLATED_LOOKED_AT)
        room = None if window.size is None else window.size - position
        without_meta = uid is None and window.data[:2] == _DICOMDIR_GROUP
        if without_meta or self._meta_text(answer.gathered, MEDIA_STORAGE_SOP_CLASS_UID) == _DICOMDIR_UID:
            answer.recognised = False
            raise ReadingStopped(FileCode.DICOMDIR, "this is a DICOMDIR, an index of other files")
        declared = None if uid is None else syntax_of_uid(uid)
        answer.syntax = declared
        if room == 0:
            return
        syntax = syntax_by_looking(window.data, room, declared)
        if syntax is None:
            if declared is not None and not declared.known:
                reason = "the transfer syntax is unknown, and the data set looks like none that is known"
                raise ReadingStopped(FileCode.UNSUPPORTED_TRANSFER_SYNTAX, reason)
            syntax = declared or syntax_of_uid(EXPLICIT_UID)
        if declared is not None and declared.known and syntax is not declared:
            message = f"the data set is not in the transfer syntax of the meta, but in {name_of_uid(syntax.uid)}"
            answer.found.add_file(FindingCode.WRONG_TRANSFER_SYNTAX, message)
        answer.syntax = syntax
        stream: Window = window
        if syntax.deflated:
            stream, position = InflatingWindow(window, position, self.reading.header_limit), 0
        cursor = Cursor(stream, position, deadline)
        walk = Walk(
            cursor,
            syntax.encoding,
            self.data_set,
            answer.gathered,
            answer.found,
            in_file=not syntax.deflated,
            recorder=recorder,
        )
        answer.top = walk.top
        walk.run()
        answer.digest = cursor.finish()
        answer.pixel_data = walk.pixel_data
        answer.has_functional_groups = walk.has_functional_groups

    def _meta_text(self, gathered: Gathered, tag: int) -> str | None:
        element = self.meta.elements.get(tag)
        if element is None or not element.columns:
            return None
        value = gathered.cells[element.columns[0]]
        if not isinstance(value, RawValue):
            return None
        return value.value.decode("latin-1").strip(" \0") or None


def _past_command_set(window: HeaderWindow, position: int) -> int:
    """Where the data set begins behind a command set, which some dumps of messages have: group 0, in implicit VR (PS3.7 6.3)."""
    if window.reach(position, 12) >= 12:
        group_length = el.element_header(window.data, 0, el.IMPLICIT_VR_LITTLE_ENDIAN)
        if group_length is not None and group_length.tag == 0 and group_length.length == 4:
            end = position + 12 + int.from_bytes(window.data[8:12], "little")
            if window.size is None or end <= window.size:
                return end
    return position
