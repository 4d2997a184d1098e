"""An archive that is open while members of it are read one after the other.

A packed tar can only be read forward from its beginning. Its members are cut into consecutive units, so a stream that reached the end of
one unit is kept for the next. So a process unpacks an archive about once for each of its workers, for any number of units.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from dicomlake.archives.forward import PackedStream, ReadAhead
from dicomlake.archives.member_sources import DeflatedMember, ForwardStream, PlainMember, StoredMember, StreamMember
from dicomlake.archives.members import MemberRange, Packing
from dicomlake.byte_source import ByteSource
from dicomlake.urls import is_local

_IDLE_STREAMS = 8
_MOST_AHEAD = 1024 * 1024
_UNBOUNDED = float("inf")


class OpenArchive:
    """An archive.

    Args:
        url: its url.
        version: identifies a state of the archive; if it is empty, no stream is kept.
        open_file: opens the archive itself.
        unpacked_limit: the most bytes to inflate of one deflated member.
    """

    def __init__(self, url: str, version: str, open_file: Callable[[], ByteSource], unpacked_limit: int) -> None:
        self.url = url
        self._version = version
        self._open_file = open_file
        self._limit = unpacked_limit
        self._file: ByteSource | None = None
        self._stream: ForwardStream | None = None

    def member(self, member: MemberRange, size: int) -> ByteSource:
        """A member as a file.

        Raises:
            ReadingStopped: the archive can't be opened.
        """
        packing = member.packing
        if packing == Packing.STORED:
            return StoredMember(self._opened(), member.offset, size)
        if packing == Packing.DEFLATED:
            return DeflatedMember(self._opened(), member.offset, member.packed_bytes, size, self._limit)
        if packing == Packing.PLAIN:
            return PlainMember(self._opened(), member.offset, size)
        return StreamMember(self.stream_at(member), member.offset, size)

    def stream_at(self, member: MemberRange) -> ForwardStream:
        """The stream, at the position of a member of a packed tar.

        Raises:
            ReadingStopped: the archive can't be opened, or is damaged before that.
        """
        if self._stream is not None and self._stream.position > member.offset:
            self._let_go()
        if self._stream is None:
            self._stream = _idle.take(self.url, self._version, member.offset)
        if self._stream is None:
            file = self._open_file()
            # The listing of the archive bounded how far it is unpacked: no member is beyond that.
            self._stream = ForwardStream(file, PackedStream(file, member.packing, _UNBOUNDED))
        self._stream.go_to(member.offset)
        return self._stream

    def close(self) -> None:
        """Close the archive, but keep its stream for the next unit."""
        self._let_go()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> ByteSource:
        if self._file is None:
            file = self._open_file()
            self._file = file if is_local(self.url) else ReadAhead(file, 0, _MOST_AHEAD)
        return self._file

    def _let_go(self) -> None:
        if self._stream is not None:
            _idle.keep(self.url, self._version, self._stream)
            self._stream = None


class _IdleStreams:
    """The last streams that no unit uses, for all threads of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: list[tuple[str, str, ForwardStream]] = []

    def keep(self, url: str, version: str, stream: ForwardStream) -> None:
        """Keep a stream, or close it if the archive has no version."""
        closed = [stream]
        if version:
            with self._lock:
                self._streams.append((url, version, stream))
                closed = [old for _, _, old in self._streams[:-_IDLE_STREAMS]]
                self._streams = self._streams[-_IDLE_STREAMS:]
        for old in closed:
            old.source.close()

    def take(self, url: str, version: str, position: int) -> ForwardStream | None:
        """The stream that is closest to a position without having passed it."""
        with self._lock:
            fitting = [entry for entry in self._streams if version and entry[:2] == (url, version) and entry[2].position <= position]
            if not fitting:
                return None
            chosen = max(fitting, key=lambda entry: entry[2].position)
            self._streams.remove(chosen)
            return chosen[2]

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            streams, self._streams = self._streams, []
        for _, _, stream in streams:
            stream.source.close()


_idle = _IdleStreams()


def close_idle_streams() -> None:
    """Close the streams that this process keeps between units."""
    _idle.close()
