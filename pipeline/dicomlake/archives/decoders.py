"""Decoders of packed streams: each unpacks the bytes of a file from its beginning, piece by piece."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from typing import Protocol

import pyarrow as pa

from dicomlake.byte_source import ByteSource

PIECE_BYTES = 256 * 1024
DECODER_ERRORS = (zlib.error, lzma.LZMAError, OSError, ValueError, pa.ArrowException)
"""The exceptions of a stream that can't be unpacked."""

_GZIP = 31
_XZ_MEMORY_BYTES = 128 * 1024 * 1024
"""A stream of xz says how much memory it takes: 65 MiB at its highest level, and up to 4 GiB in a hostile file."""


class Decoder(Protocol):
    """A stream that is unpacked as it is read."""

    def next(self, most: int) -> bytes:
        """Some of the next bytes, at most ``most``; none at the end. Raises EOFError if the file ends before the stream."""
        ...


def decoder_of(codec: str, reader: ByteSource) -> Decoder:
    """The decoder of a codec: ``gzip``, ``bzip2``, ``xz`` or ``zstd``."""
    if codec == "gzip":
        return _Gzip(reader)
    if codec == "zstd":
        return _Zstandard(reader)
    return _Buffered(reader, codec)


class _Gzip:
    """RFC 1952: consecutive members; zeros after them are ignored."""

    def __init__(self, reader: ByteSource) -> None:
        self._reader = reader
        self._offset = 0
        self._packed = b""
        self._decoder = zlib.decompressobj(_GZIP)
        self._begun = True

    def next(self, most: int) -> bytes:
        while True:
            if self._decoder.eof:
                self._packed = self._decoder.unused_data.lstrip(b"\0")
                if not self._packed and not self._fill():
                    return b""
                if not self._packed.startswith(b"\x1f"):
                    if self._packed.strip(b"\0"):
                        return b""  # like gzip, ignore other bytes after the stream
                    self._packed = b""
                    continue
                self._decoder = zlib.decompressobj(_GZIP)
            if not self._packed and not self._fill():
                raise EOFError
            data = self._decoder.decompress(self._packed, most)
            self._packed = self._decoder.unconsumed_tail
            if data:
                return data

    def _fill(self) -> bool:
        self._packed = self._reader.read(self._offset, PIECE_BYTES)
        self._offset += len(self._packed)
        return bool(self._packed)


class _Buffered:
    """bzip2 and xz: consecutive streams; zeros and other bytes after them are ignored, as their tools do."""

    def __init__(self, reader: ByteSource, codec: str) -> None:
        self._reader = reader
        self._codec = codec
        self._offset = 0
        self._packed = b""
        self._decoder = self._new()

    def next(self, most: int) -> bytes:
        while True:
            if self._decoder.eof:
                self._packed = self._decoder.unused_data.lstrip(b"\0") or self._piece().lstrip(b"\0")
                if not self._packed.startswith(_MAGIC[self._codec]):
                    return b""
                self._decoder = self._new()
            if self._decoder.needs_input and not self._packed:
                self._packed = self._piece()
                if not self._packed:
                    raise EOFError
            data = self._decoder.decompress(self._packed, most)
            self._packed = b""
            if data:
                return data

    def _new(self) -> bz2.BZ2Decompressor | lzma.LZMADecompressor:
        return bz2.BZ2Decompressor() if self._codec == "bzip2" else lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY_BYTES)

    def _piece(self) -> bytes:
        data = self._reader.read(self._offset, PIECE_BYTES)
        self._offset += len(data)
        return data


_MAGIC = {"bzip2": b"BZh", "xz": b"\xfd7zXZ\0"}


class _Zstandard:
    """RFC 8878, by Arrow, which bounds the window."""

    def __init__(self, reader: ByteSource) -> None:
        self._stream = pa.CompressedInputStream(pa.PythonFile(_Sequential(reader), mode="r"), "zstd")

    def next(self, most: int) -> bytes:
        data: bytes = self._stream.read(most)
        return data


class _Sequential(io.RawIOBase):
    def __init__(self, reader: ByteSource) -> None:
        self._reader = reader
        self._offset = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._reader.read(self._offset, PIECE_BYTES if size < 0 else size)
        self._offset += len(data)
        return data
