"""The bytes that pydicom reads: fetched as it asks for them, within limits, and without a word to the user."""

from __future__ import annotations

import logging
import time
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from pydicom import config
from pydicom.filereader import read_partial

from dicomlake.errors import FileCode
from dicomlake.fetch import ByteSource, ReadingStopped
from dicomlake.limits import ReadingLimits
from dicomlake.schema.columns import PIXEL_DATA_TAGS
from dicomlake.schema.dictionary import entry_of_tag

_FETCH_LIMIT = 256 * 1024
"""The most bytes fetched at once beyond those that pydicom asks for."""

_LOOKED_AT = 256
_FIRST_GROUPS = (0x0000, 0x0004, 0x0008)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep pydicom's warnings from the user, and let it not raise for a value; afterwards everything is as before."""
    logger, settings = logging.getLogger("pydicom"), config.settings
    was_disabled, raises = logger.disabled, settings.reading_validation_mode == config.RAISE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.disabled = True
        if raises:
            settings.reading_validation_mode = config.WARN
        try:
            yield
        finally:
            logger.disabled = was_disabled
            if raises:
                settings.reading_validation_mode = config.RAISE


class HeaderFile:
    """The readable buffer that pydicom reads from. It keeps the bytes of the header, and fetches at most ``header_limit`` of them."""

    def __init__(self, source: ByteSource, reading: ReadingLimits) -> None:
        """Fetch the first bytes."""
        self.data = b""
        self.inflated: bytes | None = None
        self.stopped: ReadingStopped | None = None
        self._source = source
        self._size = source.size
        self._limit = reading.header_limit
        self._first_read = reading.first_read
        self._position = 0
        self._deadline = time.monotonic() + reading.file_seconds_limit
        self._fetch(1)

    def read(self, size: int = -1) -> bytes:
        """Read at most ``size`` bytes; all that are left, where pydicom asks for them to inflate them."""
        try:
            end = None if size < 0 else self._position + size
            self._fetch(end)
            found = self.data[self._position : end]
            if end is None:
                self._inflate(found)
        except ReadingStopped as stopped:
            self.stopped = stopped  # pydicom replaces exceptions inside sequences by its own
            raise
        self._position += len(found)
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position, or by a distance where ``whence`` is 1."""
        self._position = offset + (self._position if whence else 0)
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def _fetch(self, end: int | None) -> None:
        """Hold the bytes before ``end``, or all of them."""
        if time.monotonic() > self._deadline:
            raise ReadingStopped(FileCode.TIMED_OUT, "reading the header takes longer than it may (file_seconds_limit)")
        while self._size is None or len(self.data) < self._size:
            lacking = self._limit if end is None else end - len(self.data)
            if lacking <= 0:
                return
            room = self._limit - len(self.data)
            there = room if self._size is None else self._size - len(self.data)
            if room < min(lacking, there) or room == 0:
                raise ReadingStopped(FileCode.HEADER_TOO_LARGE, f"the header goes on after {self._limit} bytes (header_limit)")
            asked = min(max(lacking, self._first_read, min(len(self.data), _FETCH_LIMIT)), there, room)
            fetched = self._source.read(len(self.data), asked)
            self.data += fetched
            if len(fetched) < asked:
                self._size = len(self.data)

    def _inflate(self, deflated: bytes) -> None:
        """Inflate before pydicom does, which takes all the memory that a file makes it take."""
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self.inflated = inflater.decompress(deflated, self._limit)
        if inflater.unconsumed_tail:
            raise ReadingStopped(FileCode.HEADER_TOO_LARGE, f"the data set inflates to more than {self._limit} bytes (header_limit)")


def is_dicom(head: bytes) -> bool:
    """Whether a file with these first bytes is a DICOM file: by its prefix, or by the elements that pydicom finds without one."""
    if head[128:132] == b"DICM":
        return True
    try:
        dataset = read_partial(BytesIO(head[:_LOOKED_AT]), lambda tag, *_: tag in PIXEL_DATA_TAGS, force=True)
    except Exception:  # noqa: BLE001 - pydicom raises whatever its parts raise
        return False
    meta, tags = list(dataset.file_meta.keys()), [int(tag) for tag in dataset.keys()]  # noqa: SIM118
    if meta:
        return all(entry_of_tag(int(tag)) is not None for tag in meta)
    known = all(tag & 0x10000 or tag & 0xFFFF == 0 or entry_of_tag(tag) is not None for tag in tags)
    return len(tags) > 1 and tags[0] >> 16 in _FIRST_GROUPS and known and tags == sorted(tags)
