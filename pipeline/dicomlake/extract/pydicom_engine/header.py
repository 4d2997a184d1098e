"""One header as pydicom reads it, and where it ends."""

from __future__ import annotations

import xxhash
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.filereader import read_partial
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from dicomlake.extract.pydicom_engine.file import HeaderFile
from dicomlake.extract.pydicom_engine.level import LARGE_VALUE, UNDEFINED_LENGTH, Level
from dicomlake.schema.columns import PIXEL_DATA_TAGS


class Header:
    """The header of one file as pydicom reads it, and the position of its end."""

    def __init__(self, file: HeaderFile) -> None:
        """Read a header.

        Raises:
            ReadingStopped: the reader exceeded a limit, or the store denied access.
            Exception: pydicom can't read the header; it may raise any exception.
        """
        self.pixel_data: tuple[int, str | None, int] | None = None
        self._last: tuple[int, str | None, int] | None = None
        # dcmread(stop_before_pixels=True, force=True) makes this call too. Our `_stop` also records the last element that pydicom reached.
        dataset: FileDataset = read_partial(file, self._stop, force=True)  # type: ignore[arg-type]
        self.is_deflated = file.inflated is not None
        self.data = file.data if file.inflated is None else file.inflated
        self.has_preamble = dataset.preamble is not None
        self.meta = Level(dataset.file_meta)
        self.top = Level(dataset, in_file=not self.is_deflated)
        self.stopped_at: int = dataset.buffer.tell()  # type: ignore[union-attr]
        raw = next((element for element in self.top.elements.values() if isinstance(element, RawDataElement)), None)
        encoding = dataset.original_encoding if raw is None else (raw.is_implicit_VR, raw.is_little_endian)
        self.is_implicit, self.is_little = bool(encoding[0]), bool(encoding[1])
        self.trailing_at: int | None = None
        self.cut_at = self._cut_at()

    def _stop(self, tag: int, vr: str | None, length: int) -> bool:
        self._last = int(tag), vr, length
        if tag not in PIXEL_DATA_TAGS:
            return False
        self.pixel_data = self._last
        return True

    @property
    def is_empty(self) -> bool:
        """Whether pydicom found no data set."""
        return self._last is None

    def _cut_at(self) -> int | None:
        """The position of leftover bytes or of a last element that is cut short, or None. Such an element is removed from the header.

        Leftover bytes that are all the same are filling: their position is `trailing_at`.
        """
        if self._last is None or self.pixel_data is not None:
            return None
        tag, vr, length = self._last
        if tag not in self.top.elements:
            return 0
        end = self.stopped_at if length == UNDEFINED_LENGTH else self.top.position(tag) + length
        if end > len(self.data):
            cut_at = self.top.position(tag) - self._header_length(vr)
            del self.top.elements[tag]
            return cut_at
        rest = self.data[end:]
        if len(set(rest)) == 1:
            self.trailing_at = end
            return None
        return end if rest else None

    def digest(self) -> str | None:
        """128-bit XXH3 over the data set before pixel data. It skips large values, but includes their tag, VR and length."""
        if self._last is None:
            return None
        end = self.stopped_at if self.pixel_data is not None else self.cut_at or self.trailing_at or len(self.data)
        first = next((tag for tag in self.top.elements if tag >> 16), None)
        begin = end if first is None else self.top.position(first) - self._header_length(self.top.elements[first].VR)
        hashed = xxhash.xxh3_128()
        if end - begin > LARGE_VALUE:
            for position, length in self.top.large_values():
                hashed.update(self.data[begin:position])
                begin = position + length
        hashed.update(self.data[begin:end])
        return hashed.hexdigest()

    def pixel_data_offset(self) -> int | None:
        """The offset of the pixel data value in the file; None for a deflated file, and without pixel data."""
        if self.pixel_data is None or self.is_deflated:
            return None
        return self.stopped_at + self._header_length(self.pixel_data[1])

    def _header_length(self, vr: str | None) -> int:
        return 12 if not self.is_implicit and vr in EXPLICIT_VR_LENGTH_32 else 8
