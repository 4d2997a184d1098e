"""A source: files that the user named, to be listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import pyarrow as pa


@dataclass(frozen=True)
class Source:
    """Something to list.

    Attributes:
        name: its identity in every run, as in the column ``source`` of ``files``: an absolute path or pattern, a url, ``@`` and the path of
            a list, or ``@-``. It never carries credentials.
        is_file: whether the user named this one file. Then its content decides if it is an archive, not its name.
        is_glob: whether the user gave a pattern. One that matches nothing is most likely misspelt.
        messages: remarks for the user, a line each.
        whole: whether a listing is complete, so that a file that is absent from it has vanished.
    """

    name: str
    whole: bool
    _list: Callable[[], Iterator[pa.RecordBatch]] = field(repr=False, compare=False)
    is_file: bool = False
    is_glob: bool = False
    messages: tuple[str, ...] = ()
    _begun: list[Iterator[pa.RecordBatch]] = field(default_factory=list, repr=False, compare=False)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """List it from the start: batches of 1 to 8192 rows in ``LISTING_SCHEMA``, ascending by place, without repeated urls.

        Places are the bytes of ``url``, except for members of archives; see `urls`.

        The first batch comes before the last folder is listed, and memory is bounded by the folders on the way down.

        Raises:
            SourceNotFound, AccessDenied: it vanished, or the listing broke off, so that missing files can't be told from vanished ones.
            ConfigurationError: a row of a list can't be used. It is raised before the first batch.
        """
        for batch in self._begun.pop() if self._begun else self._list():
            if batch.num_rows:
                yield batch

    def lists_anything(self) -> bool:
        """Whether there is a file to list. The listing is begun for that, and `batches` carries it on.

        Raises:
            SourceNotFound, AccessDenied, ConfigurationError: as `batches`.
        """
        batches = self.batches()
        first = next(batches, None)
        if first is not None:
            self._begun.append(chain([first], batches))
        return first is not None
