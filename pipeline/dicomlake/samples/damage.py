"""Functions that damage the bytes of a whole file, since no writer makes broken files on purpose."""

from __future__ import annotations

import io
import struct

from pydicom import dcmread

_PREAMBLE_LENGTH = 128
_META_START = _PREAMBLE_LENGTH + len(b"DICM")
_GROUP_LENGTH_VALUE = slice(_META_START + 8, _META_START + 12)
_MEDIA_STORAGE_SOP_INSTANCE_UID = b"\x02\x00\x03\x00UI"
_SOP_INSTANCE_UID = b"\x08\x00\x18\x00UI"


def without_preamble(content: bytes) -> bytes:
    """Answer the file without its preamble and ``DICM``."""
    return content[_META_START:]


def without_meta(content: bytes) -> bytes:
    """Answer the preamble and, right after ``DICM``, the data set."""
    return content[:_META_START] + bare(content)


def bare(content: bytes) -> bytes:
    """Answer only the data set."""
    (length,) = struct.unpack("<I", content[_GROUP_LENGTH_VALUE])
    return content[_GROUP_LENGTH_VALUE.stop + length :]


def without_instance_uid(content: bytes) -> bytes:
    """Answer an explicit little endian file without a SOPInstanceUID in the file meta and in the data set."""
    shorter = _without_uid(content, _MEDIA_STORAGE_SOP_INSTANCE_UID)
    (length,) = struct.unpack("<I", content[_GROUP_LENGTH_VALUE])
    length -= len(content) - len(shorter)
    shorter = shorter[: _GROUP_LENGTH_VALUE.start] + struct.pack("<I", length) + shorter[_GROUP_LENGTH_VALUE.stop :]
    return _without_uid(shorter, _SOP_INSTANCE_UID)


def _without_uid(content: bytes, element: bytes) -> bytes:
    start = content.index(element)
    length_offset = start + len(element)
    (length,) = struct.unpack_from("<H", content, length_offset)
    return content[:start] + content[length_offset + 2 + length :]


def cut_inside(content: bytes, keyword: str) -> bytes:
    """Answer the file up to the first byte of the value of ``keyword``, an attribute at top level."""
    return content[: _value_offset(content, keyword) + 1]


def with_value(content: bytes, keyword: str, value: bytes) -> bytes:
    """Answer the file with another value, of the same length, of ``keyword``, an attribute at top level."""
    offset = _value_offset(content, keyword)
    return content[:offset] + value + content[offset + len(value) :]


def _value_offset(content: bytes, keyword: str) -> int:
    offset = dcmread(io.BytesIO(content), stop_before_pixels=True)[keyword].file_tell
    if offset is None:
        raise ValueError(f"{keyword} was not read from the file")
    return offset
