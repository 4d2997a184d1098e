"""A source: files that the user named, ready to be listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True)
class Source:
    """Something to list.

    Attributes:
        name: its identity from night to night, as kept in the column ``source`` of ``files``: an absolute path or pattern, a url, ``@`` and
            the path of a list, or ``@-``. No name carries credentials.
        is_file: whether the user named this one file, which is an archive then, if its content says so, whatever its name.
        messages: remarks for the user, a line each.
        whole: whether a listing is complete, so that a file of this source that is absent from it has vanished.
    """

    name: str
    whole: bool
    _list: Callable[[], Iterator[pa.RecordBatch]] = field(repr=False, compare=False)
    is_file: bool = False
    messages: tuple[str, ...] = ()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """List it again from the start: batches of 1 to 8192 rows in ``LISTING_SCHEMA``, ascending by place, no url twice.

        Places are the bytes of ``url``, except for members of archives; see `urls`.

        The first batch comes before the last folder is listed, and memory is bounded by the folders on the way down.

        Raises:
            SourceNotFound, AccessDenied: it went away, or broke off where what is left can't be told from what has vanished.
            ConfigurationError: a row of a list can't be used; raised before the first batch.
        """
        for batch in self._list():
            if batch.num_rows:
                yield batch
