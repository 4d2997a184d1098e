"""The compiled part: the native engine, in Rust. See `pipeline/core`."""

from collections.abc import Callable
from typing import Any, Self, TypeAlias, final

__all__ = ["ArrowArray", "FileCount", "ScanPlan", "Tree", "__version__", "codes", "look_at_folder"]

__version__: str

Step: TypeAlias = tuple[int, str | None, int | None]
Column: TypeAlias = tuple[str, int, str, str, tuple[bool, bool], list[Step]]
Node: TypeAlias = tuple[int, str, str | None, str | None, int | None, int | None, int, int | None]
"""Tag, VR, creator, value, length, byte offset, depth, and which item it is."""

Store: TypeAlias = tuple[str, str, str, dict[str, str]]
"""Kind, what the urls of its objects begin with, bucket, and options in the words of object_store."""

NoAccess: TypeAlias = tuple[int, str, str]
"""The index of the store, the kind of trouble (``configuration``, ``refused``, ``unanswered``), and the reason."""

Files: TypeAlias = tuple[bytes, bytes, bytes]
"""The end of each url among the bytes of all urls; these bytes, in UTF-8; and each size, -1 where it is not known. Numbers are int64."""

Opener: TypeAlias = Callable[[str, int | None], Any]

@final
class ArrowArray:
    """A record batch that any library takes through the Arrow PyCapsule interface."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

@final
class FileCount:
    """A number of files that units add to while they are read, and that other threads look at meanwhile."""

    def __new__(cls) -> Self: ...
    @property
    def files(self) -> int:
        """How many files there are so far."""
    def add(self, files: int) -> None:
        """Add files that were not read here."""

@final
class ScanPlan:
    """What to read of files, made once for all units."""

    def __new__(
        cls,
        columns: list[Column],
        first_read: int,
        header_limit: int,
        file_seconds_limit: float,
        headers: bool,
        requests_in_flight: int = ...,
        batch_bytes: int = ...,
        tables: list[str] = ...,
    ) -> Self: ...
    def scan(
        self,
        files: Files,
        open: Opener,
        interruptible: bool,
        stores: list[Store] = ...,
        count: FileCount | None = ...,
    ) -> tuple[list[tuple[str, list[ArrowArray]]], NoAccess | None]:
        """Read the headers of a unit of files; answer batches by the name of their table, and the store that can't be read from.

        ``interruptible`` is for the main thread, where signals are to be heard. Files of ``stores``, and of slow disks, are read side by
        side, with up to ``requests_in_flight`` on their way. Their rows come in the order in which they end: the column `file` has their
        numbers.
        ``count`` grows by one with each file that has ended.
        """
    def tree(self, url: str, open: Opener) -> Tree:
        """Read the whole header of one file."""

@final
class Tree:
    """A header as a tree."""

    @property
    def nodes(self) -> list[Node]: ...
    @property
    def complete(self) -> bool: ...
    @property
    def transfer_syntax(self) -> str | None: ...
    @property
    def pixel_data(self) -> str | None: ...
    @property
    def defect(self) -> tuple[str, str, int | None, str | None] | None:
        """Code, message, byte offset, element path."""
    @property
    def findings(self) -> list[tuple[str, str, str | None, int | None]]:
        """Level, code, tag, byte offset."""

def codes() -> tuple[list[str], list[str]]:
    """The codes of this engine: those of files, then those of findings."""

def look_at_folder(path: bytes) -> tuple[tuple[list[str], list[str], list[int], list[int]] | None, bool]:
    """The folders in a folder; its files, their sizes in bytes and times in microseconds since 1970; and whether the disk is slow.

    No content is answered where the disk is slow, or where anything in the folder is not plainly a file or a folder.
    """
