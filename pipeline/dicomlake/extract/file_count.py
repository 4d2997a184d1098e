"""How many files a run has read so far, counted file by file while its units are read."""

from __future__ import annotations

from uuid import uuid4
from weakref import WeakValueDictionary

from dicomlake._core import FileCount

_COUNTS: WeakValueDictionary[str, SharedCount] = WeakValueDictionary()
"""The counts of this process, by name."""


class SharedCount:
    """A number of files that threads of one process share.

    It is pickled by its name: Dask pickles tasks also for threads of this process, and those count into the original. In another process
    a copy counts for itself, and nobody reads it.

    Attributes:
        core: what the compiled part adds to.

    Example:
        >>> count = SharedCount()
        >>> count.add(3)
        >>> count.files
        3
    """

    def __init__(self) -> None:
        self.core = FileCount()
        self._name = uuid4().hex
        _COUNTS[self._name] = self

    @classmethod
    def named(cls, name: str) -> SharedCount:
        """The count of that name of this process, or a new one where there is none."""
        return _COUNTS.get(name) or cls()

    @property
    def files(self) -> int:
        """The number so far."""
        return self.core.files

    def add(self, files: int) -> None:
        """Add a number of files (0 or more)."""
        self.core.add(files)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Its name alone."""
        return SharedCount.named, (self._name,)
